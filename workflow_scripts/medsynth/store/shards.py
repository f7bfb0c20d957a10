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
MAX_OPEN = 256  # files one store keeps open; a process may often have 1024 in all


class ShardWriter:
    """Writes one shard; the file appears when the block ends without an error.

    Datasets: ``images`` (N, H, W, C), uint8 grey or RGB or int16 HU, and ``item_id`` (N,).
    A shard without items has neither.

    Args:
        path: the HDF5 file to publish.
        attrs: file attributes, at least the digest of what made the shard.
    """

    def __init__(self, path: str | Path, attrs: Mapping[str, str]):
        self._path, self._attrs = path, attrs
        self._ids: list[str] = []

    def __enter__(self) -> ShardWriter:
        with ExitStack() as stack:
            temporary = stack.enter_context(replacing(self._path))
            # Times in the file would make equal contents differ.
            self._file = stack.enter_context(h5py.File(temporary, "w", track_order=False))
            self._file.attrs.update(self._attrs)
            self._stack = stack.pop_all()
        return self

    def append(self, image: np.ndarray, item_id: str) -> int:
        """Add one (H, W, C) image and return its row.

        Raises:
            ValueError: shape or dtype differ from the first image of this shard.
        """
        if not self._ids:
            self._images = self._file.create_dataset(
                "images",
                shape=(0, *image.shape),
                maxshape=(None, *image.shape),
                chunks=(1, *image.shape),
                dtype=image.dtype,
                **FILTERS.get(image.dtype, {}),
            )
        if image.shape != self._images.shape[1:] or image.dtype != self._images.dtype:
            raise ValueError(
                f"{self._path}: image {image.shape} {image.dtype} does not fit the shard's"
                f" {self._images.shape[1:]} {self._images.dtype}"
            )
        row = len(self._ids)
        self._images.resize(row + 1, axis=0)
        self._images[row] = image
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


def open_images(path: str | Path) -> h5py.Dataset:
    """The images of a shard, read from the file on demand."""
    # Every image is a chunk of its own: HDF5's cache of chunks, 1 MB a file, would hold no other.
    return h5py.File(path, "r", rdcc_nbytes=0)["images"]


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
        self._datasets: dict[int, h5py.Dataset] = {}

    def __len__(self) -> int:
        return len(self.manifest)

    def _dataset(self, shard: int) -> h5py.Dataset:
        if shard not in self._datasets:
            if len(self._datasets) == MAX_OPEN:
                self._datasets.pop(next(iter(self._datasets))).file.close()
            self._datasets[shard] = open_images(self._folder / f"{shard}.h5")
        return self._datasets[shard]

    def read(self, positions: Sequence[int] | np.ndarray) -> np.ndarray:
        """Images (n, H, W, C) at `positions` of the manifest, in that order."""
        positions = np.asarray(positions, dtype=np.int64)
        if positions.size == 0:
            raise ValueError("no images asked for: the manifest selection is empty")
        images = [self._dataset(int(self._shard[p]))[int(self._row[p])] for p in positions]
        return np.stack(images)
