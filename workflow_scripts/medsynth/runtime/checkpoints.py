"""Resumable state in a work folder that Snakemake does not know and so does not delete."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import torch

from medsynth.store.atomic import remove_folder, replacing
from medsynth.store.digests import digest_json
from medsynth.store.errors import MedsynthError


class HasState(Protocol):
    """Modules, optimizers, averages, pools: whatever a run must find again."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any], /) -> Any: ...


@contextmanager
def work_folder(root: str | Path, name: str, *identity: Any) -> Iterator[Path]:
    """Yield the work folder of a job; same settings, data and code find the same folder.

    It stays when the job is killed or fails, and goes when the block, which publishes the
    results, ends well: a forced rerun must begin again.

    Args:
        root: where work folders live.
        name: experiment or cohort, for people.
        identity: stage settings, input digests, code digest, seed; anything JSON can hold.

    Raises:
        MedsynthError: another process works in it.
    """
    folder = Path(root) / f"{name}-{digest_json(*identity)[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    with open(folder / "lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise MedsynthError(
                f"{folder}: another process works here, perhaps left over from a killed workflow;"
                " wait for it or stop it"
            ) from None
        yield folder
        # A part of it would be taken for what a killed job left: a checkpoint without its curves.
        remove_folder(folder)


def owner(folder: Path) -> str:
    """Whose work folder it is: the name that it was given."""
    return folder.name.rpartition("-")[0] or folder.name


def save_checkpoint(path: Path, step: int, state: Mapping[str, HasState]) -> None:
    """Save the number of finished steps and every state, atomically."""
    with replacing(path) as temporary:
        torch.save({"step": step, **{k: v.state_dict() for k, v in state.items()}}, temporary)


def load_checkpoint(path: Path, state: Mapping[str, HasState]) -> int:
    """Restore every state and return the number of finished steps; 0 without a checkpoint."""
    if not path.exists():
        return 0
    saved = torch.load(path, map_location="cpu", weights_only=True)
    for name, part in state.items():
        part.load_state_dict(saved[name])
    return int(saved["step"])


def kept_batches(
    folder: Path, n: int, make: Callable[[int], Iterator[np.ndarray]]
) -> Iterator[np.ndarray]:
    """Batches of `n` arrays in all, each written to the folder when it comes.

    A kill costs the batch that was being made. As the others begin where batches begin, they are
    the same as without the kill.

    Args:
        folder: of this very product, in a :func:`work_folder`.
        n: arrays, not batches.
        make: the batches from one of the arrays on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    done = 0
    while (path := folder / f"{done:09d}.npy").exists():
        batch = np.load(path)
        yield batch
        done += len(batch)
    if done == n:
        return
    for batch in make(done):
        with replacing(folder / f"{done:09d}.npy") as temporary, open(temporary, "wb") as file:
            np.save(file, batch, allow_pickle=False)
        yield batch
        done += len(batch)
