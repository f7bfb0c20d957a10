"""A report of every held-out image that has a true one: a table."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np

from medsynth.runtime.checkpoints import kept_batches
from medsynth.runtime.run import Run
from medsynth.runtime.settings import ImageForm
from medsynth.store.digests import digest_file
from medsynth.store.manifests import TEST
from medsynth.store.models import load_model
from medsynth.store.shards import ImageStore, batches
from medsynth.store.tables.parquet import read_table, write_table
from medsynth.tasks.reporting.data import described
from medsynth.tasks.texts import NoTexts
from medsynth.text.tokenizer import END, Tokenizer


def as_texts(tokens: np.ndarray, tokenizer: Tokenizer) -> tuple[list[str], np.ndarray]:
    """The texts of what a family makes, (n, m) tokens, and whether each came to its end.

    Words that the tokenizer does not know are masked in them, as they were in what was learned.
    """
    return [tokenizer.clean(text) for text in tokenizer.decode(tokens)], (tokens == END).any(1)


def write_product(
    sampling: ModuleType,
    inputs: Any,
    outputs: Any,
    cfg: dict[str, Any],
    form: ImageForm,
    run: Run,
    work: Path,
) -> None:
    """Describe the images and write the texts, each marked as synthetic.

    Args:
        sampling: the family's module.
        inputs, outputs: of the rule: `weights`, `card`, `manifest`, `shards`, `texts`; `table`
            (source_item, text, synthetic, ended: whether it came to an end, reference: the true
            text, seed, model_sha256).
        cfg: the family's settings.
        form: of the cohort's images.
        work: folder that outlives a kill.

    Raises:
        NoTexts: no image of the test split has a text.
    """
    settings = sampling.SETTINGS(**cfg)
    model = load_model(inputs.weights, inputs.card)
    rows = described(read_table(inputs.manifest), read_table(inputs.texts), TEST)
    if rows.empty:
        raise NoTexts(
            f"{inputs.texts}: no image of the {TEST} split has a text to compare with; its column"
            " reason says why"
        )
    store = ImageStore(rows, Path(inputs.shards[0]).parent)

    def make(start: int) -> Iterator[np.ndarray]:
        request = batches(store, settings.batch, np.arange(start, len(store)))
        made: Iterator[np.ndarray] = sampling.generate(model, request, settings, run)
        return made

    tokens = np.concatenate(list(kept_batches(work / "tokens", len(store), make)))
    texts, ended = as_texts(tokens, Tokenizer(model.card["tokenizer"]))
    table = store.manifest[["item_id"]].rename(columns={"item_id": "source_item"})
    table = table.assign(
        text=texts,
        synthetic=True,
        ended=ended,
        reference=store.manifest["text"],
        seed=run.seed,
        model_sha256=digest_file(inputs.weights),
    )
    write_table(table, outputs.table)
