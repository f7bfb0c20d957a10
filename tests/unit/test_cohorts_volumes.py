"""Series, grids and NIfTI: where every voxel lies, against SimpleITK and nibabel."""

from __future__ import annotations

import gzip
from pathlib import Path

import nibabel
import numpy as np
import pytest
import SimpleITK as sitk
from ct_files import AIR, AXIAL, write_series
from hypothesis import given, settings
from hypothesis import strategies as st

from medsynth.imaging.ct.nifti import check_nifti, read_nifti, stem_of, write_nifti
from medsynth.imaging.ct.series import Slice, plane_of, volumes_of
from medsynth.imaging.ct.volumes import Volume, axial_grid, canonical, centre_of, resample
from medsynth.imaging.dicom import open_dicom, read_hu
from medsynth.store.quarantine import UnusableImage

STACK = [[-10, -20, 30 + 2.5 * k] for k in range(8)]


def ramp(places: np.ndarray) -> np.ndarray:
    """Linear in all axes: what linear interpolation gives exactly."""
    return places @ [3.0, -2.0, 5.0]


def noise(places: np.ndarray) -> np.ndarray:
    """Different at every place."""
    return np.rint(1000 * np.sin(places @ [12.9, 78.2, 37.7]))


def rod(places: np.ndarray) -> np.ndarray:
    """A straight rod along the body axis at (2, -3) mm, with soft edges."""
    distance = np.square(places[..., :2] - [2, -3]).sum(axis=-1)
    return AIR + 1500 * np.exp(-distance / 18)


def built(files: list[Path], max_missing: int = 2) -> list[Volume]:
    slices = [
        Slice(read_hu(f), plane_of(open_dicom(f, pixels=False)), i) for i, f in enumerate(files)
    ]
    return [volume for volume, _ in volumes_of(slices, max_missing)]


def voxel_places(volume: Volume) -> np.ndarray:
    s, r, c = np.indices(volume.hu.shape).reshape(3, -1)
    return volume.places(np.stack([c, r, s], axis=1)).reshape(*volume.hu.shape, 3)


def image_of(volume: Volume) -> sitk.Image:
    image = sitk.GetImageFromArray(volume.hu)
    image.SetSpacing(volume.spacing.tolist())
    image.SetOrigin(volume.affine[:3, 3].tolist())
    image.SetDirection((volume.affine[:3, :3] / volume.spacing).ravel().tolist())
    return image


def tilted(degrees: float) -> tuple[list[float], list[list[float]]]:
    """Orientation and positions of a gantry tilted about the left-right axis."""
    angle = np.deg2rad(degrees)
    positions = [[-20, -30, 10 + 2.0 * k] for k in range(25)]  # the table moves along the body
    return [1, 0, 0, 0, np.cos(angle), -np.sin(angle)], positions


def test_slices_are_sorted_and_spaced_as_simpleitk_does(tmp_path):
    files = write_series(tmp_path, noise, STACK, size=(12, 16), spacing=(0.5, 0.75))
    (volume,) = built(files)
    reader = sitk.ImageSeriesReader()
    reader.SetFileNames(reader.GetGDCMSeriesFileNames(str(tmp_path)))
    image = reader.Execute()
    np.testing.assert_array_equal(volume.hu, sitk.GetArrayFromImage(image))
    np.testing.assert_allclose(volume.spacing, image.GetSpacing())
    np.testing.assert_allclose(volume.spacing, [0.75, 0.5, 2.5])
    np.testing.assert_allclose(volume.affine[:3, 3], image.GetOrigin())
    for voxel in ([0, 0, 0], [15, 11, 7], [3, 9, 5]):
        place = volume.places(np.array([voxel]))[0]
        np.testing.assert_allclose(place, image.TransformIndexToPhysicalPoint(voxel))
    np.testing.assert_allclose(volume.heights, [p[2] for p in STACK])


@pytest.mark.parametrize(
    "orientation",
    [
        AXIAL,
        [-1, 0, 0, 0, -1, 0],  # prone
        [-1, 0, 0, 0, 1, 0],  # feet first: the normal points to the feet
        [0, 1, 0, -1, 0, 0],  # lying on the side
        [0, 1, 0, 1, 0, 0],
    ],
)
def test_every_voxel_keeps_its_value_and_place_however_the_patient_lies(tmp_path, orientation):
    (volume,) = built(write_series(tmp_path, noise, STACK, size=(6, 9), orientation=orientation))
    np.testing.assert_array_equal(volume.hu, np.maximum(noise(voxel_places(volume)), AIR))
    np.testing.assert_allclose(volume.affine[:3, :3], np.diag(volume.spacing), atol=1e-9)


