"""`python -m pictures`: judge the examples, open the page in a headless Chromium, and write pictures into docs/."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image

from browser import Page, opened
from control_plane.go_build import BuildFailed

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "docs" / "pictures"
JUDGED = "examples/shop"
WIDTH, TOP, WORKLOADS = 1180, 1010, 560
COLORS = 128
"""So few colors are enough for text, and make the files small."""


def main() -> int:
    """Write the pictures, and return the exit code."""
    try:
        with tempfile.TemporaryDirectory() as folder, opened() as page:
            report = Path(folder) / "report.html"
            report.write_bytes(_report())
            for file in _taken(page, report):
                print(f"written: {file.relative_to(ROOT)}", file=sys.stderr)
    except BuildFailed as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    return 0


def _report() -> bytes:
    command = [sys.executable, "-m", "productionpolicy", "check", JUDGED, "-o", "html", "--fail-on", "never"]
    return subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout


def _taken(page: Page, report: Path) -> list[Path]:
    files = []
    for name, dark in (("report", False), ("report-dark", True)):
        page.show(report, width=WIDTH, height=TOP, dark=dark)
        files.append(_written(name, page.picture()))
    page.show(report, width=WIDTH, height=WORKLOADS)
    page.evaluate("document.getElementById('workloads').scrollIntoView()")
    files.append(_written("report-workloads", page.picture()))
    return files


def _written(name: str, picture: bytes) -> Path:
    file = FOLDER / f"{name}.png"
    FOLDER.mkdir(exist_ok=True)
    Image.open(BytesIO(picture)).convert("RGB").quantize(COLORS).save(file, optimize=True)
    return file


if __name__ == "__main__":
    sys.exit(main())
