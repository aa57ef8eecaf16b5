"""The owner's shell: commands on one namespace, and what they wrote to stderr."""

from __future__ import annotations

import json
import os
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from control_plane.plane import ControlPlane
from owners.manifests import Raw, listed


class Refused(Exception):
    """A command ended with an error; the message is what it wrote to stderr."""


@dataclass(frozen=True, slots=True)
class Shell:
    """A shell in a folder of its own."""

    plane: ControlPlane
    namespace: str
    folder: Path
    said: list[str] = field(default_factory=list)
    """The lines of stderr, without the name of the namespace."""

    def kubectl(self, *arguments: str, stdin: tuple[Raw, ...] = ()) -> str:
        """Run kubectl as an administrator, and return what it printed."""
        program = self.plane.site.binaries.kubectl
        return self.run(program, "-n", self.namespace, *arguments, stdin=json.dumps(listed(*stdin)) if stdin else "")

    def differs(self, *arguments: str, stdin: tuple[Raw, ...]) -> str:
        """Return what kubectl diff finds; empty if the objects are as they would be after an apply."""
        try:
            self.kubectl("diff", *arguments, "-f", "-", stdin=stdin)
        except Refused as refused:
            return str(refused) or "it differs"
        return ""

    def run(self, program: Path, *arguments: str, stdin: str = "") -> str:
        """Run a program as an administrator, and return what it printed.

        Raises:
            Refused: it ended with an error.
        """
        line = [str(program), f"--kubeconfig={self.plane.kubeconfig}", *arguments]
        environment = {**os.environ, **self._environment()}
        done = subprocess.run(line, input=stdin, env=environment, capture_output=True, text=True, check=False)
        lines = [line.replace(self.namespace, "NAMESPACE") for line in done.stderr.splitlines() if line.strip()]
        if done.returncode != 0:
            raise Refused("\n".join([*lines, *(done.stdout.splitlines() if "diff" in arguments else [])]))
        self.said.extend(lines)
        return done.stdout

    def _environment(self) -> dict[str, str]:
        """Neither the caches nor the preferences of the home folder play a part."""
        home = self.plane.site.folder / "kubectl-cache"
        helm = {f"HELM_{each}_HOME": str(home / each.lower()) for each in ("CACHE", "CONFIG", "DATA")}
        return {"KUBECACHEDIR": str(home), "KUBERC": "off", **helm}
