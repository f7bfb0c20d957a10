"""How images of the kind `images` are stacked, squared, masked, sliced and kept."""

from __future__ import annotations

import os
import time
from functools import partial

import numpy as np
import pytest

from medsynth.cohorts import shards
from medsynth.cohorts.images import shard as sharding
from medsynth.runtime.subprocess.isolated import Isolated
from tests.unit.image_files import (
    BIG,
    GREY,
    RGB,
    VOLUME,
    cohort,
    encoded,
    indexed,
    made,
    nifti,
    read,
    size_8,
)


def test_roles_become_channels_in_their_order(tmp_path):
    columns = {"file": {"before": "image", "after": "after"}}
    files = {"b.png": encoded(GREY[::-1].copy())}
    others = {"after": "b.png"}
    _, image = read(tmp_path, encoded(GREY), "a.png", columns, others, files=files, fit="stretch")
    np.testing.assert_array_equal(image, np.dstack([size_8(GREY), size_8(GREY[::-1].copy())]))


@pytest.mark.parametrize(
    ("after", "reason"),
    [
        (encoded(GREY[:-1]), "role_size"),
        (encoded(np.ascontiguousarray(GREY.T)), "role_size"),
        (encoded(RGB), "not_grey"),
        (b"", "empty_file"),
    ],
)
def test_a_role_that_does_not_fit_the_first(tmp_path, after, reason):
    columns = {"file": {"before": "image", "after": "after"}}
    files, others = {"b.png": after}, {"after": "b.png"}
    assert read(tmp_path, encoded(GREY), "a.png", columns, others, files=files)[0] == reason


def test_channels_of_one_file_by_role(tmp_path):
    channels = {"after": "blue", "before": "red"}
    _, image = read(tmp_path, encoded(RGB), channels=channels, fit="stretch")
    np.testing.assert_array_equal(image, size_8(RGB)[..., [2, 0]])


def test_grey_becomes_colours_where_it_is_said(tmp_path):
    _, image = read(tmp_path, encoded(GREY), channels="rgb", grey_as_rgb=True, fit="stretch")
    np.testing.assert_array_equal(image, np.dstack([size_8(GREY)] * 3))


