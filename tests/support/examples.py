"""The example files below tests/expectations/cases: one workload each, and what stands around it.

The first object of a file that makes pods is judged; the other objects are its surroundings. Three kinds of document
are no objects: a ProductionPolicy gives the parameters (what it does not name is ignored, but the expectation of the
folder), a Server says what the API server knows, and Expected says what is found (`findings`), what comes of it if that
is neither passed nor failed (`outcome`), and why a repair is left to a person (`refusal`). `<file>.repaired.yaml` holds
the workload after the patch, and the budget that is made.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from productionpolicy.expectations import BY_NAME, Expectation, Finding
from productionpolicy.kube.surroundings import ServerFeatures
from productionpolicy.kube.workloads import Kind, read_workload
from productionpolicy.policy import Policy
from productionpolicy.verdict import Inputs
from support.manifests import Raw
from support.policies import only, policy
from support.surroundings import NEWEST, surroundings_of
from support.world import TODAY

CASES = Path(__file__).parents[1] / "expectations" / "cases"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, eq=False)
class Example:
    """One file."""

    path: Path
    workload: Raw
    others: tuple[Raw, ...]
    spec: Raw
    """The spec of the policy, as far as the file gives one."""
    expected: Raw
    server: ServerFeatures

    @property
    def name(self) -> str:
        """The folder and the name of the file."""
        return f"{self.path.parent.name}/{self.path.stem}"

    @property
    def expectation(self) -> Expectation[Any]:
        """The expectation that the file is about."""
        return BY_NAME[self.path.parent.name]

    @property
    def fails(self) -> bool:
        """Whether the workload falls short."""
        return self.path.name.startswith("fails.")

    @property
    def policy(self) -> Policy:
        """The policy of the file, with all expectations ignored that it does not name."""
        given = dict(self.spec)
        named = given.pop("expectations", {})
        return only(spec=given, **{self.expectation.name: {}, **named})

    @property
    def whole_policy(self) -> Policy:
        """The policy of the file, with all expectations that it does not name as the profile has them."""
        given = dict(self.spec)
        named = given.pop("expectations", {})
        return policy(spec=given, **named)

    def inputs(self, workload: Raw, *others: Raw, governed_by: Policy | None = None) -> Inputs:
        """Return the inputs of a form of the workload, among other objects beside those of the file."""
        around = (*self.others, *others)
        return Inputs(
            read_workload(workload),
            around=surroundings_of(workload, around, server=self.server),
            policy=governed_by or self.policy,
            today=TODAY,
        )

    @property
    def repaired(self) -> list[Raw] | None:
        """The objects as they must look after the repair; None where a person must decide."""
        path = self.path.with_suffix(".repaired.yaml")
        return list(documents(path)) if path.exists() else None


def documents(path: Path) -> list[Raw]:
    """Return the documents of a file."""
    return [each for each in yaml.load_all(path.read_text(), _LOADER) if each is not None]


def examples() -> list[Example]:
    """Return all examples, in order."""
    paths = sorted(each for each in CASES.glob("*/*.yaml") if not each.name.endswith(".repaired.yaml"))
    return [_read(each) for each in paths]


def _read(path: Path) -> Example:
    found = documents(path)
    special = {each["kind"]: each for each in found if each["kind"] in {"ProductionPolicy", "Expected", "Server"}}
    objects = [each for each in found if each["kind"] not in special]
    workload = next(each for each in objects if each["kind"] in set(Kind))
    return Example(
        path=path,
        workload=workload,
        others=tuple(each for each in objects if each is not workload),
        spec=special.get("ProductionPolicy", {}).get("spec", {}),
        expected={name: value for name, value in special.get("Expected", {}).items() if name != "kind"},
        server=_read_server(special.get("Server", {})),
    )


def _read_server(document: Raw) -> ServerFeatures:
    """Return what a server of the version that a file gives honours; without one, the newest."""
    return ServerFeatures.of(tuple(map(int, document["version"].split(".")))) if document else NEWEST


def as_documents(findings: tuple[Finding, ...]) -> list[Raw]:
    """Return findings as an example file expects them."""
    return [{"path": each.path, "message": each.message} for each in findings]


def distinct(raws: Iterable[Raw]) -> list[Raw]:
    """Return objects as their owners give them, and of those that differ in their names alone, the first."""
    found: dict[str, Raw] = {}
    for raw in raws:
        metadata = {key: raw["metadata"].get(key) for key in ("annotations", "labels")}
        found.setdefault(json.dumps({**raw, "metadata": metadata, "status": None}, sort_keys=True, default=str), raw)
    return list(found.values())
