"""Rigid registration: known movements are found again, and nothing else is moved."""

from __future__ import annotations

import numpy as np
import pytest
import SimpleITK as sitk
from scipy.spatial.transform import Rotation

from medsynth.imaging.ct import registration
from medsynth.imaging.ct.body import body_mask
from medsynth.imaging.ct.registration import laid, register_rigid
from medsynth.imaging.ct.settings import CtRegister
from medsynth.imaging.ct.volumes import Volume

QUICK = CtRegister(finest_mm=3.0, samples=10_000, iterations=60)
QUALITY = [f"{name}_{when}" for name in ("ncc", "dice") for when in ("before", "after")]
QUALITY += ["shift_mm", "rotation_deg", "coverage", "worse"]
CENTRE = np.array([4.0, -6.0, 15.0])  # of the body, mm
#        middle, half axes in mm, HU: each over those before it
BODY = [
    ((0, 0, 0), (75, 55, 120), 0),
    ((0, 35, 0), (12, 12, 150), 350),  # spine
    ((-35, -5, 45), (25, 30, 45), -800),  # lungs
    ((32, -8, 50), (22, 28, 38), -800),
    ((-25, -10, -35), (38, 30, 28), 55),  # liver
    ((42, 8, -30), (16, 18, 22), 45),  # spleen
    ((-28, 28, -65), (13, 12, 22), 30),  # kidneys
    ((33, 28, -58), (12, 12, 20), 30),
    ((6, -20, 35), (18, 18, 22), 40),  # heart
    ((4, 18, 0), (6, 6, 150), 40),  # aorta
]
ENHANCED = {4: 110, 5: 120, 6: 180, 7: 180, 8: 170, 9: 250}


def body(places: np.ndarray, contrast: bool = False) -> np.ndarray:
    """HU of a trunk at patient coordinates (..., 3) in mm."""
    hu = np.full(places.shape[:-1], -1000.0)
    trunk = None
    for i, (middle, axes, value) in enumerate(BODY):
        radius = np.linalg.norm((places - CENTRE - middle) / axes, axis=-1)
        edge = np.clip((1 - radius) * min(axes) / 3 + 0.5, 0, 1)  # 3 mm wide
        trunk = edge if trunk is None else trunk
        value = ENHANCED.get(i, value) if contrast else value
        hu += np.minimum(edge, trunk) * (value - hu)
    return hu


def scan(
    *,
    transform: np.ndarray | None = None,
    contrast: bool = False,
    spacing: tuple[float, float, float] = (3, 3, 3),
    shape: tuple[int, int, int] = (56, 48, 60),
    start: tuple[float, float, float] = (-85, -77, -68),
    seed: int = 0,
) -> Volume:
    """A noisy scan of a patient who lies moved by a transform (4, 4)."""
    affine = np.diag([*spacing, 1.0])
    affine[:3, 3] = start
    empty = Volume(np.zeros(shape, np.int16), affine)
    s, r, c = np.indices(shape).reshape(3, -1)
    places = empty.places(np.stack([c, r, s], axis=1))
    back = np.linalg.inv(np.eye(4) if transform is None else transform)
    places = places @ back[:3, :3].T + back[:3, 3]
    noise = np.random.default_rng(seed).normal(0, 15, shape)
    hu = body(places, contrast).reshape(shape) + noise
    return Volume(np.rint(hu).astype(np.int16), affine)


def movement(rotation_deg: list[float], shift: list[float]) -> np.ndarray:
    """Rotation vector in degrees about the body's centre, then a shift in mm."""
    transform = np.eye(4)
    transform[:3, :3] = Rotation.from_rotvec(rotation_deg, degrees=True).as_matrix()
    transform[:3, 3] = CENTRE + shift - transform[:3, :3] @ CENTRE
    return transform


