"""A network a modality, and the sum of what those say whose modality is there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from medsynth.models.classifier.network import Classifier

IMAGE = "image"
Said = dict[str, Tensor]


class TableNetwork(nn.Module):
    """A row of numbers, some of which are unknown, as logits.

    Columns are standardised by the mean and spread of the patients trained on; what is unknown
    stands at the mean, and a column of its own says so.

    Args:
        mean, spread: of the known values, (p,); a spread of 0 leaves the column out.
    """

    mean: Tensor
    spread: Tensor

    def __init__(self, mean: Tensor, spread: Tensor, features: int, outputs: int):
        super().__init__()
        self.register_buffer("mean", mean)
        self.register_buffer("spread", spread)
        self.body = nn.Sequential(nn.Linear(2 * len(mean), features), nn.SiLU())
        self.head = nn.Linear(features, outputs)

    def forward(self, rows: Tensor) -> Tensor:
        unknown = rows.isnan()
        varies = self.spread > 0
        scaled = (rows - self.mean) / torch.where(varies, self.spread, torch.ones_like(self.spread))
        scaled = torch.where(unknown | ~varies, torch.zeros_like(rows), scaled)
        return self.head(self.body(torch.cat([scaled, unknown.float()], 1)))


class Fusion(nn.Module):
    """What every modality says of a patient, added to what is said of nobody in particular.

    Logits are ``prior + sum_m w_m s_m`` over the modalities m that are there, with weights w_m of
    at least 0: a product of experts (Genest and Zidek 1986, logarithmic pool). Without any modality
    it is the prior, the shares of the classes among the patients trained on. The weights are not
    trained: what networks have learned by heart would be believed (see :mod:`.belief`).

    Args:
        prior: logits (k,) of the classes' shares; of survival (1,) zero.
        tables: mean and spread of each table.
        channels, features: widths.
    """

    prior: Tensor
    belief: Tensor

    def __init__(
        self,
        prior: Tensor,
        tables: Mapping[str, tuple[Tensor, Tensor]],
        image_size: int,
        image_channels: int,
        channels: int,
        features: int,
    ):
        super().__init__()
        k = len(prior)
        self.register_buffer("prior", prior)
        self.modalities = [IMAGE, *tables]
        self.image = Classifier(image_size, image_channels, k, channels, features)
        self.tables = nn.ModuleList(TableNetwork(*of, features, k) for of in tables.values())
        self.register_buffer("belief", torch.ones(len(self.modalities)))

    def say_image(self, x: Tensor, patients: int) -> Tensor:
        """What images (patients * m, C, H, W), m of each patient in a row, say: (patients, k)."""
        features = self.image.body(x).unflatten(0, (patients, -1)).mean(1)
        return self.image.head(features)

    def say_tables(self, tables: Mapping[str, Tensor]) -> Said:
        """What each table's rows say, (n, k) each."""
        named = zip(self.modalities[1:], self.tables, strict=True)
        return {name: network(tables[name]) for name, network in named}

    def alone(self, said: Tensor) -> Tensor:
        """Logits (n, k) of one modality on its own."""
        return self.prior + said

    def fuse(self, said: Said, there: Tensor, belief: Tensor | None = None) -> Tensor:
        """Logits (n, k) of the modalities that are there.

        Args:
            said: (n, k) of each.
            there: (n, modalities) bool, in the order of `modalities`.
            belief: weights in place of the network's own.
        """
        weights = (self.belief if belief is None else belief) * there
        parts = [said[m] * weights[:, [i]] for i, m in enumerate(self.modalities)]
        return self.prior + torch.stack(parts).sum(0)


def build(card: Mapping[str, Any], state: Mapping[str, Tensor], fold: int) -> Fusion:
    """The network of a fold, with its weights."""
    prefix = f"fold{fold}."
    own = {k.removeprefix(prefix): v for k, v in state.items() if k.startswith(prefix)}
    tables = {
        name: (own[f"tables.{i}.mean"], own[f"tables.{i}.spread"])
        for i, name in enumerate(card["columns"])
    }
    network = Fusion(own["prior"], tables, *sizes(card))
    network.load_state_dict(own)
    return network


def sizes(card: Mapping[str, Any]) -> Sequence[int]:
    """The card's numbers that a network is built by."""
    return [card[key] for key in ("image_size", "image_channels", "channels", "features")]
