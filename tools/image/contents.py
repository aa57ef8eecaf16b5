"""What an archive of an image contains, and how long its program takes to start."""

from __future__ import annotations

import json
import tarfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

MEGABYTE = 1_000_000
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Contents:
    """An image in an archive.

    Attributes:
        identity: the digest of its configuration, which names all its content.
        configuration: what the image says of itself.
        unpacked_bytes: the size of its layers.
        packed_bytes: the same, compressed as registries keep them.
        files: the paths of its files, without a leading slash.
    """

    identity: str
    configuration: dict[str, Any]
    unpacked_bytes: int
    packed_bytes: int
    files: frozenset[str]

    @property
    def labels(self) -> dict[str, str]:
        """The labels of the image."""
        return dict(self.configuration["config"]["Labels"])


def read(archive: Path) -> Contents:
    """Return what an archive contains that `docker save` or `buildah push` has written."""
    with tarfile.open(archive) as whole:
        [manifest] = json.loads(_member(whole, "manifest.json").read())
        configuration = json.loads(_member(whole, manifest["Config"]).read())
        layers = [whole.getmember(name) for name in manifest["Layers"]]
        files = frozenset(name for each in layers for name in _names(whole, each))
        return Contents(
            identity=_identity(manifest["Config"]),
            configuration=configuration,
            unpacked_bytes=sum(each.size for each in layers),
            packed_bytes=sum(_packed(_member(whole, each.name)) for each in layers),
            files=files,
        )


def _identity(name: str) -> str:
    """Return the digest by which the configuration is stored, as `abc.json` or as `blobs/sha256/abc`."""
    return f"sha256:{Path(name).name.removesuffix('.json')}"


def _member(whole: tarfile.TarFile, name: str) -> IO[bytes]:
    member = whole.extractfile(name)
    assert member is not None, f"{name} is not a file"
    return member


def _names(whole: tarfile.TarFile, layer: tarfile.TarInfo) -> Iterator[str]:
    with tarfile.open(fileobj=_member(whole, layer.name)) as content:
        yield from (each.name.removeprefix("./") for each in content if not each.isdir())


def _packed(layer: IO[bytes]) -> int:
    packer = zlib.compressobj(wbits=31)
    size = 0
    while chunk := layer.read(CHUNK):
        size += len(packer.compress(chunk))
    return size + len(packer.flush())
