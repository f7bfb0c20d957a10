"""Objects through a socket; the arrays in them are copied once, not pickled and copied often."""

from __future__ import annotations

import pickle
import socket
import struct
from typing import Any

import numpy as np


def send(through: socket.socket, message: Any) -> None:
    """Write the number of parts, the size of each, the pickle and the arrays' bytes (PEP 574)."""
    buffers: list[pickle.PickleBuffer] = []
    pickled = pickle.dumps(message, protocol=5, buffer_callback=buffers.append)
    parts = [memoryview(pickled), *(buffer.raw() for buffer in buffers)]
    through.sendall(struct.pack(f"<{1 + len(parts)}Q", len(parts), *(p.nbytes for p in parts)))
    for part in parts:
        through.sendall(part)


def receive(through: socket.socket) -> Any:
    """Read the next message.

    Raises:
        EOFError: the other side is gone.
        TimeoutError: nothing came within the socket's timeout.
    """
    (count,) = struct.unpack("<Q", _read(through, 8))
    sizes = struct.unpack(f"<{count}Q", _read(through, 8 * count))
    pickled, *buffers = (_read(through, size) for size in sizes)
    return pickle.loads(pickled, buffers=buffers)


def _read(through: socket.socket, size: int) -> memoryview:
    data, done = np.empty(size, np.uint8).data, 0  # a bytearray would be filled with zeros first
    while done < size:
        received = through.recv_into(data[done:])
        if not received:
            raise EOFError
        done += received
    return data
