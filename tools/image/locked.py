"""Prints the requirement of uv that uv.lock pins, with its checksums. Runs in the build stage of the Dockerfile."""

from __future__ import annotations

import sys
import tomllib
from pathlib import Path


def requirement(lock: str) -> str:
    """Return the requirement for pip, which refuses a file with another checksum."""
    [uv] = [each for each in tomllib.loads(lock)["package"] if each["name"] == "uv"]
    return " ".join([f"uv=={uv['version']}", *(f"--hash={wheel['hash']}" for wheel in uv["wheels"])])


if __name__ == "__main__":
    print(requirement(Path(sys.argv[1]).read_text()))
