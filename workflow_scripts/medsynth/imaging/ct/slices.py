"""Which data sets of Modality CT are slices: a plane of the body, in values of that plane alone.

An examination also holds what was not scanned so: dose pages, screen saves, projections, renderings
and maps of other quantities. What is one is told by SOP Class and by attributes that say how the
image was made (Image Type, PS3.3 C.8.2.1.1.1 and C.8.15.3.1; Volume Based Calculation Technique,
C.8.15.2.1; derivation codes, PS3.16 CID 7203). Reformats and averages stay. Archives and research
copies lose the SOP Class or wrap files anew: one that is not of CT is believed; without any, what a
slice must have decides. Nobody looks for text in the pixels.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from pydicom.dataset import Dataset
from pydicom.uid import (
    UID,
    CTImageStorage,
    EnhancedCTImageStorage,
    LegacyConvertedEnhancedCTImageStorage,
)

from medsynth.store.quarantine import ExcludedImage, UnusableImage

CT_IMAGES = (
    CTImageStorage,
    EnhancedCTImageStorage,
    LegacyConvertedEnhancedCTImageStorage,
)
# Whole words of the values of Image Type, in the terms of the standard and of the large vendors'
# consoles and workstations; what is neither letter nor digit is a blank.
IMAGE_TYPES = {
    "localizer": r"LOCALI[SZ]ER|SCOUT|TOPO(GRAM)?|SURVIEW|SCANOGRAM",
    "not_ct_image": (
        r"(?<! )DOSE(?! )|DOSE ?(INFO|REPORT|PAGE|SHEET|SUMMARY)|PROT(OCOL)?|REPORT|CAPTURE"
        r"|CSA (RESULT|GRAPH)|SCREEN( ?(SAVE|SHOT|CAPTURE)S?)?|GRAPH|CHART|COLOU?R"
    ),
    "projection": (
        r"(THICK ?|THIN ?|SLAB ?)?MIPS?|M(AX|IN) ?IP|MAXIMUM|MINIMUM|PROJECTION|PJN|RAY ?SUM|DRR"
        r"|VRT|SSD|VOL(UME)? ?REN(DER(ED|ING)?)?|SURFACE( ?REN(DER(ED|ING)?)?)?|RENDER(ED|ING)?"
        r"|CPR|CURVED( ?MPR)?|ENDO(SCOPIC|LUMINAL)?"
    ),
    "not_hu": (
        r"SUBTRACTION|MASKED|MULTIPLICATION|DIVISION|STD DEVIATION|QUANTITY"
        r"|MAT(ERIAL)? (SPECIFIC|REMOVED|FRACTIONAL|MODIFIED|VALUE BASED)"
        r"|EFF ATOMIC NUM|ELECTRON DENSITY|IODINE|CBF|CBV|MTT|TTP|TMAX"
    ),
}
# Of derived images only; as words they name the program, too.
WHOLE_TYPES = {"3D": "projection", "VR": "projection"}
PAGES = {
    "not_ct_image": r"DOSE ?(INFO\w*|REPORT|PAGE|SHEET|SUMMARY)|(PATIENT|EXAM) (PROTOCOL|SUMMARY)"
    r"|SCREEN ?(SAVES?|SHOTS?|CAPTURES?)",
}
# Of derived images only, and not of what is made for one: an original may be, too.
PROJECTIONS = {
    "projection": r"(?<!FOR )(M(AX|IN) ?IP|MIPS?|VRT)|(MAXIMUM|MINIMUM) INTENSITY"
    r"|VOLUME RENDER\w*",
}
TECHNIQUES = ("MAX_IP", "MIN_IP", "VOLUME_RENDER", "SURFACE_RENDER", "CURVED_MPR")
DERIVATIONS = {
    "113048": "projection",  # pixel by pixel maximum
    "113051": "projection",  # pixel by pixel minimum
    "113073": "projection",  # curved multiplanar reformatting
    "113074": "projection",  # volume rendering
    "113075": "projection",  # surface rendering
    "113078": "projection",  # maximum intensity projection
    "113079": "projection",  # minimum intensity projection
    "113047": "not_hu",  # pixel by pixel mask
    "113062": "not_hu",  # pixel by pixel subtraction
}


def check_ct_image(dataset: Dataset) -> None:
    """Refuse what is no slice, from the header alone; its geometry is checked elsewhere.

    Raises:
        UnusableImage: wrong_modality (none is named), multi_frame.
        ExcludedImage: wrong_modality (of another device in the same study), not_ct_image,
            localizer, projection, not_hu.
    """
    if (modality := dataset.get("Modality")) != "CT":
        kind = ExcludedImage if modality else UnusableImage
        raise kind("wrong_modality", str(modality))
    said = dataset.get("SOPClassUID") or dataset.file_meta.get("MediaStorageSOPClassUID")
    if said and said not in CT_IMAGES:
        raise ExcludedImage("not_ct_image", UID(said).name)
    if not said and dataset.get("ConversionType"):  # of secondary captures only
        raise ExcludedImage("not_ct_image", f"ConversionType {dataset.ConversionType}")
    for reason, detail in _says_otherwise(dataset):
        raise ExcludedImage(reason, detail)
    if int(dataset.get("NumberOfFrames") or 1) != 1:
        raise UnusableImage("multi_frame", str(dataset.NumberOfFrames))


def _says_otherwise(dataset: Dataset) -> Iterator[tuple[str, str]]:
    """Reason and detail of everything that says that the image is no slice."""
    types = dataset.get("ImageType") or []
    types = [types] if isinstance(types, str) else list(types)
    original = bool(types) and _words(types[0]) == "ORIGINAL"
    for written in types:
        value = _words(written)
        whole = None if original else WHOLE_TYPES.get(value)
        if reason := whole or _reason(IMAGE_TYPES, value):
            yield reason, f"ImageType {written}"
    if (technique := dataset.get("VolumeBasedCalculationTechnique")) in TECHNIQUES:
        yield "projection", f"VolumeBasedCalculationTechnique {technique}"
    for code in dataset.get("DerivationCodeSequence") or []:
        if code.get("CodingSchemeDesignator") == "DCM" and code.get("CodeValue") in DERIVATIONS:
            yield DERIVATIONS[code.CodeValue], f"derived by {code.get('CodeMeaning')}"
    told = PAGES if original else PAGES | PROJECTIONS
    for keyword in ("SeriesDescription", "DerivationDescription"):
        if reason := _reason(told, _words(dataset.get(keyword))):
            yield reason, f"{keyword} says so"  # free text may name the patient


def _reason(words: dict[str, str], value: str) -> str | None:
    return next((r for r, found in words.items() if re.search(rf"\b({found})\b", value)), None)


def _words(value: object) -> str:
    return " ".join(re.findall(r"[A-Z0-9]+", str(value or "").upper()))
