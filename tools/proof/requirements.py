"""What a machine must have for real nodes, and the sentence that says what it lacks."""

from __future__ import annotations

import os
import shutil
import sys
from pathlib import Path

from control_plane.go_build import cache_folder
from control_plane.installation import REPOSITORY
from proof import isolation
from proof.enclosure import COVERED

PROGRAMS = {"ip": "iproute2", "mount": "mount", "unshare": "util-linux"}
FILESYSTEMS = Path("/proc/filesystems")


def missing() -> str:
    """Return the first thing that is missing, in a sentence; nothing if real nodes can run here."""
    if sys.platform != "linux":
        return "real nodes need Linux"
    if os.geteuid() != 0:
        return "real nodes need root, to make namespaces, control groups and mounts"
    for program, package in PROGRAMS.items():
        if shutil.which(program) is None:
            return f"real nodes need the program {program} (package {package})"
    if "\toverlay\n" not in FILESYSTEMS.read_text():
        return "real nodes need the file system overlay, which this kernel lacks or has not loaded (modprobe overlay)"
    return _hidden() or isolation.missing()


def _hidden() -> str:
    """Say what would not be seen, because the nodes get folders of their own in its place."""
    needed = (REPOSITORY, Path(sys.base_prefix), cache_folder("proof", ()))
    for each in needed:
        if any(each.is_relative_to(folder) for folder in COVERED):
            return f"real nodes hide {', '.join(COVERED)}, so {each} must be elsewhere"
    return ""
