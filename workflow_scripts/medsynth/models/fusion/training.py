"""Training the fusion: one model a fold, all in one loop."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from medsynth.models.contract import Trained
from medsynth.models.fusion.belief import fit_belief
from medsynth.models.fusion.checks import check
from medsynth.models.fusion.losses import cox_losses, cross_entropy
from medsynth.models.fusion.network import Fusion, sizes
from medsynth.models.fusion.reading import Patients
from medsynth.models.fusion.settings import FusionTraining
from medsynth.models.patients import PatientData, Positions
from medsynth.models.validation import Figures, Judge, Validation
from medsynth.runtime.checkpoints import HasState
from medsynth.runtime.loop import run_steps
from medsynth.runtime.run import TrainingRun
from medsynth.runtime.seeding import batch_positions, generator
from medsynth.store.privacy.fewest import FEWEST

SETTINGS = FusionTraining


class Looks:
    """The looks of all folds' models at their own validation patients, as one."""

    first = 0

    def __init__(self, folds: list[Validation]):
        self._folds = folds

    def look(self, step: int) -> dict[str, float]:
        """The mean of the folds' figures."""
        return mean_of([fold.look(step) for fold in self._folds])

    def state_dict(self) -> dict[str, Any]:
        return {str(k): fold.state_dict() for k, fold in enumerate(self._folds)}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        for k, fold in enumerate(self._folds):
            fold.load_state_dict(state[str(k)])


def mean_of(found: list[dict[str, float]]) -> dict[str, float]:
    """The mean of each figure over the folds that have it."""
    names = dict.fromkeys(name for of in found for name in of)
    return {name: float(np.mean([of[name] for of in found if name in of])) for name in names}


class Losses:
    """What predictions of patients cost, each of them."""

    def __init__(self, data: PatientData, target: str, device: str | torch.device):
        self._labels = torch.from_numpy(data.labels).to(device)
        self._survival = target == "survival"
        if self._survival:
            assert data.months is not None
            assert data.event is not None
            self._months = torch.from_numpy(data.months).to(device)
            self._event = torch.from_numpy(data.event).to(device)

    def __call__(self, logits: Tensor, chosen: Positions) -> Tensor:
        """Of each patient, (n,), so that their mean is the loss of a patient or of an event."""
        if not self._survival:
            return cross_entropy(logits, self._labels[chosen])
        event = self._event[chosen]
        losses = cox_losses(logits[:, 0], self._months[chosen], event)
        return losses * (len(chosen) / event.sum().clamp(min=1))


def moments(rows: np.ndarray) -> tuple[Tensor, Tensor]:
    """Mean and spread (p,) of the known values of the patients trained on; 0 where few know one.

    They are computed in float64, and of no other patient; of fewer than FEWEST they would keep in
    the weights what one patient has, and the column is left out.
    """
    known = ~np.isnan(rows)
    known &= known.sum(0) >= FEWEST
    count = np.maximum(known.sum(0), 1)
    mean = np.where(known, rows, 0).sum(0, dtype=np.float64) / count
    spread = np.sqrt((np.where(known, rows - mean, 0) ** 2).sum(0) / count)
    return torch.from_numpy(mean).float(), torch.from_numpy(spread).float()


def prior(data: PatientData, trained: Positions, target: str) -> Tensor:
    """Log shares (k,) of the classes among the patients trained on; of survival one 0."""
    if target == "survival":
        return torch.zeros(1)
    counts = np.bincount(data.labels[trained], minlength=len(data.classes))
    return torch.from_numpy(np.log(counts / counts.sum())).float()


