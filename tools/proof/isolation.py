"""Namespaces and control groups for all that runs, so that ending one process ends everything and leaves nothing."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from control_plane.process import Guard

PREFIX = "productionpolicy-proof-"
MOUNTS = Path("/proc/self/mountinfo")
OWN_GROUPS = Path("/proc/self/cgroup")
INSIDE = "PRODUCTIONPOLICY_INSIDE"
"""The environment variable that is set in the namespaces."""

EMPTY_SECONDS = 10
POLL_SECONDS = 0.05

UNSHARE = "unshare --mount --net --pid --fork --kill-child --mount-proc"
ENTER = f"""
for group in $JOIN; do echo $$ >"$group/cgroup.procs" || exit 1; done
exec unshare --cgroup sh -c '
  for group in $LEAF; do echo $$ >"$group/cgroup.procs" || exit 1; done
  exec {UNSHARE} sh -c "\\"\\$@\\"; exit \\$?" sh "$@"
' sh "$@"
"""
"""What a shell does on its way in. With version 2 of control groups, whoever is in a group keeps it from dividing what
it has among groups below: so it goes on into a leaf. The last shell is the first process of its namespace and takes
over the orphans, as an init does."""


@dataclass(frozen=True, slots=True)
class Hierarchy:
    """A hierarchy of control groups."""

    mount: Path
    controllers: str
    """As `/proc/self/cgroup` names them; empty for version 2."""
    group: str
    """The path of the group that we are in."""

    @property
    def parent(self) -> Path:
        """The folder of the group below which ours is made: with version 2 the topmost, as no process is in that."""
        return self.mount / self.group.lstrip("/") if self.controllers else self.mount


def hierarchies() -> list[Hierarchy]:
    """Return the hierarchies that containers use: those of version 1, or where there are none the one of version 2."""
    mounts = [_split(line) for line in MOUNTS.read_text().splitlines()]
    groups = [line.split(":", 2)[1:] for line in OWN_GROUPS.read_text().splitlines()]
    first = {
        names: Hierarchy(where, controllers=names, group=group)  # by name, as one may be mounted in several places
        for kind, where, options in mounts
        for names, group in groups
        if kind == "cgroup" and names and options.issuperset(names.split(","))
    }
    return list(first.values()) or [
        Hierarchy(where, controllers="", group="/") for kind, where, _ in mounts if kind == "cgroup2"
    ]


def make_group(group: Path) -> None:
    """Make a control group; with version 1 no process may join before it knows its processors and memory."""
    group.mkdir()
    for name in ("cpuset.mems", "cpuset.cpus"):
        inherited = group.parent / name
        if inherited.exists():
            (group / name).write_text(inherited.read_text())


def is_inside() -> bool:
    """Tell whether this program runs in namespaces of its own."""
    return INSIDE in os.environ


def run(program: str, *arguments: str) -> int:
    """Run a Python module in namespaces of its own and return its exit code; afterwards nothing of it is left."""
    for group in abandoned():
        _remove(group)
    with _groups() as groups:
        guard = Guard.post()
        try:
            variables = {"JOIN": " ".join(map(str, groups)), "LEAF": " ".join(_leaves(groups))}
            inside = subprocess.Popen(
                ["sh", "-c", ENTER, "sh", sys.executable, "-m", program, *arguments],
                stdin=subprocess.DEVNULL,
                env={**os.environ, INSIDE: "1", **variables},
                process_group=guard.shell.pid,
            )
            return inside.wait()
        finally:
            guard.dismiss()


def missing() -> str:
    """Return in a sentence what keeps us from having namespaces of our own; nothing if that is possible."""
    probe = "ip link add name probe type bridge && ip link add name one type veth peer name two"
    done = subprocess.run([*UNSHARE.split(), "sh", "-c", probe], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no reason was given"])[-1]
        return f"real nodes need the right to make namespaces and network devices, which is refused here ({reason})"
    if not hierarchies() or not all(os.access(each.parent, os.W_OK) for each in hierarchies()):
        return "real nodes need control groups of their own, and this machine has none that may be written"
    return ""


def abandoned() -> list[Path]:
    """Return the control groups of runs that have ended, but were killed before they could remove them."""
    found = [group for each in hierarchies() for group in each.parent.glob(f"{PREFIX}*")]
    return [group for group in found if not Path("/proc", group.name.removeprefix(PREFIX)).exists()]


@contextmanager
def _groups() -> Iterator[list[Path]]:
    groups = [each.parent / f"{PREFIX}{os.getpid()}" for each in hierarchies()]
    try:
        for group in groups:
            make_group(group)
        yield groups
    finally:
        for group in groups:
            _remove(group)


def _leaves(groups: Sequence[Path]) -> list[str]:
    leaves = [group / "init" for group, each in zip(groups, hierarchies(), strict=True) if not each.controllers]
    for leaf in leaves:
        leaf.mkdir()
    return [str(leaf) for leaf in leaves]


def _remove(group: Path) -> None:
    """Remove a group and those below it, once the last process in them has ended."""
    deadline = time.monotonic() + EMPTY_SECONDS
    while group.exists() and time.monotonic() < deadline:
        for folder, _, _ in os.walk(group, topdown=False):
            with suppress(OSError):
                Path(folder).rmdir()
        time.sleep(POLL_SECONDS)


def _split(line: str) -> tuple[str, Path, set[str]]:
    """Return the type, the place and the options of the superblock of a mount."""
    first, _, second = line.partition(" - ")
    kind, _, options = second.split(" ", 2)
    where = re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), first.split(" ")[4])
    return kind, Path(where), set(options.split(","))
