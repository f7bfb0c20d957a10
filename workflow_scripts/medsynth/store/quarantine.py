"""Why an item is not used: the fixed list of reasons behind every quarantined row."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import ClassVar

import pandas as pd

from medsynth.store.errors import MedsynthError
from medsynth.store.manifests import EXCLUDED, QUARANTINED, USED

log = logging.getLogger(__name__)

REASONS = {
    "missing_file": "a table names the file, but it is not there",
    "unreadable": "the file system refuses to read the file",
    "outside_root": "the file, or what its link points to, lies outside of the cohort's folder",
    "changed_since_index": "the bytes are not those the index hashed",
    "duplicate": "another file carries the same identifier",
    "no_row": "no row of the table names the file",
    "no_label": "no table gives the image a class",
    "not_kept": "the table's row has none of the values that index.keep asks for",
    "two_rows": "several different rows of the table name the same image",
    "copy": "the same bytes as another image of the patient",
    "whose_bytes": "the same bytes stand under two patients or two classes",
    "copies_differ": "the table describes copies of the same bytes differently",
    "role_copy": "two roles of one image, or the image and its mask, are the same bytes",
    "bad_slice": "the slice or frame that the table names is no number, or is not in the file",
    "no_patient": "no patient identifier in the file or the label table",
    "bad_identifier": "a table row without a usable subject, study or image identifier",
    "empty_file": "the file has no bytes",
    "not_image": "the bytes are neither PNG, JPEG, TIFF, DICOM nor NIfTI",
    "not_jpeg": "the bytes are not a JPEG image",
    "not_dicom": "the bytes are not a DICOM data set that can be parsed",
    "dicomdir": "a DICOMDIR, the directory of a medium: it names images and holds none",
    "bad_tags": "a DICOM attribute needed here has a value that cannot be understood",
    "no_pixels": "the data set has no pixel data",
    "truncated": "fewer pixel bytes than the header promises",
    "cannot_decode": "no installed codec decodes the pixels",
    "burned_in": "BurnedInAnnotation does not deny text in the pixels, and the settings exclude it",
    "wrong_modality": "the modality is not the one of the cohort",
    "not_grey": "colour or palette image",
    "not_colour": "a grey image where colours are asked for and read.grey_as_rgb is not set",
    "colour_space": "colours that have no exact red, green and blue: CMYK, YCbCr, LAB",
    "transparent": "a part of the image is transparent",
    "needs_window": "values whose range nothing tells, or that fill less than a quarter of their"
    " bits: set read.window",
    "eight_bits": "8 bits or colours, to which read.window cannot apply",
    "role_size": "the files that become the channels of one image differ in size",
    "bad_mask": "the mask is a JPEG, coloured, or no image",
    "mask_size": "the mask has another size than the image",
    "not_2d": "a volume of several slices, of which the table names none",
    "bit_depth": "not 8 to 16 bits stored in 8 or 16 bits",
    "bits_contradict": "BitsStored, HighBit, PixelRepresentation or the header of the compressed"
    " image contradict each other or the pixels",
    "size_contradicts": "Rows, Columns and BitsAllocated do not account for the pixel data",
    "multi_frame": "more than one frame or page in the file",
    "absurd_size": "too many pixels to decode safely",
    "not_ct_image": "a dose page, screen save or other object that is not a CT image",
    "projection": "a projection or rendering, whose values are not those of one place",
    "localizer": "a localizer, which shows no slice",
    "not_axial": "a slice that is not axial",
    "no_rescale": "a CT slice without rescale slope and intercept",
    "not_hu": "a CT slice whose values are not Hounsfield units",
    "same_place": "another slice of the series lies at the same place",
    "no_position": "a CT image that does not say where in the patient it lies",
    "bad_spacing": "the spacing of pixels or slices contradicts itself or is no CT scanner's",
    "no_contrast_label": "neither header nor table says whether contrast medium was given",
    "contrast_contradiction": "the contrast agent's fields and a description contradict each other",
    "unknown_phase": "the label table's word for the contrast phase is not known",
    "not_nifti": "the bytes are not a NIfTI file that can be parsed",
    "bad_header": "the NIfTI header contradicts itself or the size of the file",
    "not_3d": "a NIfTI file that is not one volume",
    "no_affine": "a NIfTI file that does not say where in the patient it lies",
    "not_finite": "values that are not numbers",
    "view": "the view is none of those that the settings keep",
    "no_finding": "none of the findings is positive",
    "ambiguous": "several of the findings are positive, and the settings exclude such images",
    "uncertain": "the labeler, or the table, is uncertain about one of the findings",
    "finding_contradiction": "'No Finding' is positive together with a finding",
    "blank": "all pixels are equal",
    "no_barcode": "the file name does not start with a TCGA barcode",
    "damaged_table": "the table is cut off, empty or not text",
    "missing_column": "the table lacks a column that is needed",
    "ragged_table": "rows of the table have another number of fields than its header",
    "wrong_build": "the segments end beyond a chromosome of the genome build",
    "not_log_ratio": "the segments' values are not log ratios of copies",
    "no_sample_barcode": "samples of the table have no TCGA barcode",
    "unknown_value": "the assay's result is none of the known words",
    "unknown_age": "the age is not plausible, or its unit cannot be told",
    "unclear_mutation": "an IDH mutation that neither place nor protein change can judge",
    "normal_sample": "an IDH mutation said of a normal sample",
    "contradiction": "rows of the same case and assay contradict each other",
    "no_genotype": "no table knows the case",
    "idh_missing": "no assay of IDH",
    "idh_unreadable": "no mutation of IDH beside a table, or a row of one, in quarantine",
    "idh_unclear": "a mutation of IDH1 or IDH2 that cannot be judged",
    "idh_not_covered": "sequenced, but not over the hotspots of IDH1 and IDH2",
    "idh_coverage_unknown": "no IDH mutation found, but the coverage is unknown",
    "idh_incomplete": "a negative R132H stain does not exclude the other IDH mutations",
    "codeletion_missing": "IDH-mutant without an assay of 1p/19q",
    "codeletion_unreadable": "IDH-mutant without an assay of 1p/19q beside a quarantined table",
    "codeletion_not_measured": "IDH-mutant, and too little of 1p or 19q was measured",
    "assay_conflict": "assays contradict each other",
    "crashed": "the library that should decode the file crashed",
    "timeout": "reading the file took longer than the limit of time",
    "out_of_memory": "reading the file took more than the limit of memory",
    "cannot_open": "neither OpenSlide nor Pillow opens the slide",
    "no_mpp": "the slide states no resolution, or a display's, and assume_mpp is not set",
    "bad_mpp": "the slide's microns per pixel are implausible, differ between the axes, or"
    " contradict each other or the objective power",
    "too_coarse": "the slide is coarser than the tiles asked for",
    "no_tissue": "no tile has enough tissue",
    "all_filtered": "every tile with tissue is marked by pen or blurred",
}


def reason_lines(reasons: pd.Series) -> list[str]:
    """Each reason with its count and what it means, the most frequent first."""
    return reason_counts(reasons.value_counts().to_dict())


def reason_counts(counts: Mapping[str, int]) -> list[str]:
    """As :func:`reason_lines`, of reasons that are counted already."""
    ordered = sorted(counts.items(), key=lambda item: -item[1])
    return [f"{n} {reason}: {REASONS.get(reason, 'see the tables')}" for reason, n in ordered]


def log_unused(table: pd.DataFrame) -> None:
    """Tell how many items of a manifest are not used and why, without naming one."""
    for status, rows in table[table["status"] != USED].groupby("status"):
        for line in reason_lines(rows["reason"]):
            log.warning("%s: %s", status, line)


class CohortError(MedsynthError):
    """The cohort as a whole cannot be built; the message says what to correct."""


class UnusableImage(MedsynthError):
    """One item cannot be used.

    Attributes:
        status: what the item becomes, quarantined.
        reason: a key of :data:`REASONS`, stored in the manifest.
        detail: what exactly happened, stored beside it and shown nowhere else.
    """

    status: ClassVar[str] = QUARANTINED

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(REASONS[reason])  # the detail may quote a name or a cell: not for logs
        self.reason = reason
        self.detail = detail

    def __reduce__(self) -> tuple[type[UnusableImage], tuple[str, str]]:
        return type(self), (self.reason, self.detail)  # it comes out of other processes


class ExcludedImage(UnusableImage):
    """One item is not wanted, though nothing is wrong with it; it counts as excluded."""

    status = EXCLUDED


@contextmanager
def unusable_as(reason: str) -> Iterator[None]:
    """Turn whatever malformed bytes provoke in a library into :class:`UnusableImage`."""
    try:
        yield
    except (UnusableImage, MemoryError):  # a busy machine says nothing about the file
        raise
    except Exception as error:
        raise UnusableImage(reason, f"{type(error).__name__}: {error}") from error
