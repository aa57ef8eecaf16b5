"""Images without a registry: an archive as `docker save` writes it, of one program."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Sequence
from pathlib import Path

REGISTRY = "registry.example"
PAUSE = f"{REGISTRY}/pause:1.0"
WEB = f"{REGISTRY}/web:1.0"


def write_archive(file: Path, *, program: Path, tag: str) -> None:
    """Write an image that holds and starts a statically linked program."""
    layer = _tar({program.name: program.read_bytes()})
    write_image(file, layer=layer, program=program, tag=tag, entrypoint=(f"/{program.name}",))


def write_image(file: Path, *, layer: bytes, program: Path, tag: str, entrypoint: Sequence[str] = ()) -> None:
    """Write an image of one layer.

    Args:
        file: the archive to write.
        layer: a tar archive of its files.
        program: one of its programs, which tells the kind of machine.
        tag: its name.
        entrypoint: what it starts.
    """
    config = {
        "architecture": _architecture(program),
        "os": "linux",
        "config": {"Entrypoint": list(entrypoint)} if entrypoint else {},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
    }
    manifest = [{"Config": "config.json", "RepoTags": [tag], "Layers": ["layer.tar"]}]
    file.write_bytes(
        _tar({"config.json": _json(config), "layer.tar": layer, "manifest.json": _json(manifest)}),
    )


def renamed(archive: Path, *, into: Path, tag: str) -> None:
    """Copy an archive of an image, which gets another name."""
    with tarfile.open(archive) as given, tarfile.open(into, "w") as copy:
        for entry in given:
            if entry.name not in ("index.json", "manifest.json", "oci-layout", "repositories"):
                copy.addfile(entry, given.extractfile(entry) if entry.isfile() else None)
        [manifest] = json.loads(_content(given, "manifest.json"))
        content = _json([{**manifest, "RepoTags": [tag]}])
        entry = tarfile.TarInfo("manifest.json")
        entry.size = len(content)
        copy.addfile(entry, io.BytesIO(content))


def _content(archive: tarfile.TarFile, name: str) -> bytes:
    file = archive.extractfile(name)
    assert file is not None, f"{name} is not a file"
    return file.read()


def _architecture(program: Path) -> str:
    """Return what the machine is called for which a program was built, from the header of its file."""
    machine = int.from_bytes(program.read_bytes()[18:20], "little")
    return {0x3E: "amd64", 0xB7: "arm64"}[machine]


def _json(content: object) -> bytes:
    return json.dumps(content).encode()


def _tar(files: dict[str, bytes]) -> bytes:
    written = io.BytesIO()
    with tarfile.open(fileobj=written, mode="w") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            archive.addfile(entry, io.BytesIO(content))
    return written.getvalue()