def errors(found: np.ndarray, true: np.ndarray) -> tuple[float, float]:
    """Largest distance in mm within the trunk, and degrees."""
    corners = CENTRE + np.array(
        [[x, y, z] for x in (-60, 60) for y in (-40, 40) for z in (-60, 60)]
    )
    off = corners @ (found - true)[:3, :3].T + (found - true)[:3, 3]
    turn = Rotation.from_matrix(found[:3, :3] @ true[:3, :3].T).magnitude()
    return np.linalg.norm(off, axis=1).max(), np.rad2deg(turn)


MOVED = movement([2.0, -1.5, 3.1], [6, -4, 3.3])  # 4 degrees, 8 mm
ELSEWHERE = {"spacing": (2, 2, 5), "shape": (22, 72, 85), "start": (-82, -72, -40)}


@pytest.mark.parametrize(
    ("fixed", "moving"),
    [
        ({}, {}),
        ({"contrast": True}, {}),
        ({"contrast": True}, ELSEWHERE),
        (ELSEWHERE, {"contrast": True}),
    ],
    ids=["same", "contrast", "fewer slices", "more slices"],
)
def test_a_known_movement_is_found(fixed, moving):
    still, other = scan(**fixed), scan(transform=MOVED, seed=1, **moving)
    result = register_rigid(still, other, QUICK)
    mm, degrees = errors(result.transform, MOVED)
    assert mm < 1 and degrees < 1
    shape, quality = still.hu.shape, result.quality
    moved = laid(other, result.transform, still)
    assert (moved.hu.shape, moved.hu.dtype) == (shape, np.int16)
    np.testing.assert_array_equal(moved.affine, still.affine)
    centre = still.places(np.array([[0, 0, 0], shape[::-1]]) - 0.5).mean(axis=0)
    there = MOVED[:3, :3] @ centre + MOVED[:3, 3]
    assert quality["shift_mm"] == pytest.approx(np.linalg.norm(there - centre), abs=1.5)
    assert quality["rotation_deg"] == pytest.approx(3.98, abs=0.5)
    assert quality["ncc_after"] > 0.88 > 0.75 > quality["ncc_before"]
    assert quality["dice_after"] > quality["dice_before"] and quality["worse"] == 0


def test_bodies_far_apart_start_from_their_centres():
    still, far = scan(), movement([0, 0, 12], [25, -20, 40])
    result = register_rigid(still, scan(transform=far, seed=1, start=(-60, -97, -28)), QUICK)
    assert errors(result.transform, far)[0] < 1


def image_of(volume: Volume) -> sitk.Image:
    image = sitk.GetImageFromArray(volume.hu.astype(np.float32))
    image.SetSpacing(volume.spacing.tolist())
    image.SetOrigin(volume.affine[:3, 3].tolist())
    return image


def assert_resampled(moved: Volume, moving: Volume, fixed: Volume, transform: np.ndarray) -> None:
    to_moving = sitk.AffineTransform(transform[:3, :3].ravel().tolist(), transform[:3, 3].tolist())
    images = image_of(moving), image_of(fixed)
    expected = sitk.GetArrayFromImage(sitk.Resample(*images, to_moving, sitk.sitkLinear, -2000))
    held = expected > -2000  # SimpleITK ends half a voxel beyond the outermost centres
    assert 0.5 < held.mean() < 1
    np.testing.assert_allclose(moved.hu[held], expected[held], atol=1)
    assert (moved.hu == -1024).any()


def test_the_moved_volume_is_resampled_as_simpleitk_does():
    still, other = scan(contrast=True), scan(transform=MOVED, seed=1)
    result = register_rigid(still, other, QUICK)
    assert_resampled(laid(other, result.transform, still), other, still, result.transform)


def test_a_shift_in_the_header_alone_is_followed():
    still = scan()
    bright = np.random.default_rng(2).integers(400, 1000, still.hu.shape, dtype=np.int16)
    affine = still.affine.copy()
    affine[:3, 3] += [5, -4, 7]
    other = Volume(bright, affine)  # one value to the metric: nothing to register by
    result = register_rigid(still, other, QUICK)
    np.testing.assert_array_equal(result.transform, np.eye(4))
    assert_resampled(laid(other, result.transform, still), other, still, np.eye(4))


