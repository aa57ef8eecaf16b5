"""`python -m corpus DIR`: the operator over the manifests of real projects, on a real API server.

Each project is applied twice: to a namespace that names a policy, and to a baseline that does not. Then it is checked:

1. a fixed point is reached, and no workload has changed its generation more than once;
2. none of our budgets blocks all evictions, or is the second one on a pod;
3. applying the same files again changes nothing;
4. deleting the policy with `onRemoval: Revert` makes every workload equal to its baseline, ReplicaSet included.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from control_plane.installation import install
from control_plane.operator_process import at_work
from control_plane.patience import NeverHappened, unchanged
from control_plane.plane import ControlPlane, KubectlFailed
from control_plane.session import carry_out, say
from corpus.manifests import Document, placed, variants
from owners import manifests
from owners.manifests import Raw
from productionpolicy.kube.identity import DOMAIN, FIELD_MANAGER, MANAGED_BY
from testbed.client import Client, journal
from testbed.comparison import differences
from testbed.tables import Table

QUIET_SECONDS = 12.0
"""How long nothing may change for a fixed point."""

PATIENCE_SECONDS = 240.0
POLICY = manifests.policy("corpus", onRemoval="Revert", rollout={"maxConcurrent": "100%"})
BASELINE = "-baseline"
REPAIRED = ("deployment", "statefulset")


@dataclass(slots=True)
class Project:
    """One variant of one project, in a namespace of its own."""

    namespace: str
    documents: list[Document]
    refused: list[str] = field(default_factory=list)
    workloads: int = 0
    repaired: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Run(Client):
    """The control plane and what is checked on it."""

    projects: dict[str, Project]
    """By their namespaces."""

    def populate(self) -> None:
        """Apply all projects, each to a governed namespace and to its baseline."""
        for project in self.projects.values():
            say(f"applying {project.namespace}: {len(project.documents)} objects")
            self.create(manifests.namespace(project.namespace, policy="corpus"))
            self.create(manifests.namespace(f"{project.namespace}{BASELINE}"))
            project.refused = self.apply_all(project, project.namespace)
            self.apply_all(project, f"{project.namespace}{BASELINE}")

    def apply_all(self, project: Project, namespace: str) -> list[str]:
        """Apply the documents as their owner would; return what was refused."""
        try:
            items = [placed(each, namespace) for each in project.documents]
            self.kubectl("apply", "-n", namespace, "-f", "-", stdin=manifests.listed(*items))
        except KubectlFailed as failure:
            return [line for line in str(failure).splitlines() if line.strip()]
        return []

    def settle(self) -> None:
        """Wait until generations, notes, budgets and rollouts have not changed for a while."""
        with suppress(NeverHappened):  # what goes on changing is found by the checks
            unchanged(self._moving, still_seconds=QUIET_SECONDS, within=PATIENCE_SECONDS)

    def found(self, *kinds: str) -> dict[str, Raw]:
        """Return the objects of some kinds by their names."""
        return {_name(kind, each): each for kind in kinds for each in self.all(kind)}

    def check_fixed_point(self) -> dict[str, int]:
        """Check generations and foreign marks; return the generations."""
        generations = {}
        found = self.found(*REPAIRED)
        for name, workload in found.items():
            project = self.projects.get(workload["metadata"]["namespace"])
            if project is None:
                continue
            generations[name] = workload["metadata"]["generation"]
            project.workloads += 1
            project.repaired += bool(journal(workload))
            project.faults += (f"{name} {each}" for each in _marks(workload))
            if (
                generations[name]
                > found.get(_baseline(name), {"metadata": {"generation": 1}})["metadata"]["generation"] + 1
            ):
                project.faults.append(f"{name} has generation {generations[name]}")
        return generations

    def check_budgets(self) -> None:
        """Check that our budgets let pods go, and that no pod has two."""
        whole = {each["metadata"]["uid"] for each in self.found(*REPAIRED).values() if _is_whole(each)}
        selecting: defaultdict[str, list[Raw]] = defaultdict(list)
        for name, budget in self.found("poddisruptionbudget").items():
            selecting[budget["metadata"]["namespace"]].append(budget)
            owners = budget["metadata"].get("ownerReferences", [])
            healthy = any(each["uid"] in whole for each in owners)
            if _ours(budget) and healthy and not budget.get("status", {}).get("disruptionsAllowed"):
                self._blame(budget, f"{name} allows no eviction: {budget.get('status')}")
        for name, pod in self.found("pod").items():
            budgets = [each for each in selecting[pod["metadata"]["namespace"]] if _selects(each, pod)]
            if len(budgets) > 1 and any(map(_ours, budgets)):
                self._blame(pod, f"{name} is under {[each['metadata']['name'] for each in budgets]}")

    def check_reapply(self, generations: dict[str, int]) -> None:
        """Check that the owner's next apply of the same files changes nothing."""
        for project in self.projects.values():
            refused = self.apply_all(project, project.namespace)
            if len(refused) > len(project.refused):
                project.faults.append(f"applying again was refused: {refused}")
        self.settle()
        for name, workload in self.found(*REPAIRED).items():
            if workload["metadata"]["generation"] != generations.get(name, workload["metadata"]["generation"]):
                self._blame(workload, f"{name} changed generation when the same files were applied again")

    def check_reverted(self) -> None:
        """Check that every workload equals its baseline once the policy is deleted."""
        self.kubectl("delete", "productionpolicy", "corpus", "--wait=true", "--timeout=180s")
        self.settle()
        found, hashes = self.found(*REPAIRED), self._hashes()
        for name, workload in found.items():
            baseline = found.get(_baseline(name))
            if baseline:
                live = {"spec": workload["spec"], "templates": hashes.get(name), "notes": _notes(workload)}
                wanted = {"spec": baseline["spec"], "templates": hashes.get(_baseline(name)), "notes": {}}
                for each in differences(live, wanted, at=name):
                    self._blame(workload, each)
        for name, left in self.found("poddisruptionbudget").items():
            if _ours(left):
                self._blame(left, f"{name} is left")

    def _blame(self, raw: Raw, fault: str) -> None:
        project = self.projects.get(raw["metadata"]["namespace"])
        if project is not None:
            project.faults.append(fault)

    def _moving(self) -> dict[str, object]:
        """Return what must come to rest."""
        names = ("replicas", "updatedReplicas", "availableReplicas", "observedGeneration")
        return {
            name: (each["metadata"].get("generation"), _notes(each), [each.get("status", {}).get(at) for at in names])
            for name, each in self.found(*REPAIRED, "poddisruptionbudget").items()
        }

    def _hashes(self) -> dict[str, list[str]]:
        """Return, for each workload, the template hashes that run."""
        hashes: defaultdict[str, list[str]] = defaultdict(list)
        for each in self.all("replicaset"):
            for owner in each["metadata"].get("ownerReferences", [])[:1] if each["status"]["replicas"] else ():
                name = f"{owner['kind'].lower()} {each['metadata']['namespace']}/{owner['name']}"
                hashes[name].append(each["metadata"]["labels"]["pod-template-hash"])
        return {name: sorted(found) for name, found in hashes.items()}


