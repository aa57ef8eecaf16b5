"""A program beside the control plane, built once from a pinned Go module into a cache."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from control_plane.go_build import build, cache_folder, kept


@dataclass(frozen=True, slots=True)
class GoProgram:
    """A program of which the Go module in a folder of its own name is all about. The folder may hold its source.

    Attributes:
        module: the folder; its `tool` block names the one program.
        purpose: the folder in the cache.
        package: the path of the module that gives the program, for its version.
        tags: build tags, which exclude parts that are not needed.
    """

    module: Path
    purpose: str
    package: str = ""
    tags: tuple[str, ...] = ()

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

    @property
    def folder(self) -> Path:
        """The folder in the cache for what the module is now."""
        return cache_folder(self.purpose, [*self.module.glob("go.*"), *self.module.glob("*.go")])

    def ensure(self) -> Path:
        """Return the program, building it if it is missing.

        Raises:
            BuildFailed: Go is missing, or the module does not build.
        """
        return kept(self.folder, (self.name,), self._build) / self.name

    def _build(self, folder: Path) -> None:
        build(self.module, folder, tags=self.tags)
        (program,) = folder.iterdir()
        program.rename(folder / self.name)
