"""What the demonstration runs on: a control plane and an operator, in a folder of their own."""

from __future__ import annotations

from pathlib import Path

from control_plane.installation import REPOSITORY, operators_kubeconfig
from control_plane.operator_process import OperatorProcess
from control_plane.patience import insist
from control_plane.plane import ControlPlane
from control_plane.process import Process
from control_plane.site import clear
from demo.narrator import Narrator
from testbed.client import Client

OPERATOR = "operator"
STOP_SECONDS = 10


class Testbed:
    """Where it plays. With `detached`, all of it outlives this Python process until `struck`."""

    def __init__(self, folder: Path, narrator: Narrator, *, detached: bool) -> None:
        self.folder = folder
        self.narrator = narrator
        self.detached = detached
        self._plane: ControlPlane | None = None
        self._operator: OperatorProcess | None = None

    @property
    def plane(self) -> ControlPlane:
        """The control plane, once it is started."""
        assert self._plane is not None
        return self._plane

    def start_control_plane(self) -> None:
        """Start an empty control plane."""
        self._plane = ControlPlane.start(self.folder, detached=self.detached)

    def start_operator(self) -> None:
        """Start the operator with the service account of the installed manifests, and wait until it is ready."""
        kubeconfig, log = operators_kubeconfig(self.plane), self.plane.log(OPERATOR)
        self.narrator.command("productionpolicy", "run", f"--kubeconfig={_short(kubeconfig)}")
        self._operator = OperatorProcess(kubeconfig, log=log, detached=self.detached).start()
        _pid_file(self.plane).write_text(str(self._operator.pid))
        self._operator.wait_ready()

    def show(self, *arguments: str, only: str = "") -> None:
        """Show a kubectl command, run it, and show what it prints, or only the lines that hold a text."""
        self.narrator.command("kubectl", *arguments, *(("|", "grep", only) if only else ()))
        printed = self.plane.kubectl(*arguments)
        self.narrator.output("\n".join(line for line in printed.splitlines() if only in line))

    def run(self, *arguments: str) -> None:
        """Show a kubectl command and run it; what it prints tells nothing new."""
        self.narrator.command("kubectl", *arguments)
        self.plane.kubectl(*arguments)

    @property
    def client(self) -> Client:
        """What reads without showing it."""
        return Client(self.plane)

    def stop(self) -> None:
        """Stop the operator, which must go in peace, then the control plane, and remove their folder's content."""
        if self._operator is not None:
            code = self._operator.stop(timeout=STOP_SECONDS)
            insist(code == 0, f"the operator ended with exit code {code}")
        self.plane.stop()
        clear(self.folder)

    def abandon(self, *, logs: bool) -> None:
        """Stop whatever runs, at once, and leave the logs or nothing."""
        if self._operator is not None:
            self._operator.kill()
        if self._plane is not None:
            self._plane.stop()
        if not logs:
            clear(self.folder)


def tear_down(plane: ControlPlane) -> None:
    """Stop a demonstration that was left running, and remove what it left."""
    pid = _pid_file(plane)
    if pid.is_file():
        Process(int(pid.read_text()), log=plane.log(OPERATOR)).stop(seconds=STOP_SECONDS)
    plane.stop()
    clear(plane.site.folder)


def _short(file: Path) -> Path:
    return file.relative_to(REPOSITORY) if file.is_relative_to(REPOSITORY) else file


def _pid_file(plane: ControlPlane) -> Path:
    return plane.log(OPERATOR).with_suffix(".pid")
