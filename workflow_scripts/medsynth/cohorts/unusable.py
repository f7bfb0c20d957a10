"""Why an item cannot be used: the fixed list of reasons behind every quarantined row."""

from __future__ import annotations

REASONS = {
    "missing_file": "a table names the file, but it is not there",
    "unreadable": "the file system refuses to read the file",
    "changed_since_index": "the bytes are not those the index hashed",
    "duplicate": "another file carries the same identifier",
    "no_patient": "no patient identifier in the file or the label table",
    "not_dicom": "the bytes are not a DICOM data set that can be parsed",
    "bad_tags": "a DICOM attribute needed here has a value that cannot be understood",
    "no_pixels": "the data set has no pixel data",
    "truncated": "fewer pixel bytes than the header promises",
    "cannot_decode": "no installed codec decodes the pixels",
    "wrong_modality": "the modality is not the one of the cohort",
    "not_grey": "colour or palette image",
    "bit_depth": "not 8 to 16 bits stored",
    "multi_frame": "more than one frame in the file",
    "absurd_size": "too many pixels to decode safely",
    "no_rescale": "a CT slice without rescale slope and intercept",
    "not_hu": "a CT slice whose values are not Hounsfield units",
    "blank": "all pixels are equal",
    "no_barcode": "the file name does not start with a TCGA barcode",
    "cannot_open": "neither OpenSlide nor Pillow opens the slide",
    "no_mpp": "the slide does not say its resolution and assume_mpp is not set",
    "too_coarse": "the slide is coarser than the tiles asked for",
    "no_tissue": "no tile has enough tissue",
}


class CohortError(ValueError):
    """The cohort as a whole cannot be built; the message says what to correct."""


class UnusableImage(Exception):
    """One item cannot be used.

    Attributes:
        reason: a key of :data:`REASONS`, stored in the manifest.
        detail: what exactly happened, stored beside it.
    """

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{REASONS[reason]} ({detail})" if detail else REASONS[reason])
        self.reason = reason
        self.detail = detail
