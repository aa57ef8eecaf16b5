"""`python -m pictures`: open pages of check and drain in a headless Chromium, and write pictures of them into docs/."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image

from browser import Page, opened
from control_plane.go_build import BuildFailed
from pictures.cluster import snapshot

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "pictures"
JUDGED = "examples/shop"
WIDTH, TOP, WORKLOADS, DRAINS = 1180, 1010, 560, 1240
COLORS = 128
"""So few colors are enough for text, and make the files small."""


def main() -> int:
    """Write the pictures, and return the exit code."""
    try:
        with tempfile.TemporaryDirectory() as folder, opened() as page:
            report, drain = Path(folder) / "report.html", Path(folder) / "drain.html"
            report.write_bytes(_output("check", JUDGED, "--fail-on", "never"))
            drain.write_bytes(_drain(Path(folder)))
            for file in (*_taken(page, report), _picture_of_drains(page, drain)):
                print(f"written: {file.relative_to(ROOT)}", file=sys.stderr)
    except BuildFailed as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    return 0


def _drain(folder: Path) -> bytes:
    file = folder / "cluster.json"
    file.write_bytes(snapshot())
    return _output("drain", "--from", file.name, "--all-nodes", folder=folder, codes=(0, 1))


def _output(command: str, *arguments: str, folder: Path = ROOT, codes: tuple[int, ...] = (0,)) -> bytes:
    line = [sys.executable, "-m", "productionpolicy", command, *arguments, "-o", "html"]
    done = subprocess.run(line, cwd=folder, stdout=subprocess.PIPE, check=False)
    if done.returncode not in codes:
        raise subprocess.CalledProcessError(done.returncode, line)
    return done.stdout


def _taken(page: Page, report: Path) -> list[Path]:
    files = []
    for name, dark in (("report", False), ("report-dark", True)):
        page.show(report, width=WIDTH, height=TOP, dark=dark)
        files.append(_written(name, page.picture()))
    page.show(report, width=WIDTH, height=WORKLOADS)
    page.evaluate("document.getElementById('workloads').scrollIntoView()")
    files.append(_written("report-workloads", page.picture()))
    return files


def _picture_of_drains(page: Page, report: Path) -> Path:
    page.show(report, width=WIDTH, height=DRAINS)
    return _written("drain", page.picture())


def _written(name: str, picture: bytes) -> Path:
    file = FOLDER / f"{name}.png"
    FOLDER.mkdir(exist_ok=True)
    Image.open(BytesIO(picture)).convert("RGB").quantize(COLORS).save(file, optimize=True)
    return file


if __name__ == "__main__":
    sys.exit(main())