def test_a_straight_rod_stays_straight_under_a_tilted_gantry(tmp_path):
    orientation, positions = tilted(20)
    files = write_series(tmp_path, rod, positions, size=(60, 40), orientation=orientation)
    (volume,) = built(files)
    axes = volume.affine[:3, :3] / volume.spacing
    np.testing.assert_allclose(axes.T @ axes, np.eye(3), atol=1e-9)
    np.testing.assert_allclose(volume.spacing, [1, 1, 2 * np.cos(np.deg2rad(20))])
    axial = resample(volume, *axial_grid(volume, np.array([2.0, -3.0]), 21, 1.0))
    weight = (axial.hu - float(AIR))[:, :, :, None]
    middle = (weight * voxel_places(axial)).sum(axis=(1, 2)) / weight.sum(axis=(1, 2))
    assert len(middle) > 40
    np.testing.assert_allclose(middle[:, :2], np.tile([2, -3], (len(middle), 1)), atol=0.1)
    # Stacked along the slice normal instead, as if nothing were tilted, the same slices bend it.
    naive = Volume(np.stack([read_hu(f) for f in files]), volume.affine)
    first, last = (voxel_places(naive)[k][naive.hu[k] > 0].mean(axis=0) for k in (0, -1))
    assert abs(first[1] - last[1]) > 10


def test_tilted_slices_agree_with_the_phantom_everywhere(tmp_path):
    orientation, positions = tilted(-15)
    (volume,) = built(
        write_series(tmp_path, rod, positions, size=(60, 40), orientation=orientation)
    )
    inside = np.zeros(volume.hu.shape, bool)
    inside[:, 15:-15, 1:-1] = True  # the first and last rows are what the shear has opened
    error = np.abs(volume.hu - rod(voxel_places(volume)))[inside]
    assert error.max() < 25  # of 1500 HU: linear interpolation of an edge 3 mm wide


def test_missing_slices_are_interpolated_up_to_the_limit(tmp_path):
    positions = [p for k, p in enumerate(STACK) if k not in (2, 3)]
    files = write_series(tmp_path, ramp, positions)
    (volume,) = built(files, max_missing=2)
    np.testing.assert_allclose(volume.hu, ramp(voxel_places(volume)), atol=1)
    assert len(volume.hu) == 8
    first, second = built(files, max_missing=1)
    assert (len(first.hu), len(second.hu)) == (2, 4)
    np.testing.assert_allclose(second.affine[:3, 3], STACK[4])


def test_a_single_slice_keeps_its_place(tmp_path):
    (volume,) = built(write_series(tmp_path, noise, STACK[:1], size=(6, 9)))
    np.testing.assert_array_equal(volume.hu, np.maximum(noise(voxel_places(volume)), AIR))
    again = resample(volume, *axial_grid(volume, centre_of([volume]), 6, 1.0))
    assert again.hu.shape == (1, 6, 6) and again.heights.tolist() == [30]
    between = (volume.hu[0, :, 1:7].astype(float) + volume.hu[0, :, 2:8]) / 2
    np.testing.assert_allclose(again.hu[0], between, atol=0.51)


@pytest.mark.parametrize("tilt", [0, 12])
def test_finer_grids_agree_with_simpleitk(tilt):
    rng = np.random.default_rng(3)
    hu = rng.integers(-1000, 1000, (9, 14, 12)).astype(np.int16)
    turn = np.deg2rad(tilt)
    affine = np.diag([0.9, 1.1, 2.5, 1.0])
    affine[:3, :3] = [
        [0.9, 0, 0],
        [0, 1.1 * np.cos(turn), -2.5 * np.sin(turn)],
        [0, 1.1 * np.sin(turn), 2.5 * np.cos(turn)],
    ]
    affine[:3, 3] = [-5, 7, 100]
    volume = Volume(hu, affine)
    grid, shape = axial_grid(volume, centre_of([volume]), 10, 0.8)
    ours = resample(volume, grid, shape).hu.astype(float)
    reference = sitk.GetImageFromArray(np.zeros(shape, np.float32))
    reference.SetSpacing([0.8] * 3)
    reference.SetOrigin(grid[:3, 3].tolist())
    image = sitk.Cast(image_of(volume), sitk.sitkFloat32)
    linear = sitk.Resample(image, reference, sitk.Transform(), sitk.sitkLinear, AIR)
    theirs = sitk.GetArrayFromImage(linear)
    inside = sitk.GetArrayFromImage(
        sitk.Resample(image * 0 + 1, reference, sitk.Transform(), sitk.sitkLinear, 0)
    )
    assert inside.sum() > 300
    np.testing.assert_allclose(ours[inside > 0], theirs[inside > 0], atol=0.51)  # rounding


