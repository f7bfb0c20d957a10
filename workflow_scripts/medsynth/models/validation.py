"""Which step of a training is kept: the one that does best on images of the validation split."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from medsynth.store.errors import MedsynthError

log = logging.getLogger(__name__)


class Diverged(MedsynthError):
    """A training whose weights give nothing that can be judged."""


class Figures(NamedTuple):
    """What a look at the validation images finds.

    values: (n,) float64, one for each image; their mean is the figure, and lower is better.
    beside: what stands beside it, such as the same of training images; named as curves are.
    """

    values: np.ndarray
    beside: Mapping[str, float]


class Judge(NamedTuple):
    """Who looks at validation images.

    figure: what is measured, with underscores; its curve is ``validate_<figure>``.
    look: figures of the weights as they are.
    patients: whose each image is, (n,).
    baselines: what the figure is to be read beside, by its words: that of guessing, say.
    """

    figure: str
    look: Callable[[], Figures]
    patients: np.ndarray
    baselines: Mapping[str, float]


def standard_error(values: np.ndarray, patients: np.ndarray) -> float:
    """Of the mean of the values (n,), patients taken for independent, not their images.

    The cluster-robust sqrt(g / (g - 1) sum_p (sum_(i of p) (v_i - mean))^2) / n of g patients
    (Cameron and Miller 2015, eq. 11, of a mean); NaN of one patient, whose images tell nothing of
    others.
    """
    names, of = np.unique(patients, return_inverse=True)
    if len(names) < 2:
        return math.nan
    sums = np.bincount(of, values - values.mean())
    return math.sqrt(len(names) / (len(names) - 1) * (sums**2).sum()) / len(values)


class Validation:
    """Looks at validation images from time to time, and keeps the weights of the chosen step.

    The step of the lowest figure is chosen, or a later one that ties with it: the mean difference
    of the two, image by image, is within one standard error (after the rule of Breiman et al.
    1984, sec. 3.4.3; the images are the same at every look, so differences tell more than values).
    Of one patient, by whom no difference can be judged, it is the lowest. Without validation images
    it is the last step.

    Args:
        module: whose weights are judged and kept.
        judge: None where there is nobody to look at.
        first: steps that have no candidate.
    """

    def __init__(
        self,
        module: nn.Module,
        judge: Judge | None,
        first: int = 0,
    ) -> None:
        self._module, self._judge, self.first = module, judge, first
        self._lowest: dict[str, Any] = {}
        self._chosen: dict[str, Any] = {}
        self._looks = 0
        self.weights: dict[str, Tensor] = {}

    def look(self, step: int) -> dict[str, float]:
        """Judge the weights after so many steps; points of the curves."""
        if not self._judge:
            self._choose({"step": step})
            return {}
        values, beside = self._judge.look()
        mean = float(values.mean())
        if math.isfinite(mean):
            self._compare(self._judge, step, mean, values, beside)
        return {f"validate_{self._judge.figure}": mean, **beside}

    def _compare(
        self,
        judge: Judge,
        step: int,
        mean: float,
        values: np.ndarray,
        beside: Mapping[str, float],
    ) -> None:
        self._looks += 1
        kept = torch.from_numpy(values)
        found: dict[str, Any] = {"step": step, "value": mean, "values": kept}
        found["beside"] = dict(beside)
        if not self._lowest or mean < self._lowest["value"]:
            self._lowest = found
        difference = values - self._lowest["values"].numpy()
        worse = difference.mean()  # zero of the lowest itself
        if worse <= 0 or worse <= standard_error(difference, judge.patients):
            self._choose(found)
        log.info(
            "step %d: validate_%s=%.4g, the chosen step is %d",
            step, judge.figure, mean, self._chosen["step"],
        )  # fmt: skip

    def _choose(self, found: dict[str, Any]) -> None:
        self._chosen = found
        state = self._module.state_dict()
        self.weights = {name: value.detach().cpu().clone() for name, value in state.items()}

    def facts(self, steps: int) -> dict[str, Any]:
        """What a card says of the choice among so many steps, as JSON values.

        Raises:
            Diverged: no look found a figure.
        """
        if not self._chosen:
            raise Diverged(
                "no look at the validation images found a finite figure: the training has diverged,"
                " and no step of it is worth keeping; lower train.lr"
            )
        facts = {"step": self._chosen["step"], "of": steps}
        if not self._judge:
            return facts | {"reason": "too few validation images: the last step is kept"}
        patients = self._judge.patients
        error = standard_error(self._chosen["values"].numpy(), patients)
        return facts | {
            "images": len(patients),
            "patients": len(np.unique(patients)),
            "looks": self._looks,
            "figure": self._judge.figure,
            "value": self._chosen["value"],
            "standard_error": error if math.isfinite(error) else None,
            "lowest": {key: self._lowest[key] for key in ("step", "value")},
            "beside": self._chosen["beside"],
            "baselines": dict(self._judge.baselines),
        }

    def state_dict(self) -> dict[str, Any]:
        return {
            "lowest": self._lowest,
            "chosen": self._chosen,
            "looks": self._looks,
            "weights": self.weights,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._lowest, self._chosen = state["lowest"], state["chosen"]
        self._looks, self.weights = state["looks"], state["weights"]
