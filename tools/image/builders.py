"""The programs that can build an image: the same few operations of docker, podman and buildah."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from control_plane.go_build import BuildFailed, say

PROBE_SECONDS = 30
PULL_SECONDS = 300
LAST_LINES = 15


class NotBuilt(BuildFailed):
    """There is no image; the message gives the reason and the remedy."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """What to build from.

    Attributes:
        context: the folder with the Dockerfile.
        base: the name of the base image.
        arguments: other build arguments.
        labels: labels in addition to those of the Dockerfile.
        certificates: a file with the authorities to trust during the build. None: those of the base.
        seconds: the time of all files and of the image, in seconds since 1970.
        cached: whether layers of an earlier build may be used.
    """

    context: Path
    base: str
    arguments: Mapping[str, str]
    labels: Mapping[str, str]
    certificates: Path | None
    seconds: int
    cached: bool = True


@dataclass(frozen=True, slots=True)
class Builder:
    """A program that builds images.

    Attributes:
        name: of the program.
        environment: variables for it.
        timestamped: whether it has an option for the time of the image; docker takes it from a build argument.
        isolation: options for whatever it runs.
    """

    name: str
    environment: Mapping[str, str] = field(default_factory=dict)
    timestamped: bool = True
    isolation: Sequence[str] = ()

    def problem(self) -> str:
        """Return why it cannot work here, in a few words; nothing if it can."""
        if shutil.which(self.name) is None:
            return "not installed"
        try:
            done = self._run("info", seconds=PROBE_SECONDS)
        except subprocess.TimeoutExpired:
            return f"no answer within {PROBE_SECONDS} s"
        return "" if done.returncode == 0 else _last_line(done)

    def has(self, image: str) -> bool:
        """Tell whether an image is on this machine already."""
        return self._run("inspect", "--type=image", image).returncode == 0

    def pull(self, image: str) -> str:
        """Pull an image, and return why that is not possible; nothing if it is there."""
        try:
            done = self._run("pull", image, seconds=PULL_SECONDS)
        except subprocess.TimeoutExpired:
            return f"no answer within {PULL_SECONDS} s"
        return "" if done.returncode == 0 else _last_line(done)

    def build(self, recipe: Recipe, *, tag: str) -> None:
        """Build an image.

        Raises:
            NotBuilt: it does not build.
        """
        arguments = {"BASE": recipe.base, "SOURCE_DATE_EPOCH": str(recipe.seconds), **recipe.arguments}
        command = ["build", f"--tag={tag}", f"--file={recipe.context / 'Dockerfile'}", *self.isolation]
        command += [f"--build-arg={name}={value}" for name, value in arguments.items()]
        command += [f"--label={name}={value}" for name, value in recipe.labels.items()]
        command += [] if recipe.cached else ["--no-cache"]
        command += [f"--timestamp={recipe.seconds}"] if self.timestamped else []
        command += [f"--secret=id=certificates,src={recipe.certificates}"] if recipe.certificates else []
        self._demand(*command, str(recipe.context), failed="the build failed")

    def load(self, archive: Path) -> None:
        """Load an image from an archive.

        Raises:
            NotBuilt: it cannot be read.
        """
        buildah = self.name == "buildah"
        command = ["pull", "--quiet", f"docker-archive:{archive}"] if buildah else ["load", "-i", str(archive)]
        self._demand(*command, failed="loading the base failed")

    def save(self, tag: str, *, archive: Path) -> None:
        """Write an image into an archive, which `ctr images import` and the other programs read.

        Raises:
            NotBuilt: it cannot be written.
        """
        archive.unlink(missing_ok=True)
        command = (
            ["push", "--quiet", tag, f"docker-archive:{archive}:{tag}"]
            if self.name == "buildah"
            else ["save", "-o", str(archive), tag]
        )
        self._demand(*command, failed="writing the archive failed")

    def _demand(self, *arguments: str, failed: str) -> None:
        done = self._run(*arguments)
        if done.returncode != 0:
            said = "\n".join((done.stdout + done.stderr).strip().splitlines()[-LAST_LINES:])
            raise NotBuilt(f"{failed}. {self.name} said:\n{said}")

    def _run(self, *arguments: str, seconds: float | None = None) -> subprocess.CompletedProcess[str]:
        environment = {**os.environ, **self.environment}
        return subprocess.run(
            [self.name, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )


IN_A_ROOT_FOLDER = ("--isolation=chroot",)
"""Works where the rights for a container are missing, such as within one."""

BUILDERS = (
    Builder("docker", environment={"DOCKER_BUILDKIT": "1"}, timestamped=False),
    Builder("podman"),
    Builder("buildah", isolation=IN_A_ROOT_FOLDER),
    Builder("buildah", environment={"STORAGE_DRIVER": "vfs"}, isolation=IN_A_ROOT_FOLDER),
)


def working(name: str = "") -> Builder:
    """Return the first builder that works here.

    Args:
        name: the only one to use. Empty: any.

    Raises:
        NotBuilt: none works.
    """
    problems: dict[str, str] = {}
    for builder in BUILDERS:
        if name in ("", builder.name):
            problem = builder.problem()
            if not problem:
                return builder
            problems[builder.name] = problem
            say(f"{builder.name} cannot build here: {problem}")
    raise NotBuilt(f"no program can build an image here. Install {name or 'docker, podman or buildah'}")


def _last_line(done: subprocess.CompletedProcess[str]) -> str:
    lines = (done.stderr.strip() or done.stdout.strip()).splitlines()
    return lines[-1] if lines else f"exit code {done.returncode}"
