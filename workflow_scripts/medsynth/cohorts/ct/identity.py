"""What CT items are called: files in the index, slices in the shards, and the volumes between."""

from __future__ import annotations

from pydicom.dataset import Dataset

from medsynth.imaging.ct.nifti import is_nifti, stem_of


def file_id(source: str, dataset: Dataset | None = None) -> str:
    """The item_id of a raw file: its SOPInstanceUID (0008,0018), else its path below root.

    Args:
        source: the path; of NIfTI the suffix is left out, so that a packed file is the same item.
        dataset: of a DICOM file that could be read.
    """
    uid = dataset.get("SOPInstanceUID") if dataset is not None else None
    return str(uid) if uid else stem_of(source) if is_nifti(source) else source


def volume_id(series: str, stretch: int) -> str:
    """The name of a volume of a series, and of its NIfTI file; no patient's.

    Args:
        series: id of the series.
        stretch: number of the volume, where the series had to be divided into several.
    """
    return f"{series}-{stretch}"


def slice_id(volume: str, number: int) -> str:
    """The item_id of a slice of a volume, counted from the feet."""
    return f"{volume}-{number:04d}"