def _name(kind: str, raw: Raw) -> str:
    return f"{kind} {raw['metadata']['namespace']}/{raw['metadata']['name']}"


def _baseline(name: str) -> str:
    return name.replace("/", f"{BASELINE}/")


def _notes(raw: Raw) -> dict[str, str]:
    return {key: text for key, text in raw["metadata"].get("annotations", {}).items() if DOMAIN in key}


def _ours(budget: Raw) -> bool:
    return bool(budget["metadata"].get("labels", {}).get(MANAGED_BY) == FIELD_MANAGER)


def _is_whole(workload: Raw) -> bool:
    status, wanted = workload.get("status", {}), workload["spec"].get("replicas", 1)
    return bool(wanted) and {status.get("availableReplicas"), status.get("updatedReplicas")} == {wanted}


def _marks(workload: Raw) -> Iterator[str]:
    metadata = workload["metadata"]
    if metadata.get("finalizers"):
        yield f"has finalizers {metadata['finalizers']}"
    if any(each["manager"] == FIELD_MANAGER for each in metadata.get("managedFields", [])):
        yield "still has our managedFields entry"
    if any("kopf" in key for key in metadata.get("annotations", {})):
        yield "has an annotation of Kopf"


def _selects(budget: Raw, pod: Raw) -> bool:
    """Say whether a budget selects a pod, by matchLabels alone; a selector with expressions counts as not matching."""
    selector, labels = budget["spec"].get("selector", {}), pod["metadata"].get("labels", {})
    if selector.get("matchExpressions"):
        return False
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())


def _projects(folder: Path) -> dict[str, Project]:
    found = [
        Project(namespace=f"{project.name}-{number}" if number else project.name, documents=documents)
        for project in sorted(each for each in folder.iterdir() if each.is_dir())
        for number, documents in enumerate(variants(project))
    ]
    return {each.namespace: each for each in found}


def _run(work: Path, options: argparse.Namespace) -> int:
    projects = _projects(options.folder)
    with ControlPlane.start(work / "plane") as plane, at_work(install(plane), log=work / "operator.log"):
        run = Run(plane, projects)
        run.create(POLICY)
        run.populate()
        say("waiting for a fixed point")
        run.settle()
        generations = run.check_fixed_point()
        run.check_budgets()
        say("applying the same files again")
        run.check_reapply(generations)
        say("deleting the policy, onRemoval: Revert")
        run.check_reverted()
    return int(_show(list(projects.values())) > 0)


def _show(projects: Sequence[Project]) -> int:
    """Print a table and the faults, and return how many there are."""
    columns = ("project", "objects", "refused", "workloads", "repaired", "faults")
    counts = [
        (len(each.documents), len(each.refused), each.workloads, each.repaired, len(each.faults)) for each in projects
    ]
    names = [*(each.namespace for each in projects), "all"]
    together = tuple(map(sum, zip(*counts, strict=True)))
    rows = [(name, *map(str, each)) for name, each in zip(names, [*counts, together], strict=True)]
    Table(columns, rows).show(notes=[fault for each in projects for fault in each.faults])
    return together[-1]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m corpus", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=_folder, metavar="DIR", help="a folder with one folder of manifests per project")
    return parser


def _folder(given: str) -> Path:
    if not Path(given).is_dir():
        raise argparse.ArgumentTypeError(f"{given} is not a folder; pass one with `make corpus CORPUS=DIR`")
    return Path(given)


if __name__ == "__main__":
    carry_out(_parser(), _run)
