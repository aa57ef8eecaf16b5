"""Programs of tools/ as a person starts them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(ROOT / "tools"), "KEEP": ""}


def command(program: str, *arguments: str, folder: Path) -> list[str]:
    """Return the command line of a program that keeps its state and logs in a folder."""
    return [sys.executable, "-m", program, *arguments, f"--folder={folder}"]


def run(program: str, *arguments: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a program to its end."""
    line = command(program, *arguments, folder=folder)
    return subprocess.run(line, env=ENVIRONMENT, capture_output=True, text=True, check=False)
