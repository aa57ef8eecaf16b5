"""A program beside the control plane, built once from a pinned Go module into a cache."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from control_plane.go_build import TOOLS, build, cache_folder, kept


@dataclass(frozen=True, slots=True)
class GoProgram:
    """A program that a Go module in this repository gives; the folder of the module may hold its source.

    Attributes:
        module: the folder.
        purpose: the folder in the cache.
        package: what to build; by default what the `tool` block of the module names, which is then one program.
        tags: build tags, which exclude parts that are not needed.
    """

    module: Path
    purpose: str
    package: str = TOOLS
    tags: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """What it is called: as the package, or else as the folder of the module."""
        return self.module.name if self.package == TOOLS else self.package.rpartition("/")[2]

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
        build(self.module, folder, packages=(self.package,), tags=self.tags)
        (program,) = folder.iterdir()
        program.rename(folder / self.name)