def test_coarser_grids_average_instead_of_picking():
    rng = np.random.default_rng(4)
    hu = rng.normal(40, 100, (40, 40, 40)).astype(np.int16)
    volume = Volume(hu, np.eye(4))
    coarse = resample(volume, *axial_grid(volume, centre_of([volume]), 9, 4.0)).hu[1:-1, 1:-1, 1:-1]
    sigma = np.sqrt(4**2 - 1) / np.sqrt(8 * np.log(2))
    expected = 100 / np.sqrt((2 * np.sqrt(np.pi) * sigma) ** 3)  # white noise through a Gaussian
    assert abs(coarse.mean() - 40) < 5
    assert coarse.std() == pytest.approx(expected, rel=0.25)
    places = np.stack(np.meshgrid(*[np.arange(40.0)] * 3, indexing="ij"), axis=-1)[..., ::-1]
    linear = Volume(ramp(places).astype(np.int16), np.eye(4))
    moved = resample(linear, *axial_grid(linear, centre_of([linear]), 5, 4.0))
    np.testing.assert_allclose(
        moved.hu[2:-2], np.rint(ramp(voxel_places(moved)))[2:-2], atol=1
    )  # smoothing leaves a ramp as it is


@given(
    st.permutations([0, 1, 2]),
    st.lists(st.sampled_from([-1, 1]), min_size=3, max_size=3),
    st.lists(st.floats(-200, 200), min_size=3, max_size=3),
)
@settings(max_examples=40, deadline=None)
def test_canonical_moves_no_voxel(order, signs, origin):
    affine = np.eye(4)
    affine[:3, :3] = (np.eye(3) * [0.7, 0.8, 2.0] * signs)[:, order]
    affine[:3, 3] = origin
    volume = Volume(np.arange(60, dtype=np.int16).reshape(3, 4, 5), affine)
    again = canonical(volume)
    assert (np.diag(again.affine)[:3] > 0).all()
    before = {
        v: p for v, p in zip(volume.hu.flat, voxel_places(volume).reshape(-1, 3), strict=True)
    }
    after = voxel_places(again).reshape(-1, 3)
    np.testing.assert_allclose(after, [before[v] for v in again.hu.flat], atol=1e-9)


def test_nibabel_and_simpleitk_find_our_voxels_where_we_do(tmp_path):
    rng = np.random.default_rng(5)
    affine = np.diag([0.7, 0.9, 2.0, 1.0])
    affine[:3, 3] = [-120.5, -99, 431.25]
    volume = Volume(rng.integers(-1000, 1000, (5, 6, 7)).astype(np.int16), affine)
    path = tmp_path / "a.nii.gz"
    write_nifti(volume, path)
    ours = volume.places(np.array([[6, 5, 4]]))[0]
    image = sitk.ReadImage(str(path))
    np.testing.assert_allclose(image.TransformIndexToPhysicalPoint((6, 5, 4)), ours, atol=1e-4)
    np.testing.assert_array_equal(sitk.GetArrayFromImage(image), volume.hu)
    loaded = nibabel.load(path)
    np.testing.assert_allclose(
        nibabel.affines.apply_affine(loaded.affine, [6, 5, 4]), ours * [-1, -1, 1], atol=1e-4
    )
    assert loaded.header["sform_code"] == loaded.header["qform_code"] == 1
    np.testing.assert_allclose(loaded.get_sform(), loaded.get_qform(), atol=1e-4)
    again = read_nifti(path.read_bytes())
    np.testing.assert_array_equal(again.hu, volume.hu)
    np.testing.assert_allclose(again.affine, affine, atol=1e-4)
    first = path.read_bytes()
    write_nifti(volume, path)
    assert path.read_bytes() == first


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz"])
def test_files_of_simpleitk_are_read(tmp_path, name):
    rng = np.random.default_rng(6)
    hu = rng.integers(-1000, 1000, (4, 5, 6)).astype(np.int16)
    image = sitk.GetImageFromArray(hu)
    image.SetSpacing([0.5, 0.6, 3])
    image.SetOrigin([10, -20, 30])
    image.SetDirection([-1, 0, 0, 0, -1, 0, 0, 0, 1])
    sitk.WriteImage(image, str(tmp_path / name))
    check_nifti(tmp_path / name)
    volume = read_nifti((tmp_path / name).read_bytes())
    np.testing.assert_array_equal(volume.hu, hu[:, ::-1, ::-1])
    corner = image.TransformIndexToPhysicalPoint((5, 4, 0))
    np.testing.assert_allclose(volume.affine[:3, 3], corner, atol=1e-4)
    np.testing.assert_allclose(volume.spacing, [0.5, 0.6, 3], atol=1e-5)


