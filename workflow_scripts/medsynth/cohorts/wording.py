"""What the page calls files and images of a cohort."""

from typing import NamedTuple


class Words(NamedTuple):
    """What things of a kind are called, all in the plural.

    Attributes:
        files: raw files, unless their suffix tells.
        groups: groups of items.
        items: images.
        files_by_suffix: raw files with one of these suffixes.
        all_files_named: whether the manifest names every raw file that an image was made of; of a
            series that became a volume it names some.
    """

    files: str
    groups: str
    items: str
    files_by_suffix: tuple[tuple[tuple[str, ...], str], ...] = ()
    all_files_named: bool = True


JPEG = ((".jpg", ".jpeg"), "JPEG files")
NIFTI = ((".nii", ".nii.gz"), "NIfTI files")
