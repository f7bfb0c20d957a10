"""Byte-level byte-pair encoding of cleaned texts, and the words that they may hold.

Sennrich et al. 2016 (arXiv:1508.07909) on bytes, as Radford et al. 2019 do: every text can be
encoded, of any language. Ids 0, 1 and 2 are marks that no text can spell: padding, start, end.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import tokenizers

from medsynth.text.cleaning import only_known, unknown_words, without_identifiers
from medsynth.text.settings import TextSettings

PAD, START, END = range(3)
MARKS = 3


class Tokenizer:
    """Texts to numbers and back.

    Args:
        content: what :func:`train_tokenizer` returned, also from a model's card.

    Attributes:
        content: the same.
        size: numbers of the vocabulary, marks included.
        longest: numbers of an encoded text.
    """

    def __init__(self, content: Mapping[str, Any]) -> None:
        self.content = content
        self.longest: int = content["longest"]
        self._words = frozenset(content["words"])
        self._bpe = tokenizers.Tokenizer.from_str(json.dumps(content["bpe"]))
        self.size: int = MARKS + self._bpe.get_vocab_size()

    @classmethod
    def load(cls, path: str | Path) -> Tokenizer:
        """Of a cohort's tokenizer.json."""
        return cls(json.loads(Path(path).read_text(encoding="utf-8")))

    def clean(self, text: str) -> str:
        """A text as the training's were: without identifiers, and without unknown words."""
        return only_known(without_identifiers(text), self._words)

    def unknown(self, text: str) -> list[str]:
        """The words of a text that it does not know, and that :meth:`clean` masks."""
        return unknown_words(without_identifiers(text), self._words)

    def lengths(self, texts: Iterable[str]) -> np.ndarray:
        """How many numbers each text is with start and end, (n,) int64; not cut."""
        return np.array([len(self._ids(text)) + 2 for text in texts], np.int64)

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Cleaned texts as (n, longest) int64: start, text, end, padding. One that is cut has no
        end."""
        rows = np.full((len(texts), self.longest), PAD, np.int64)
        for row, text in zip(rows, texts, strict=True):
            ids = [START, *self._ids(text), END][: self.longest]
            row[: len(ids)] = ids
        return rows

    def decode(self, rows: np.ndarray) -> list[str]:
        """The texts of (n, m) numbers, each up to its end; of numbers that are no letter "�"."""
        return [self._text(row.tolist()) for row in rows]

    def _ids(self, text: str) -> list[int]:
        return [MARKS + number for number in self._bpe.encode(text).ids]

    def _text(self, ids: list[int]) -> str:
        ids = ids[: ids.index(END)] if END in ids else ids
        return self._bpe.decode([number - MARKS for number in ids if number >= MARKS]).strip()


def train_tokenizer(
    texts: Iterable[str], words: Iterable[str], settings: TextSettings
) -> dict[str, Any]:
    """Learn the pairs: a function of the texts and their order alone.

    Args:
        texts: cleaned, of the training split.
        words: those that texts may hold.

    Returns:
        {"longest", "words", "bpe" (as the library tokenizers writes it)}, for a JSON file.
    """
    level = tokenizers.pre_tokenizers.ByteLevel
    bpe = tokenizers.Tokenizer(tokenizers.models.BPE())
    bpe.pre_tokenizer = level(add_prefix_space=True)  # a word is the same wherever it stands
    bpe.decoder = tokenizers.decoders.ByteLevel()
    trainer = tokenizers.trainers.BpeTrainer(
        vocab_size=settings.vocabulary - MARKS,
        min_frequency=2,
        show_progress=False,
        initial_alphabet=level.alphabet(),
    )
    bpe.train_from_iterator(texts, trainer)
    learned = json.loads(bpe.to_str())
    return {"longest": settings.longest, "words": list(words), "bpe": learned}
