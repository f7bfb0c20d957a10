"""Images in HDF5: one file a shard, one chunk an item."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from types import TracebackType
from typing import Protocol

import h5py
import numpy as np
import pandas as pd

from medsynth.store.atomic import replacing
from medsynth.store.manifests import used

# Images of 256 x 256 pixels: gzip halves HU for 2 ms. Of radiographs it saves a fifth, of H&E a
# third, and every read in training takes ten times as long: 8-bit images stay as they are.
FILTERS = {np.dtype("int16"): {"compression": "gzip", "compression_opts": 1, "shuffle": True}}
IMAGES = "images"
MAX_OPEN = 256  # files one store keeps open; a process may often have 1024 in all


class ShardWriter:
    """Writes one shard; the file appears when the block ends without an error.

    Datasets: ``images`` (N, H, W, C), uint8 grey or RGB or int16 HU, ``item_id`` (N,), and under a
    name of its own what lies beside every image, (N, H, W, C). A shard without items has none.

    Args:
        path: the HDF5 file to publish.
        attrs: file attributes, at least the digest of what made the shard.
    """

    def __init__(self, path: str | Path, attrs: Mapping[str, str]):
        self._path, self._attrs = path, attrs
        self._ids: list[str] = []
        self._datasets: dict[str, h5py.Dataset] = {}

    def __enter__(self) -> ShardWriter:
        with ExitStack() as stack:
            temporary = stack.enter_context(replacing(self._path))
            # Times in the file would make equal contents differ.
            self._file = stack.enter_context(h5py.File(temporary, "w", track_order=False))
            self._file.attrs.update(self._attrs)
            self._stack = stack.pop_all()
        return self

    def append(
        self, image: np.ndarray, item_id: str, beside: Mapping[str, np.ndarray] | None = None
    ) -> int:
        """Add one (H, W, C) image and return its row.

        Args:
            beside: what lies beside it, such as its mask, by name; of the same names for all.

        Raises:
            ValueError: shape, dtype or names differ from those of the first image of this shard.
        """
        row, parts = len(self._ids), {IMAGES: image, **(beside or {})}
        if row and self._datasets.keys() != parts.keys():
            raise ValueError(
                f"{self._path}: an image with {sorted(parts)} does not fit the shard's"
                f" {sorted(self._datasets)}"
            )
        for name, array in parts.items():
            if not row:
                self._datasets[name] = self._file.create_dataset(
                    name,
                    shape=(0, *array.shape),
                    maxshape=(None, *array.shape),
                    chunks=(1, *array.shape),
                    dtype=array.dtype,
                    **FILTERS.get(array.dtype, {}),
                )
            dataset = self._datasets[name]
            if array.shape != dataset.shape[1:] or array.dtype != dataset.dtype:
                raise ValueError(
                    f"{self._path}: image {array.shape} {array.dtype} does not fit the shard's"
                    f" {dataset.shape[1:]} {dataset.dtype}"
                )
            dataset.resize(row + 1, axis=0)
            dataset[row] = array
        self._ids.append(item_id)
        return row

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if kind is None and self._ids:
            self._file.create_dataset("item_id", data=np.char.encode(self._ids, "utf-8"))
        self._stack.__exit__(kind, error, traceback)


def made_from(shards: Sequence[str | Path]) -> list[str]:
    """What made each shard: other pixels are other data, though the manifest stays the same."""
    found = []
    for path in shards:
        with h5py.File(path, "r") as file:
            found.append(file.attrs["made_from"])
    return found


def open_images(path: str | Path, name: str = IMAGES) -> h5py.Dataset:
    """The images of a shard, or what lies beside them, read from the file on demand."""
    # Every image is a chunk of its own: HDF5's cache of chunks, 1 MB a file, would hold no other.
    return h5py.File(path, "r", rdcc_nbytes=0)[name]


class Images(Protocol):
    """Images that lie on disk, in an order of their own."""

    def __len__(self) -> int: ...

    def read(self, positions: Sequence[int] | np.ndarray) -> np.ndarray: ...


def batches(
    images: Images, size: int, positions: Sequence[int] | np.ndarray | None = None
) -> Iterator[np.ndarray]:
    """The images at `positions`, or all of them, in order and at most `size` at a time.

    Raises:
        ValueError: there is none.
    """
    positions = np.arange(len(images)) if positions is None else np.asarray(positions)
    if not len(positions):
        raise ValueError("no images asked for: the manifest selection is empty")
    for start in range(0, len(positions), size):
        yield images.read(positions[start : start + size])


class ImageStore:
    """The images of a manifest's used rows, read from their shards on demand.

    Args:
        manifest: item manifest; rows that are not used are left out.
        folder: where shard ``k`` lies as ``k.h5``.
    """

    def __init__(self, manifest: pd.DataFrame, folder: str | Path):
        self.manifest = used(manifest)
        self._folder = Path(folder)
        self._shard = self.manifest["shard"].to_numpy(dtype=np.int64)
        self._row = self.manifest["row"].to_numpy(dtype=np.int64)
        self._datasets: dict[tuple[int, str], h5py.Dataset] = {}

    def __len__(self) -> int:
        return len(self.manifest)

    def _dataset(self, shard: int, name: str) -> h5py.Dataset:
        key = shard, name
        if key not in self._datasets:
            if len(self._datasets) == MAX_OPEN:
                self._datasets.pop(next(iter(self._datasets))).file.close()
            self._datasets[key] = open_images(self._folder / f"{shard}.h5", name)
        return self._datasets[key]

    def read(self, positions: Sequence[int] | np.ndarray, name: str = IMAGES) -> np.ndarray:
        """Images (n, H, W, C) at `positions` of the manifest, in that order.

        Args:
            name: of what lies beside them, in their place.
        """
        positions = np.asarray(positions, dtype=np.int64)
        if positions.size == 0:
            raise ValueError("no images asked for: the manifest selection is empty")
        shards, rows = self._shard[positions].tolist(), self._row[positions].tolist()
        found = [self._dataset(s, name)[row] for s, row in zip(shards, rows, strict=True)]
        return np.stack(found)