def train(data: PatientData, settings: FusionTraining, run: TrainingRun) -> Trained:
    """Train a model a fold; each modality's network learns alone.

    A modality's network gets the gradient of its own prediction only, so that what it says without
    the others is what it would say if there were none. How much it is believed, the validation
    patients say.

    Args:
        data: all patients.
        settings: target, steps, widths.
        run: its seed decides weights, batches and what is hidden; a run found in its work folder is
            continued.

    Returns:
        Weights of all folds' models, under ``fold<k>.``, and a history of losses, means over folds.

    Raises:
        TargetColumn: a column tells the target.
        TooFewPatients: of a class, or too few events, in a fold.
    """
    judged = check(data, settings)
    seed, device, target = run.seed, run.device, settings.target
    patients, losses_of = Patients.read(data, settings.images, device), Losses(data, target, device)
    image_size, image_channels = patients.images.shape[2:]
    card = {
        "family": "fusion",
        "target": target,
        "image_size": image_size,
        "image_channels": image_channels,
        "channels": settings.channels,
        "features": settings.features,
        "images": settings.images,
        "folds": data.n_folds,
        "classes": data.classes,
        "columns": dict(data.columns),
        "patients_of_several_classes": data.left_out,
        "columns_judged": judged.words(),
    }
    networks, optimizers, validations, parts = [], [], [], []
    for fold in range(data.n_folds):
        trained, chosen, _ = data.parts(fold, target)
        tables = {name: moments(rows[trained]) for name, rows in data.tables.items()}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(generator(seed, "weights", fold).initial_seed())
            network = Fusion(prior(data, trained, target), tables, *sizes(card)).to(device)
        networks.append(network)
        optimizers.append(
            torch.optim.AdamW(
                network.parameters(), lr=settings.lr, weight_decay=settings.weight_decay
            )
        )
        parts.append(trained)
        judge = _judge(network, patients, losses_of, chosen, np.array(data.patients)[chosen])
        validations.append(Validation(network, judge))

    def step_of(fold: int, i: int) -> dict[str, float]:
        network, trained = networks[fold], parts[fold]
        n = min(settings.batch, len(trained))
        chosen = trained[batch_positions(len(trained), n, seed, i, "fusion", fold)]
        said = patients.said(network, chosen, patients.drawn(chosen, settings.drawn, seed, fold, i))
        there = patients.there[chosen]
        found = {}
        for m, name in enumerate(network.modalities):
            if there[:, m].any():
                own = chosen[there[:, m].cpu().numpy()]
                found[name] = losses_of(network.alone(said[name][there[:, m]]), own).mean()
        optimizers[fold].zero_grad()
        torch.stack(list(found.values())).sum().backward()
        optimizers[fold].step()
        return {f"train_{name}": loss.item() for name, loss in found.items()}

    def step(i: int) -> dict[str, float]:
        return mean_of([step_of(fold, i) for fold in range(data.n_folds)])

    state: dict[str, HasState] = {f"network{k}": each for k, each in enumerate(networks)}
    state |= {f"optimizer{k}": each for k, each in enumerate(optimizers)}
    looks = Looks(validations)
    history = run_steps(step, state=state, settings=settings, work=run.work, validation=looks)
    card["validation"] = _choice(validations, settings.steps)
    weights = {
        f"fold{k}.{name}": value
        for k, fold in enumerate(validations)
        for name, value in fold.weights.items()
    }
    return Trained(weights, card, history)


def _judge(
    network: Fusion, patients: Patients, losses_of: Losses, chosen: Positions, names: np.ndarray
) -> Judge | None:
    """Judges by the fusion of all that the validation patients have, if there are any."""
    if not len(chosen):
        return None

    def look() -> Figures:
        with torch.no_grad():
            said, there = patients.said_by_all(network, chosen), patients.there[chosen]
        exact = {m: s.double() for m, s in said.items()}
        belief = fit_belief(
            lambda w: losses_of(network.fuse(exact, there, w.to(there.device)), chosen).sum(),
            len(said),
        )
        network.belief.copy_(belief)
        losses = losses_of(network.fuse(said, there), chosen)
        beside = {
            f"validate_{m}": losses_of(network.alone(said[m]), chosen).mean().item()
            for m in network.modalities
        }
        return Figures(losses.double().cpu().numpy(), beside)

    nothing = losses_of(network.prior.expand(len(chosen), -1), chosen).mean().item()
    return Judge("fusion", look, names, {"the same answer to all": nothing})


def _choice(validations: list[Validation], steps: int) -> Mapping[str, Any]:
    """What the card says of the steps that were kept, one a fold."""
    facts = [_withheld(validation.facts(steps)) for validation in validations]
    chosen = [each["step"] for each in facts]
    return {
        "step": int(np.median(chosen)),
        "of": steps,
        "reason": f"the median of {len(chosen)} folds, each of whose models has the step that its"
        f" own validation patients chose ({', '.join(map(str, chosen))})",
        "folds": facts,
    }


def _withheld(facts: dict[str, Any]) -> dict[str, Any]:
    """The facts of a fold, without figures that fewer than FEWEST patients are behind."""
    if facts.get("patients", FEWEST) >= FEWEST:
        return facts
    kept = {key: facts[key] for key in ("step", "of", "images", "patients", "looks", "figure")}
    return kept | {"reason": f"figures of fewer than {FEWEST} patients are withheld"}
