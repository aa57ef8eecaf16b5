"""The plugin of kubectl as krew installs it: an archive, and the manifest that names it by its checksum."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from pathlib import Path

from release.places import version

TEMPLATES = Path("manifests", "krew")
PROGRAM, MANIFEST, LICENSE = "kubectl-productionpolicy", "productionpolicy.yaml", "LICENSE"
EXECUTABLE, READABLE = 0o755, 0o644


def build(root: Path, *, homepage: str, into: Path) -> list[Path]:
    """Write the archive and the manifest of the present version, and return both files.

    The same source gives the same archive, byte by byte, so that the checksum can be verified by building it again.

    Args:
        root: the folder of the repository.
        homepage: the address of the repository on GitHub, which offers the archive with its releases.
        into: the folder to write to.

    Raises:
        NotConsistent: the places that contain the version contain different ones.
    """
    present, address = version(root), homepage.rstrip("/")
    program = (root / TEMPLATES / PROGRAM).read_text().replace("VERSION", present)
    held = _archive({PROGRAM: (program.encode(), EXECUTABLE), LICENSE: ((root / LICENSE).read_bytes(), READABLE)})
    archive = into / f"{PROGRAM}-{present}.tar.gz"
    values = {
        "VERSION": present,
        "HOMEPAGE": address,
        "ARCHIVE": f"{address}/releases/download/v{present}/{archive.name}",
        "SHA256": hashlib.sha256(held).hexdigest(),
    }
    manifest = (root / TEMPLATES / MANIFEST).read_text().split("\napiVersion:", 1)[1]
    for name, value in values.items():
        manifest = manifest.replace(name, value)
    into.mkdir(parents=True, exist_ok=True)
    archive.write_bytes(held)
    (into / MANIFEST).write_text(f"apiVersion:{manifest}")
    return [archive, into / MANIFEST]


def _archive(files: dict[str, tuple[bytes, int]]) -> bytes:
    """Return files with their modes as a compressed archive, without the times and the owners of this machine."""
    found = io.BytesIO()
    with gzip.GzipFile(fileobj=found, mode="wb", mtime=0) as packed, tarfile.open(fileobj=packed, mode="w") as archive:
        for name, (content, mode) in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), mode
            archive.addfile(entry, io.BytesIO(content))
    return found.getvalue()
