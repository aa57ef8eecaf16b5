"""A cluster at one moment, and the file that keeps it: what is secret in it is never written.

The file is one JSON object of the kind `ClusterSnapshot`. Its items are whole objects, less Secrets, ConfigMaps, the
values of environment variables, and the annotations in which tools keep a copy of what was applied.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from productionpolicy.kube.coverage import Coverage
from productionpolicy.live.redaction import redacted

API_VERSION, KIND = "productionpolicy.dev/v1", "ClusterSnapshot"


class NoSnapshot(ValueError):
    """A file is not a snapshot, or cannot be read or written; the message gives the reason and the remedy."""


class Snapshot(Struct, frozen=True):
    """A cluster at one moment."""

    taken_at: str
    """When the reading began, in UTC."""
    context: str
    server_version: str
    coverage: Mapping[str, Coverage]
    """How much of each kind was read, by its name in rights, such as `pods` or `deployments.apps`."""
    items: list[bytes]
    """The objects as JSON, each with apiVersion and kind."""
    whole: bool = True
    """Whether the objects still have the values of environment variables."""

    def objects(self) -> Iterator[dict[str, Any]]:
        """Return the objects one by one."""
        return map(msgspec.json.decode, self.items)


class _File(Struct, frozen=True, rename="camel"):
    """The content of a file."""

    api_version: str
    kind: str
    taken_at: str
    context: str
    server_version: str
    coverage: dict[str, Coverage]
    items: list[msgspec.Raw]


def save(snapshot: Snapshot, path: Path) -> None:
    """Write a snapshot to a file, as a whole or not at all. Only its owner may read it.

    Raises:
        NoSnapshot: the file cannot be written.
    """
    try:
        with tempfile.NamedTemporaryFile(dir=path.absolute().parent, prefix=f".{path.name}.", delete=False) as file:
            try:
                file.writelines(_written(snapshot))
                file.close()
                Path(file.name).replace(path)
            except BaseException:
                Path(file.name).unlink(missing_ok=True)
                raise
    except OSError as error:
        raise NoSnapshot(f"{path} cannot be written: {error.strerror}") from error


def load(path: Path) -> Snapshot:
    """Read a snapshot from a file.

    Raises:
        NoSnapshot: the file is none.
    """
    try:
        found = msgspec.json.decode(path.read_bytes(), type=_File)
    except OSError as error:
        raise NoSnapshot(f"{path} cannot be read: {error.strerror}") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise NoSnapshot(f"{path} is not a complete snapshot: {error}. {_REMEDY}") from error
    if (found.api_version, found.kind) != (API_VERSION, KIND):
        raise NoSnapshot(f"{path} is not a {KIND} of {API_VERSION}. {_REMEDY}")
    items = [bytes(each) for each in found.items]
    if not all(each.lstrip().startswith(b"{") for each in items):
        raise NoSnapshot(f"{path} is not a complete snapshot: an item is not an object. {_REMEDY}")
    return Snapshot(found.taken_at, found.context, found.server_version, found.coverage, items, whole=False)


_REMEDY = "Write a new one with `productionpolicy check --live -A --save FILE`"


def _written(snapshot: Snapshot) -> Iterator[bytes]:
    head = {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "takenAt": snapshot.taken_at,
        "context": snapshot.context,
        "serverVersion": snapshot.server_version,
        "coverage": dict(snapshot.coverage),
    }
    yield msgspec.json.encode(head).removesuffix(b"}") + b',"items":['
    yield from _joined(_redacted(snapshot.items))
    yield b"\n]}\n"


def _redacted(items: Iterable[bytes]) -> Iterator[bytes]:
    for each in items:
        found = redacted(msgspec.json.decode(each))
        if found is not None:
            yield msgspec.json.encode(found)


def _joined(items: Iterable[bytes]) -> Iterator[bytes]:
    """Return the items, one per line, so that two snapshots can be compared line by line."""
    for number, each in enumerate(items):
        yield b",\n" if number else b"\n"
        yield each
