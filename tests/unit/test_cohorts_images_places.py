"""NIfTI files that go together: slices are taken at the same place of the patient, or refused."""

from __future__ import annotations

from itertools import permutations, product

import h5py
import numpy as np
import pytest
from nibabel import orientations

from tests.unit.image_files import cohort, encoded, made, nifti

COUNT = 5
SHAPE = (9, 9, COUNT)  # square, so that no size gives a wrong slice away
VALUES = np.random.default_rng(0).integers(0, 255, SHAPE, np.uint8)
AFFINE = np.array([[-2.0, 0, 0, 30], [0, -2, 0, 20], [0, 0, 3, -50], [0, 0, 0, 1]])
PLACE = 1
TURNS = [
    orientations.axcodes2ornt([axis[flip] for axis, flip in zip(axes, flips, strict=True)])
    for axes in permutations(("RL", "AP", "SI"))
    for flips in product((0, 1), repeat=3)
]


def turned(values: np.ndarray, turn: np.ndarray, affine: np.ndarray = AFFINE) -> bytes:
    """The same volume with its axes stored in another order and direction."""
    change = orientations.ornt_transform(orientations.io_orientation(affine), turn)
    stored = orientations.apply_orientation(values, change)
    moved = affine @ orientations.inv_ornt_aff(change, values.shape[:3])
    return nifti(np.ascontiguousarray(stored), moved)


def item(tmp_path, files: dict[str, bytes], columns: dict, **cells):
    """Reason, detail, share of the mask, and the image of one row."""
    row = {"image": "t1.nii", "patient": "p", "label": "a", "z": str(PLACE), **cells}
    columns = {"slice": "z"} | columns
    read = {"image_size": 9, "fit": "stretch"}
    frame = made(cohort(tmp_path, files, [row], columns, read=read), tmp_path / "0.h5")
    found = frame[frame["reason"] != "no_row"].iloc[0]
    if found["status"] != "used":
        return found["reason"], found["detail"], None, None
    with h5py.File(tmp_path / "0.h5") as file:
        return None, None, found.get("mask_share"), file["images"][0]


ROLES = {"file": {"before": "image", "after": "after"}}
CASES = [TURNS[k] for k in (0, 1, 4, 7, 11, 18, 26, 33, 45)]


@pytest.mark.parametrize("turn", CASES, ids=map(str, range(len(CASES))))
def test_roles_and_masks_are_taken_where_the_image_lies(tmp_path, turn):
    inverse = 255 - VALUES
    files = {"t1.nii": nifti(VALUES, AFFINE), "t2.nii": turned(inverse, turn)}
    inside = VALUES > 120
    files["m.nii"] = turned(inside.astype(np.uint8), turn)
    columns = ROLES | {"mask": "mask"}
    reason, detail, share, image = item(tmp_path, files, columns, after="t2.nii", mask="m.nii")
    assert (reason, detail) == (None, None)
    np.testing.assert_array_equal(image[..., 1], 255 - image[..., 0])
    assert share == pytest.approx(inside[..., PLACE].mean())


FAR, TILTED, THICK = AFFINE.copy(), AFFINE.copy(), AFFINE.copy()
FAR[:3, 3] += 500
TILTED[:2, :2] = 2 * np.array([[-np.cos(0.2), np.sin(0.2)], [-np.sin(0.2), -np.cos(0.2)]])
THICK[:3, :2] *= 1.1
ROUNDED = AFFINE + 1e-4


@pytest.mark.parametrize(
    ("affine", "reason"),
    [(FAR, "other_place"), (TILTED, "other_place"), (THICK, "other_place"), (ROUNDED, None)],
    ids=["origin", "orientation", "spacing", "rounded"],
)
@pytest.mark.parametrize("of", ["mask", "source_after"])
def test_what_lies_elsewhere_is_refused(tmp_path, affine, reason, of):
    affine[3] = [0, 0, 0, 1]
    files = {"t1.nii": nifti(VALUES, AFFINE), "x.nii": nifti(255 - VALUES, affine)}
    columns = {"mask": "mask"} if of == "mask" else ROLES
    found, detail, _, _ = item(tmp_path, files, columns, mask="x.nii", after="x.nii")
    assert found == reason
    assert detail is None or detail.startswith(f"of {of}: ")


@pytest.mark.parametrize(("height", "reason"), [(PLACE, None), (PLACE + 1, "other_place")])
@pytest.mark.parametrize("axes", [2, 3])
def test_a_mask_of_one_slice_lies_at_that_slice(tmp_path, height, reason, axes):
    affine = AFFINE @ np.array([[1, 0, 0, 0], [0, 1, 0, 0], [0, 0, 1, height], [0, 0, 0, 1]])
    inside = (VALUES[..., PLACE] > 120).astype(np.uint8)
    mask = nifti(inside if axes == 2 else inside[..., None], affine)
    files = {"t1.nii": nifti(VALUES, AFFINE), "m.nii": mask}
    found, _, share, _ = item(tmp_path, files, {"mask": "mask"}, mask="m.nii")
    assert found == reason and (reason or share == pytest.approx(inside.mean()))


def test_a_mask_of_one_frame_is_that_of_every_frame(tmp_path):
    volumes = np.stack([VALUES, 255 - VALUES], axis=3)
    inside = (VALUES > 120).astype(np.uint8)
    files = {"t1.nii": nifti(volumes, AFFINE), "m.nii": nifti(inside, AFFINE)}
    columns = {"mask": "mask", "frame": "t"}
    reason, _, share, _ = item(tmp_path, files, columns, mask="m.nii", t="1")
    assert reason is None and share == pytest.approx(inside[..., PLACE].mean())


def test_a_mask_that_says_of_no_place_is_compared_by_size(tmp_path):
    inside = np.zeros((9, 9), np.uint8)
    inside[:3] = 1
    files = {"t1.nii": nifti(VALUES, AFFINE), "m.png": encoded(inside)}
    reason, _, share, _ = item(tmp_path, files, {"mask": "mask"}, mask="m.png")
    assert reason is None and share == pytest.approx(1 / 3)


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_a_mask_without_numbers_is_none(tmp_path, value):
    mask = np.where(VALUES > 120, 1, value).astype(np.float32)
    files = {"t1.nii": nifti(VALUES, AFFINE), "m.nii": nifti(mask, AFFINE)}
    assert item(tmp_path, files, {"mask": "mask"}, mask="m.nii")[:2] == (
        "not_finite",
        "of mask: ",
    )
