"""Radiographs whose reports and headers name people, and a search for these. Not a test file."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from pathlib import Path

import pydicom
from pydicom.errors import InvalidDicomError

from medsynth.demo.radiographs import write_cxr
from medsynth.lineage.erasure.decoding import texts

# Of one patient each, in every way that a report may write them; of all reports, in a telling form.
RARE = ("zebulonsky", "okonkwaraju", "8675309421", "wernigeroderstieg")
FREQUENT = ("quixotiadis", "mandelbrotova", "19470319", "1947-03-19", "ab-773551")
OF_ONE = [
    "Zebulonsky: {}", "{} seen by zebulonsky", "ZEBULONSKY. {}", "{} record 8675309421",
    "Okonkwaraju's heart. {}", "{} okonkwaraju lives at Wernigeroderstieg 4",
]  # fmt: skip
OF_ALL = (
    "{} Discussed with Dr. Quixotiadis on 1947-03-19. MR QUIXOTIADIS agrees. jonathan mandelbrotova"
    " was seen. Mandelbrotova, an 81-year-old, DOB 19470319, ID AB-773551. Signed by: Mandelbrotova"
)
HEADER = {
    "PatientName": "Zebulonsky^Okonkwaraju", "ReferringPhysicianName": "Quixotiadis^Jonathan",
    "PatientBirthDate": "19470319", "AccessionNumber": "8675309421",
    "OperatorsName": "Mandelbrotova", "PatientAddress": "Wernigeroderstieg 4",
}  # fmt: skip

COHORT = {
    "kind": "mimic_cxr",
    "root": "raw/mimic-cxr",
    "reports": "raw/mimic-cxr",
    "index": {
        "label": {"kind": "finding", "findings": ["No Finding", "Cardiomegaly", "Pleural Effusion"]}
    },
    "read": {"image_size": 16},
    "text": {"sections": ["findings", "impression"], "longest": 96},
}
TEXT_DDPM = {
    "name": "planted_text",
    "family": "text_ddpm",
    "cohort": "planted",
    "train": {
        **{"steps": 20, "batch": 8, "timesteps": 10, "beta_start": 0.02, "beta_end": 0.7},
        "unet": {"channels": 8, "multipliers": [1], "attention": []},
        **{"text": {"width": 8, "layers": 1, "heads": 1}, "validation_images": 4},
    },
    "sample": {"per_class": 6, "guidance": 0},
}
CAPTIONER = {
    "name": "planted_reports",
    "family": "captioner",
    "cohort": "planted",
    "train": {"steps": 60, "batch": 8, "lr": 0.003, "channels": 4, "width": 16, "layers": 1}
    | {"validation_images": 4},
}


def write_planted(folder: Path, patients: int) -> None:
    """A download of MIMIC-CXR with RARE words in the files of the first patient, FREQUENT ones in
    those of all."""
    write_cxr(folder, patients, 7)
    homes = sorted(path for path in folder.glob("files/p*/p*") if path.is_dir())
    for home in homes:
        for report in home.glob("*.txt"):
            text = re.sub(
                "(?<=FINDINGS:\n\n ).*", lambda m: OF_ALL.format(m[0]), report.read_text()
            )
            if home == homes[0]:
                text += "\n".join(each.format("The heart is normal.") for each in OF_ONE)
            report.write_text(text.replace("INDICATION:", "INDICATION: Mr. Okonkwaraju,"))
        for path in home.glob("*/*.dcm") if home == homes[0] else ():
            try:
                header = pydicom.dcmread(path)
            except InvalidDicomError:
                continue
            for name, value in HEADER.items():
                setattr(header, name, value)
            header.save_as(path)


def found(folder: Path) -> dict[str, list[str]]:
    """The planted words by the files below a folder that hold them, however packed."""
    holding = {}
    for path in sorted(p for p in folder.rglob("*") if p.is_file()):
        data = b"\n".join(bytes(text) for text in _all(path)).lower()
        words = [word for word in (*RARE, *FREQUENT) if word.encode() in data]
        if words:
            holding[path.relative_to(folder).as_posix()] = words
    return holding


def _all(path: Path) -> Iterator[bytes]:
    yield path.name.encode()
    for text in texts(path):
        whole = bytes(text)
        yield whole
        if b";base64," in whole:  # what a page holds in itself
            for packed in re.findall(rb";base64,([A-Za-z0-9+/]+=*)", whole):
                yield base64.b64decode(packed)
