"""Rigid registration of two CT volumes of one patient."""

from __future__ import annotations

import logging
from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from medsynth.imaging.ct.body import body_mask
from medsynth.imaging.ct.settings import CtRegister
from medsynth.imaging.ct.volumes import Volume, resample
from medsynth.store.errors import extra

with extra("registration"):
    import SimpleITK as sitk

log = logging.getLogger(__name__)
WINDOW = (-200, 300)  # HU: fat to enhanced organs; brighter blood and bone do not dominate
SHRINK = (4, 2, 1)  # of the finest voxels, level by level
BINS = 32  # of each image's histogram
SMALLEST = 4  # voxels a side that ITK's recursive Gaussian filters need
FEWEST = 256  # voxels of a body: fewer leave most of the joint histogram empty
LAST_STEP = 1e-3  # mm
LOST = "All samples map outside moving image buffer"
SEED = 1  # ITK takes the time of day for 0
LEAST_COVERAGE = 0.1  # of the fixed body, to begin with; less says too little


@dataclass(frozen=True)
class Registration:
    """How the moving volume comes to lie where the fixed one does, see :func:`laid`.

    transform: float64 (4, 4), rigid, from the fixed volume's patient mm (LPS) to the moving one's.
    quality: finite numbers, see :func:`register_rigid`.
    """

    transform: np.ndarray
    quality: dict[str, float]


def register_rigid(fixed: Volume, moving: Volume, settings: CtRegister) -> Registration:
    """Move a volume onto another of the same patient.

    Mattes' mutual information (Mattes et al., IEEE Trans. Med. Imaging 22, 2003, pp. 120-128; the
    idea is that of Viola & Wells, Int. J. Comput. Vision 24, 1997, pp. 137-154) inside the fixed
    body is maximised over rotations about its centre and translations, from coarse voxels to fine.
    It starts from the volumes as they lie or with the centres of the bodies on each other,
    whichever has more mutual information times coverage. Volumes that are too thin, have no body,
    one value inside it or hardly anything in common stay as they lie, and so do those that the
    search loses (logged) and those whose correlation would fall. The same input gives the same
    bytes; for that, the process's filters of ITK keep to one thread from now on.

    Returns:
        quality: ncc_before and ncc_after, correlation where both bodies are, -1 to 1; dice_before
        and dice_after, Dice coefficient of the bodies; shift_mm, how far the centre of the fixed
        body goes; rotation_deg, about the axis of rotation; coverage, share of the fixed body
        that lies in what `moving` scanned, afterwards; worse, 1 where the correlation would have
        fallen, else 0.
    """
    # Sums over several threads depend on which is first. A method's own setting misses some.
    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    still, other = (_Working(volume, settings.finest_mm) for volume in (fixed, moving))
    transform = np.eye(4)
    before = after = _likeness(still, other, transform)
    worse = False
    found = _found(still, other, settings)
    if found is not None:
        reached = _likeness(still, other, found)
        worse = reached["ncc"] < before["ncc"]
        if not worse:
            transform, after = found, reached
    quality = {
        "ncc_before": before["ncc"],
        "ncc_after": after["ncc"],
        "dice_before": before["dice"],
        "dice_after": after["dice"],
        "shift_mm": float(np.linalg.norm(mapped(still.centre, transform) - still.centre)),
        "rotation_deg": float(np.rad2deg(Rotation.from_matrix(transform[:3, :3]).magnitude())),
        "coverage": after["coverage"],
        "worse": float(worse),
    }
    return Registration(transform, quality)


class _Working:
    """A volume on cubic voxels along the patient's axes, its body and where it was scanned."""

    def __init__(self, volume: Volume, spacing: float):
        corners = np.argwhere(np.ones((2, 2, 2))) * (np.array(volume.hu.shape[::-1]) - 1)
        low, high = np.sort(volume.places(corners), axis=0)[[0, -1]]
        affine = np.diag([spacing, spacing, spacing, 1.0])
        affine[:3, 3] = low
        slices, rows, columns = (int(n) + 1 for n in (high - low)[::-1] / spacing + 1e-6)
        shape = slices, rows, columns
        self.volume = resample(volume, affine, shape)
        self.body = body_mask(self.volume.hu)
        places = self.volume.places(np.argwhere(np.ones(shape))[:, ::-1])
        voxels = mapped(places, np.linalg.inv(volume.affine))
        beyond = np.array(volume.hu.shape[::-1]) - 0.5
        inside = np.greater(voxels, -0.5) & np.less(voxels, beyond)
        self.scanned = inside.all(axis=1).reshape(shape)
        self.places = places[self.body.ravel()]  # of the body
        self.centre = (self.places if self.body.any() else places).mean(axis=0)
        self.clipped = np.clip(self.volume.hu, *WINDOW).astype(np.float32)

    def image(self, voxels: np.ndarray) -> sitk.Image:
        image = sitk.GetImageFromArray(voxels)
        image.SetOrigin(self.volume.affine[:3, 3].tolist())
        image.SetSpacing(self.volume.spacing.tolist())
        return image