def saved(path: Path, data: np.ndarray, affine: np.ndarray | None = None, *, kind=None) -> Path:
    kind = kind or nibabel.Nifti1Image
    nibabel.save(kind(data, np.diag([-1, -1, 1, 1]) if affine is None else affine), path)
    return path


def test_scaled_and_floating_values_become_hounsfield_units(tmp_path):
    hu = np.linspace(-3000, 2000, 60).reshape(3, 4, 5)
    image = nibabel.Nifti1Image(np.rint((hu + 1024) / 2).astype(np.int16), np.eye(4))
    image.header.set_slope_inter(2, -1024)
    raw = bytearray(image.to_bytes())
    raw[112:120] = np.array([2, -1024], "<f4").tobytes()  # scl_slope, scl_inter
    scaled = read_nifti(bytes(raw)).hu
    plain = read_nifti(saved(tmp_path / "f.nii.gz", hu.astype(np.float32)[..., None]).read_bytes())
    second = saved(tmp_path / "2.nii.gz", hu.astype(">i2"), kind=nibabel.Nifti2Image)
    expected = np.maximum(hu, AIR).transpose(2, 1, 0)
    np.testing.assert_allclose(scaled, expected[:, ::-1, ::-1], atol=1)
    np.testing.assert_allclose(plain.hu, expected, atol=0.5)
    np.testing.assert_allclose(read_nifti(second.read_bytes()).hu, expected, atol=1)


BLOCK = np.arange(-30, 30, dtype=np.int16).reshape(3, 4, 5)
SHEARED = np.array([[1, 0, 0.4, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1.0]])


@pytest.mark.parametrize(
    ("data", "affine", "reason"),
    [
        (np.stack([BLOCK, BLOCK], axis=3), None, "not_3d"),
        (BLOCK[0], None, "not_3d"),
        (np.where(BLOCK == 3, np.nan, BLOCK.astype(np.float32)), None, "not_finite"),
        (BLOCK.astype(np.uint8), None, "not_hu"),
        (BLOCK + np.int16(40), None, "not_hu"),
        ((BLOCK / 30).astype(np.float32), None, "not_hu"),  # scaled to -1 .. 1
        (BLOCK.astype(np.float32) * 2000, None, "not_hu"),  # up to 58,000
        (BLOCK * 0 - 5, None, "blank"),
        (BLOCK, SHEARED, "no_affine"),
        (BLOCK, np.diag([1, 1, 0, 1]), "no_affine"),
    ],
)
def test_what_is_no_ct_volume_is_refused(tmp_path, data, affine, reason):
    with pytest.raises(UnusableImage) as refused:
        path = tmp_path / "a.nii.gz"
        image = nibabel.Nifti1Image(data, None)
        image.header.set_sform(np.diag([-1, -1, 1, 1]) if affine is None else affine, 1)
        path.write_bytes(gzip.compress(image.to_bytes()))
        read_nifti(path.read_bytes())
    assert refused.value.reason == reason


def test_stems():
    assert [stem_of(n) for n in ("a/b.nii", "a/b.nii.gz", "b.1.NII.GZ")] == ["a/b", "a/b", "b.1"]