def test_another_field_of_view_is_not_a_movement():
    still, other = scan(), scan(seed=1, **ELSEWHERE)
    result = register_rigid(still, other, QUICK)
    assert errors(result.transform, np.eye(4))[0] < 0.7
    bottom, top = other.heights[[0, -1]]
    seen = (still.heights > bottom) & (still.heights < top)
    trunk = body_mask(still.hu)
    share = trunk[seen].sum() / trunk.sum()
    assert result.quality["coverage"] == pytest.approx(share, abs=0.03)
    moved = laid(other, result.transform, still)
    assert (moved.hu[still.heights > top + 6] == -1024).all()


def test_equal_input_gives_equal_bytes():
    still, other = scan(contrast=True), scan(transform=MOVED, seed=1)
    first, second = (register_rigid(still, other, QUICK) for _ in range(2))
    assert first.transform.tobytes() == second.transform.tobytes()
    assert first.quality == second.quality


def test_what_correlates_less_is_dropped(monkeypatch):
    still, other = scan(), scan(seed=1)
    monkeypatch.setattr(registration, "_found", lambda *_: MOVED)
    result = register_rigid(still, other, QUICK)
    np.testing.assert_array_equal(result.transform, np.eye(4))
    quality = result.quality
    assert (quality["worse"], quality["shift_mm"], quality["rotation_deg"]) == (1, 0, 0)
    assert quality["ncc_after"] == quality["ncc_before"] > 0.9
    np.testing.assert_array_equal(laid(other, result.transform, still).hu, other.hu)


NOTHING = {
    "single slice": scan().hu[30:31],
    "two slices": scan().hu[30:32],
    "single row": scan().hu[:, 20:21],
    "one voxel": np.zeros((1, 1, 1), np.int16),
    "constant": np.zeros((40, 40, 40), np.int16),
    "air": np.full((40, 40, 40), -1024, np.int16),
    "specks": np.where(np.indices((20, 20, 20)).sum(axis=0) % 7, -1000, 50).astype(np.int16),
}


@pytest.mark.parametrize("odd", NOTHING.values(), ids=NOTHING.keys())
def test_what_cannot_be_registered_stays(odd):
    still, other = scan(), Volume(odd, scan().affine)
    for fixed, moving in ((still, other), (other, still), (other, other)):
        assert_stays(fixed, moving)


def test_without_overlap_volumes_stay():
    """The same frame of reference, but another region of the body."""
    still = scan()
    other = scan(seed=1, start=(-85, -77, 200))
    assert_stays(still, other)
    assert_stays(still, Volume(still.hu, other.affine))
    assert (laid(other, np.eye(4), still).hu == -1024).all()


def assert_stays(fixed: Volume, moving: Volume) -> None:
    result = register_rigid(fixed, moving, QUICK)
    np.testing.assert_array_equal(result.transform, np.eye(4))
    assert list(result.quality) == QUALITY
    assert all(type(value) is float for value in result.quality.values())
    assert np.isfinite(list(result.quality.values())).all()
    assert result.quality["worse"] == 0


def test_a_search_that_loses_the_volume_leaves_it(monkeypatch, caplog):
    execute = sitk.ImageRegistrationMethod.Execute

    def astray(method: sitk.ImageRegistrationMethod, *images: sitk.Image) -> sitk.Transform:
        method.SetInitialTransform(sitk.Euler3DTransform((0, 0, 0), 0, 0, 0, (5000, 0, 0)))
        return execute(method, *images)

    monkeypatch.setattr(sitk.ImageRegistrationMethod, "Execute", astray)
    assert_stays(scan(), scan(seed=1))
    assert "stays as it lies" in caplog.text
