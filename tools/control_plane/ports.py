"""Free ports of the loopback address, chosen so that nothing else is likely to take them before they are used."""

from __future__ import annotations

import random
import socket
from collections.abc import Iterator
from itertools import islice

LOOPBACK = "127.0.0.1"
RANGE = range(10_000, 32_000)
"""Below the ports that Linux gives to outgoing connections (32768 and up), which come and go at any moment."""


def free_ports(count: int) -> list[int]:
    """Return distinct ports that nothing listens on."""
    return list(islice(_free(), count))


def _free() -> Iterator[int]:
    for port in random.SystemRandom().sample(RANGE, k=len(RANGE)):
        with socket.socket() as probe:
            try:
                probe.bind((LOOPBACK, port))
            except OSError:
                continue
        yield port
