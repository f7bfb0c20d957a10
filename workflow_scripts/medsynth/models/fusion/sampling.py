"""Predicting patients by the model of their fold, with all modalities and without some."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch

from medsynth.models.fusion.network import build
from medsynth.models.fusion.reading import Patients
from medsynth.models.patients import PatientData, Positions
from medsynth.runtime.run import Run
from medsynth.store.models import Model

SETTINGS = None


class Predicted(NamedTuple):
    """What the model of a fold says of its patients.

    Attributes:
        patients: (n,) positions.
        answers: (coalitions, n, k) float64: probabilities of the classes, or of survival the log
            risk (k = 1), when only a coalition's modalities are shown.
        there: (n, modalities), which of them the patient has.
    """

    patients: Positions
    answers: np.ndarray
    there: np.ndarray


class Request(NamedTuple):
    """Whom to predict, and by which modalities: (coalitions, modalities) bool."""

    data: PatientData
    coalitions: np.ndarray


@torch.inference_mode()
def generate(model: Model, request: Request, settings: None, run: Run) -> Iterator[Predicted]:
    """Every patient whose target is known, fold by fold; nobody by a model that has seen him."""
    data, target = request.data, model.card["target"]
    patients = Patients.read(data, model.card["images"], run.device)
    shown = torch.from_numpy(request.coalitions).to(run.device)
    for fold in range(model.card["folds"]):
        _, _, tested = data.parts(fold, target)
        if not len(tested):
            continue
        network = build(model.card, model.state, fold).to(run.device).eval()
        said, there = patients.said_by_all(network, tested), patients.there[tested]
        logits = torch.stack([network.fuse(said, there & of) for of in shown]).double()
        answers = logits if target == "survival" else logits.softmax(2)
        yield Predicted(tested, answers.cpu().numpy(), there.cpu().numpy())
