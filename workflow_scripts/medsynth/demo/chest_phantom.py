"""A chest phantom: what a radiograph of it shows.

The finding decides what is drawn, in frontal and lateral views alike:

* No Finding: cardiothoracic ratio 0.38 to 0.46, both costophrenic angles dark and sharp;
* Cardiomegaly: cardiothoracic ratio 0.62 to 0.74;
* Pleural Effusion: fluid as bright as the heart fills the lower third to half of one or both
  lungs; its upper edge, the meniscus, rises towards the chest wall.

Uncertain cardiomegaly (-1) has a ratio in between. AP views magnify the heart by 6 percent and are
noisier. Patients differ in size, position, tilt, brightness and rib contrast.
"""

from __future__ import annotations

import numpy as np

SIZE = 128


def draw(
    finding: str, uncertain: bool, view: str, rng: np.random.Generator
) -> tuple[np.ndarray, tuple[int, ...]]:
    """One radiograph, and at which sides of a frontal view there is fluid.

    Returns:
        (128, 128) float64 in [0, 1], bright where the body absorbs, and sides of the image: 1 is
        the right of the image and the left of the patient, -1 the other.
    """
    y, x = np.mgrid[-1 : 1 : SIZE * 1j, -1 : 1 : SIZE * 1j]
    tilt, scale = rng.normal(0, 0.03), rng.uniform(0.92, 1.08)
    x, y = (
        (x + tilt * y - rng.normal(0, 0.04)) / scale,
        (y - tilt * x - rng.normal(0, 0.04)) / scale,
    )
    ratio = rng.uniform(0.62, 0.74) if finding == "Cardiomegaly" else rng.uniform(0.38, 0.46)
    if uncertain:
        ratio = rng.uniform(0.52, 0.56)
    fluid = rng.uniform(0.0, 0.25) if finding == "Pleural Effusion" else None  # level at the hilum
    sides: tuple[int, ...] = ()
    if view == "LATERAL":
        image = _lateral(x, y, ratio, fluid)
    else:
        both_sides = rng.random() < 0.4
        wide = ratio * (1.06 if view == "AP" else 1.0)
        image, sides = _frontal(x, y, wide, fluid, both_sides, rng)
    image = np.clip(image * rng.uniform(0.9, 1.1) + rng.normal(0, 0.03), 0, 1) ** rng.uniform(
        0.9, 1.1
    )
    grain = rng.normal(0, 0.03 if view == "AP" else 0.02, image.shape)
    return np.clip(image + grain, 0, 1), sides


def _frontal(
    x: np.ndarray,
    y: np.ndarray,
    ratio: float,
    fluid: float | None,
    both_sides: bool,
    rng: np.random.Generator,
) -> tuple[np.ndarray, tuple[int, ...]]:
    body = _ellipse(x, y, 0, 0.35, 0.92, 1.25)
    image = 0.04 + 0.50 * body
    diaphragm = 0.62 - 0.22 * np.cos(np.pi * np.clip((np.abs(x) - 0.38) / 0.8, -0.5, 0.5))
    above = _edge(diaphragm + 0.06 * (x > 0) - y)  # the right dome, image left, stands higher
    lungs = [_ellipse(x, y, side * 0.39, 0.02, 0.33, 0.68) * above for side in (-1, 1)]
    image -= 0.36 * (lungs[0] + lungs[1])
    ribs = np.sin(11 * (y + 0.35 * x**2 - 0.1)) > 0.6
    image += rng.uniform(0.03, 0.07) * ribs * (lungs[0] + lungs[1])
    image += 0.22 * _edge(0.13 - np.abs(x))  # spine and mediastinum
    width = 0.72 * ratio  # the chest is 1.44 wide inside
    heart = _ellipse(x, y, 0.28 * width, 0.32, width, 0.20 + 0.28 * ratio)
    image = np.maximum(image, 0.72 * heart)
    image += 0.10 * _edge(0.03 - np.abs(y + 0.62 - 0.2 * np.abs(x))) * body  # clavicles
    sides: tuple[int, ...] = ()
    if fluid is not None:
        sides = (-1, 1) if both_sides else (int(rng.choice((-1, 1))),)
        for side in sides:
            image = np.maximum(image, _fluid(side * x, y, fluid))
    return image, sides


def _fluid(lateral: np.ndarray, y: np.ndarray, level: float) -> np.ndarray:
    meniscus = level + 0.12 - 0.9 * np.clip(lateral - 0.25, 0, 1) ** 2
    brightness = 0.74 - 0.22 * np.clip((y - 0.45) / 0.3, 0, 1)  # merges with the abdomen below
    return brightness * _ellipse(lateral, y, 0.39, 0.25, 0.35, 0.72) * _edge(y - meniscus)


def _lateral(x: np.ndarray, y: np.ndarray, ratio: float, fluid: float | None) -> np.ndarray:
    body = _ellipse(x, y, 0, 0.3, 0.75, 1.2)
    image = 0.04 + 0.55 * body
    lung = _ellipse(x, y, 0, 0, 0.52, 0.75) * _edge(0.55 - 0.25 * x - y)
    image -= 0.38 * lung
    image += 0.25 * _edge(0.12 - np.abs(x - 0.55 + 0.15 * y**2)) * body  # spine
    image = np.maximum(image, 0.70 * _ellipse(x, y, -0.2, 0.3, 0.55 * ratio, 0.15 + 0.35 * ratio))
    if fluid is not None:
        behind = _ellipse(x, y, 0.2, 0.3, 0.35, 0.6) * _edge(y - fluid - 0.2 + 0.3 * x)
        image = np.maximum(image, 0.72 * behind)
    return image


def _ellipse(
    x: np.ndarray, y: np.ndarray, cx: float, cy: float, rx: float, ry: float
) -> np.ndarray:
    return _edge((1 - np.hypot((x - cx) / rx, (y - cy) / ry)) * min(rx, ry))


def _edge(distance: np.ndarray) -> np.ndarray:
    # A soft step, one to two pixels wide at this size.
    return 1 / (1 + np.exp(-np.clip(distance / 0.012, -40, 40)))