@pytest.mark.parametrize(("fit", "corner"), [("pad", 0), ("crop", None), ("stretch", None)])
def test_images_become_square(tmp_path, fit, corner):
    _, image = read(tmp_path, encoded(RGB // 2 + 100), channels="rgb", fit=fit)
    assert image.shape == (8, 8, 3)
    assert (image[0] == 0).all() == (corner == 0)


INSIDE = GREY > 200


@pytest.mark.parametrize(
    ("mask", "reason"),
    [
        (encoded(INSIDE), None),
        (encoded(INSIDE.astype(np.uint8)), None),
        (encoded(INSIDE.astype(np.uint16) * 3, "TIFF"), None),
        (encoded(np.dstack([INSIDE.astype(np.uint8) * 255] * 3)), None),
        (encoded(INSIDE[:, 1:]), "mask_size"),
        (encoded(INSIDE.T.copy()), "mask_size"),
        (encoded(RGB), "bad_mask"),
        (encoded(INSIDE.astype(np.uint8) * 255, "JPEG"), "bad_mask"),
        (b"", "empty_file"),
        (b"nothing", "bad_mask"),
        (BIG[:300], "truncated"),
    ],
    ids=range(11),
)
def test_masks_are_checked_and_measured(tmp_path, mask, reason):
    row = {"image": "x.png", "patient": "p", "label": "a", "mask": "m.png"}
    files = {"x.png": encoded(GREY), "m.png": mask}
    frame = made(cohort(tmp_path, files, [row], {"mask": "mask"}), tmp_path / "0.h5")
    item = frame.iloc[0]
    if reason:
        assert item["reason"] == reason
    else:
        assert item["mask_share"] == pytest.approx(INSIDE.mean())


def test_no_mask_is_no_empty_mask(tmp_path):
    rows = [{"image": "x.png", "patient": "p", "label": "a", "mask": ""}]
    files = {"x.png": encoded(GREY)}
    frame = made(cohort(tmp_path, files, rows, {"mask": "mask"}), tmp_path / "0.h5")
    assert frame["status"].tolist() == ["used"] and frame["mask_share"].isna().all()


def test_a_slice_that_the_table_names(tmp_path):
    columns, settings = {"slice": "z"}, {"window": (0, 1030), "fit": "stretch"}
    shown = {}
    for z in ("0", "3.0"):
        reason, shown[z] = read(tmp_path, nifti(VOLUME), "v.nii", columns, {"z": z}, **settings)
        assert reason is None
    expected = [
        size_8(np.rint(np.clip(VOLUME[..., z].T / 1030, 0, 1) * 255).astype(np.uint8)[::-1, ::-1])
        for z in (0, 3)
    ]
    for image, there in zip(shown.values(), expected, strict=True):
        np.testing.assert_allclose(image[..., 0].astype(int), there.astype(int), atol=1)
    for z in ("4", "-1", "1.5", "x"):
        assert read(tmp_path, nifti(VOLUME), "v.nii", columns, {"z": z}, **settings)[0] == (
            "bad_slice"
        )
    assert read(tmp_path, encoded(GREY), columns=columns, others={"z": "0"})[0] == "bad_slice"


def test_a_frame_that_the_table_names(tmp_path):
    frames = VOLUME[:, :, None, :]
    columns, settings = {"frame": "t"}, {"window": (0, 1030)}
    assert read(tmp_path, nifti(frames), "v.nii", columns, {"t": "2"}, **settings)[0] is None
    assert read(tmp_path, nifti(frames), "v.nii", columns, {"t": "4"}, **settings)[0] == "bad_slice"


@pytest.mark.parametrize("plane", ["axial", "coronal", "sagittal"])
@pytest.mark.parametrize("flips", [(1, 1), (1, -1), (-1, 1), (-1, -1)])
@pytest.mark.parametrize("swap", [False, True])
def test_a_slice_is_turned_as_a_reader_expects_it(tmp_path, plane, flips, swap):
    # What is seen: columns towards the patient's left (back where sagittal), rows to back or feet.
    across, down = {
        "axial": ((-1, 0, 0), (0, -1, 0)),
        "coronal": ((-1, 0, 0), (0, 0, -1)),
        "sagittal": ((0, -1, 0), (0, 0, -1)),
    }[plane]  # in RAS, as files are written
    stored = GREY.T[:: flips[0], :: flips[1]]  # columns, rows
    axes = np.array([np.array(across) * flips[0], np.array(down) * flips[1]])
    if swap:
        stored, axes = stored.T, axes[::-1]
    affine = np.eye(4)
    affine[:3, :3] = np.stack([*axes, np.cross(*axes)], axis=1)
    data = nifti(np.ascontiguousarray(stored)[..., None], affine)
    reason, image = read(tmp_path, data, "v.nii", fit="stretch")
    assert reason is None
    np.testing.assert_array_equal(image[..., 0], size_8(GREY))


def test_a_file_that_changes_after_the_index_is_set_aside(tmp_path):
    settings = cohort(
        tmp_path,
        {"x.png": encoded(GREY)},
        [{"image": "x.png", "patient": "p", "label": "a"}],
    )
    rows = indexed(settings)
    (settings.root / "x.png").write_bytes(encoded(GREY[::-1].copy()))
    items = sharding.shard(rows, settings.root, settings.read, tmp_path / "0.h5", {})
    assert items["reason"].tolist() == ["changed_since_index"]


@pytest.mark.parametrize(
    ("fault", "reason"),
    [(partial(os._exit, 9), "crashed"), (partial(time.sleep, 60), "timeout")],
)
def test_a_decoder_that_crashes_or_hangs_costs_one_image(tmp_path, monkeypatch, fault, reason):
    rows = [{"image": f"{k}.png", "patient": f"p{k}", "label": "a"} for k in range(3)]
    files = {"0.png": encoded(GREY), "1.png": b"bad", "2.png": encoded(GREY[::-1].copy())}
    decode = sharding.read_square
    monkeypatch.setattr(shards, "Isolated", partial(Isolated, 1))
    monkeypatch.setattr(sharding, "read_square", partial(_faulty, decode, fault))
    frame = made(cohort(tmp_path, files, rows), tmp_path / "0.h5").set_index("item_id")
    assert frame["status"].to_dict() == {"0.png": "used", "1.png": "quarantined", "2.png": "used"}
    assert frame.loc["1.png", "reason"] == reason


def _faulty(decode, fault, data, **others):
    if data == b"bad":
        fault()
    return decode(data, **others)


def test_shards_are_the_same_bytes_every_time(tmp_path):
    rows = [{"image": f"{k}.png", "patient": f"p{k}", "label": "a"} for k in range(3)]
    files = {f"{k}.png": encoded(GREY // (k + 1)) for k in range(3)}
    settings = cohort(tmp_path, files, rows)
    for name in ("one.h5", "two.h5"):
        made(settings, tmp_path / name)
    assert (tmp_path / "one.h5").read_bytes() == (tmp_path / "two.h5").read_bytes()
