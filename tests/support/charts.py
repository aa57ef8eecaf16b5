"""What Helm makes of the chart. No cluster is needed for it."""

from __future__ import annotations

import json
import os
import subprocess
import tomllib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from control_plane import kubernetes
from support.manifests import Raw

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "productionpolicy"
VERSION = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
RELEASE, NAMESPACE = "productionpolicy", "productionpolicy-system"
NEWEST = kubernetes.newest().version
ABSENT = "absent"


class HelmFailed(Exception):
    """Helm ended with an error; the message is what it said."""


class Helm:
    """A Helm program with folders of its own.

    Args:
        program: the executable.
        home: keeps what Helm writes.
        kubeconfig: the cluster to work on; by default there is none, which would decide what is rendered.
    """

    def __init__(self, program: Path, home: Path, *, kubeconfig: Path | None = None) -> None:
        self.program = program
        self._home = home
        self._kubeconfig = kubeconfig or home / "none"
        self._rendered: dict[str, str] = {}

    def run(self, *arguments: str | Path, values: Raw | None = None) -> str:
        """Return what a command prints.

        Raises:
            HelmFailed: it ended with an error.
        """
        kinds = ("CACHE", "CONFIG", "DATA")
        folders = {f"HELM_{kind}_HOME": str(self._home / kind) for kind in kinds}
        environment = {**os.environ, **folders, "KUBECONFIG": str(self._kubeconfig)}
        command = [self.program, *arguments, *(["--values", "-"] if values is not None else [])]
        done = subprocess.run(
            command, input=json.dumps(values), capture_output=True, text=True, check=False, env=environment
        )
        if done.returncode != 0:
            raise HelmFailed(done.stderr + done.stdout)
        return done.stdout

    def rendered(
        self,
        values: Raw | None = None,
        *,
        chart: Path = CHART,
        kubernetes_version: str = NEWEST,
        served: Sequence[str] = (),
        release: str = RELEASE,
    ) -> list[Raw]:
        """Return the objects that would be installed, hooks included.

        Args:
            served: kinds that the API server serves beside the usual ones, as group/version/kind.

        Raises:
            HelmFailed: Helm refuses to render it.
        """
        arguments = ["template", release, str(chart), f"--namespace={NAMESPACE}"]
        arguments += [f"--kube-version={kubernetes_version}", *(f"--api-versions={each}" for each in served)]
        key = json.dumps([arguments, values])
        if key not in self._rendered:
            self._rendered[key] = self.run(*arguments, values=values or {})
        return objects_of(self._rendered[key])


def objects_of(text: str) -> list[Raw]:
    """Return the objects of a stream of YAML. The loader in C takes a tenth of the time."""
    return [each for each in yaml.load_all(text, Loader=yaml.CSafeLoader) if each]


def by_name(objects: Iterable[Raw]) -> dict[str, Raw]:
    """Return objects by kind and name, of which there must be no two.

    Raises:
        ValueError: there are two of one kind and name.
    """
    named: dict[str, Raw] = {}
    for each in objects:
        name = f"{each['kind']}/{each['metadata']['name']}"
        if name in named:
            raise ValueError(f"{name} is there twice")
        named[name] = each
    return named


def changes(before: Sequence[Raw], after: Sequence[Raw]) -> dict[str, Any]:
    """Return what differs: each path with its value afterwards, which is `ABSENT` where there is none.

    An object that is new or gone is told by its kind and name alone.
    """
    old, new = by_name(before), by_name(after)
    objects = {name: new.get(name, ABSENT) for name in old.keys() ^ new.keys()}
    leaves = [dict(_leaves(side[name], name)) for name in sorted(old.keys() & new.keys()) for side in (old, new)]
    told = dict[str, Any](objects)
    for one, other in zip(leaves[::2], leaves[1::2], strict=True):
        told |= {
            path: other.get(path, ABSENT) for path in one | other if one.get(path, ABSENT) != other.get(path, ABSENT)
        }
    return told


def _leaves(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and value:
        for name, held in value.items():
            yield from _leaves(held, f"{path} {name}")
    elif isinstance(value, list) and value:
        for index, held in enumerate(value):
            yield from _leaves(held, f"{path} {index}")
    else:
        yield path, value
