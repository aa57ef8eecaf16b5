"""A program beside the control plane, built once from a pinned Go module into a cache."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from control_plane.go_build import BuildFailed, cache_folder
from control_plane.locks import locked


@dataclass(frozen=True, slots=True)
class GoProgram:
    """A program of which the Go module in a folder of its own name is all about.

    Attributes:
        module: the folder; its `tool` block names the one program.
        package: the path of the module that gives the program, for its version.
        purpose: the folder in the cache.
    """

    module: Path
    package: str
    purpose: str

    @property
    def name(self) -> str:
        """What it is called."""
        return self.module.name

    @property
    def version(self) -> str:
        """The version that the module pins."""
        lines = (self.module / "go.mod").read_text().splitlines()
        line = next(line for line in lines if f"{self.package} v" in line)
        return line.split()[1].removeprefix("v")

    def ensure(self) -> Path:
        """Return the program, building it if it is missing.

        Raises:
            BuildFailed: Go is missing, or the module does not build.
        """
        cache = cache_folder(self.purpose, self.module.glob("go.*"))
        cache.mkdir(parents=True, exist_ok=True)
        with locked(cache / ".lock"):
            if not (cache / self.name).is_file():
                self._build(cache)
        return cache / self.name

    def _build(self, cache: Path) -> None:
        if shutil.which("go") is None:
            raise BuildFailed(f"Go is needed to build {self.name}. Install Go 1.26 or newer")
        print(f"building {self.name} from source (once; it is kept in {cache})", file=sys.stderr, flush=True)
        unfinished = cache / ".unfinished"
        command = ["go", "build", "-trimpath", "-ldflags", "-s -w", "-o", str(unfinished), "tool"]
        environment = {**os.environ, "CGO_ENABLED": "0"}
        done = subprocess.run(command, cwd=self.module, env=environment, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            raise BuildFailed(f"go build of {self.name} failed:\n{done.stderr.strip()}")
        unfinished.rename(cache / self.name)