def mapped(places: np.ndarray, transform: np.ndarray) -> np.ndarray:
    """Places (n, 3) in mm, moved."""
    return places @ transform[:3, :3].T + transform[:3, 3]


def laid(volume: Volume, transform: np.ndarray, target: Volume) -> Volume:
    """A volume on the target's grid, `transform` being from the target's mm to the volume's.

    Linearly interpolated; -1024 HU beyond what was scanned.
    """
    lying = Volume(volume.hu, np.linalg.inv(transform) @ volume.affine)
    return resample(lying, target.affine, target.hu.shape)


def _likeness(still: _Working, other: _Working, transform: np.ndarray) -> dict[str, float]:
    """Correlation, Dice coefficient and coverage; 0 where there are none."""

    def moved(voxels: np.ndarray) -> np.ndarray:
        return laid(Volume(voxels, other.volume.affine), transform, still.volume).hu

    body = np.greater(moved(other.body * np.int16(100)), 50)
    both = body & still.body
    pair = np.stack([still.clipped[both], np.clip(moved(other.volume.hu)[both], *WINDOW)])
    varied = both.any() and np.ptp(pair, axis=1).all()
    return {
        "ncc": float(np.corrcoef(pair)[0, 1]) if varied else 0.0,
        "dice": float(2 * both.sum() / max(1, body.sum() + still.body.sum())),
        "coverage": _coverage(still, other, transform),
    }


def _coverage(still: _Working, other: _Working, transform: np.ndarray) -> float:
    """The share of one's body that the other scanned, as ITK counts it: by nearest voxels."""
    places = mapped(still.places, np.linalg.inv(other.volume.affine) @ transform)
    voxels = np.rint(places[:, ::-1]).astype(int)
    inside = np.all((voxels >= 0) & (voxels < other.body.shape), axis=1)
    return float(other.scanned[tuple(voxels[inside].T)].sum() / max(1, len(voxels)))


def _levels(still: _Working, other: _Working) -> list[int]:
    """The factors of SHRINK that leave enough of both to compare."""
    side = min(still.body.shape + other.body.shape)
    size = min(still.body.sum(), other.body.sum())
    return [f for f in SHRINK if side // f >= SMALLEST and size // f**3 >= FEWEST]


def _found(still: _Working, other: _Working, settings: CtRegister) -> np.ndarray | None:
    """The transform (4, 4) of the most mutual information; None if there is nothing to compare."""
    levels = _levels(still, other)
    if not levels or any(np.ptp(one.clipped[one.body]) == 0 for one in (still, other)):
        return None
    images = still.image(still.clipped), other.image(other.clipped)
    method = sitk.ImageRegistrationMethod()
    method.SetMetricAsMattesMutualInformation(BINS)
    method.SetMetricFixedMask(still.image(still.body.astype(np.uint8)))
    method.SetMetricMovingMask(other.image(other.scanned.astype(np.uint8)))
    method.SetInterpolator(sitk.sitkLinear)
    best, most = None, 0.0
    for shift in (np.zeros(3), other.centre - still.centre):
        euler = sitk.Euler3DTransform(still.centre.tolist(), 0, 0, 0, shift.tolist())
        coverage = _coverage(still, other, _matrix(euler))
        if coverage < LEAST_COVERAGE:
            break
        method.SetInitialTransform(euler)
        shared = -coverage * method.MetricEvaluate(*images)
        if shared > most:
            best, most = euler, shared
    if best is None:
        return None
    samples = settings.samples * np.power(levels, 3.0) / still.body.sum()
    method.SetMetricSamplingStrategy(method.RANDOM)
    method.SetMetricSamplingPercentagePerLevel(np.minimum(samples, 1).tolist(), SEED)
    method.SetShrinkFactorsPerLevel(levels)
    method.SetSmoothingSigmasPerLevel([settings.finest_mm * (f - 1) / 2 for f in levels])
    step, steps = settings.finest_mm, settings.iterations
    method.SetOptimizerAsRegularStepGradientDescent(step, LAST_STEP, steps)
    method.SetOptimizerScalesFromPhysicalShift()
    method.SetInitialTransform(best, inPlace=True)
    try:
        method.Execute(*images)
    except RuntimeError as error:  # ITK has no error of its own for it
        if LOST not in str(error):
            raise
        log.warning("registration led out of the moving volume, which stays as it lies")
        return None
    return _matrix(best)


def _matrix(euler: sitk.Euler3DTransform) -> np.ndarray:
    matrix = np.eye(4)
    matrix[:3, :3] = np.reshape(euler.GetMatrix(), (3, 3))
    matrix[:3, 3] = euler.TransformPoint((0.0, 0.0, 0.0))
    return matrix
