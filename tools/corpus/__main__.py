"""`python -m corpus DIR`: the operator over the manifests of real projects, on a real API server.

Each project is applied twice: to a namespace that names a policy, and to a baseline that does not. Then it is checked:

1. a fixed point is reached, and no workload has changed its generation more than once;
2. none of our budgets blocks all evictions, or is the second one on a pod;
3. applying the same files again changes nothing;
4. deleting the policy with `onRemoval: Revert` makes every workload equal to its baseline, ReplicaSet included.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from control_plane.operator_process import OperatorProcess
from control_plane.plane import ControlPlane, KubectlFailed
from corpus.manifests import Document, placed, variants
from productionpolicy.kube.identity import API_VERSION, MANAGED_BY, POLICY_LABEL

ROOT = Path(__file__).parents[2]
QUIET_SECONDS = 12.0
"""How long nothing may change for a fixed point."""
PATIENCE_SECONDS = 240.0
POLICY = {
    "apiVersion": API_VERSION,
    "kind": "ProductionPolicy",
    "metadata": {"name": "corpus"},
    "spec": {"mode": "Enforce", "onRemoval": "Revert", "rollout": {"maxConcurrent": "100%"}},
}
BASELINE = "-baseline"

console = Console(stderr=True, soft_wrap=True)


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
class Run:
    """The control plane and what is checked on it."""

    plane: ControlPlane
    operator: OperatorProcess
    projects: list[Project]

    def get(self, kinds: str, namespace: str | None = None) -> list[dict[str, Any]]:
        """Return objects."""
        where = ["-n", namespace] if namespace else ["-A"]
        found = json.loads(self.plane.kubectl("get", kinds, *where, "-o", "json", "--show-managed-fields"))
        return list(found["items"])

    def apply(self, project: Project, namespace: str) -> list[str]:
        """Apply the documents as their owner would; return what was refused."""
        items = [placed(each, namespace) for each in project.documents]
        wanted = {"apiVersion": "v1", "kind": "List", "items": items}
        try:
            self.plane.kubectl("apply", "-n", namespace, "-f", "-", stdin=json.dumps(wanted))
        except KubectlFailed as failure:
            return [line for line in str(failure).splitlines() if line.strip()]
        return []

    def settle(self, look: Callable[[], Any]) -> Any:
        """Return what `look` sees when it has not changed for a while."""
        seen, since, deadline = look(), time.monotonic(), time.monotonic() + PATIENCE_SECONDS
        while time.monotonic() - since < QUIET_SECONDS and time.monotonic() < deadline:
            time.sleep(0.25)
            now = look()
            if now != seen:
                seen, since = now, time.monotonic()
        return seen

    def state(self) -> dict[str, str]:
        """Return what must come to rest: generations, templates, budgets and what rolls out."""
        found = self.get("deployments,statefulsets,poddisruptionbudgets")
        return {_name(each): _moving(each) for each in found}


def _name(raw: dict[str, Any]) -> str:
    metadata = raw["metadata"]
    return f"{raw['kind']} {metadata['namespace']}/{metadata['name']}"


def _baseline(name: str) -> str:
    return name.replace("/", f"{BASELINE}/")


def _moving(raw: dict[str, Any]) -> str:
    status = raw.get("status", {})
    counts = [status.get(each) for each in ("replicas", "updatedReplicas", "availableReplicas", "observedGeneration")]
    notes = {key: text for key, text in raw["metadata"].get("annotations", {}).items() if "productionpolicy" in key}
    return json.dumps([raw["metadata"].get("generation"), notes, counts])


def _ours(budget: dict[str, Any]) -> bool:
    return bool(budget["metadata"].get("labels", {}).get(MANAGED_BY) == "productionpolicy")


def _is_whole(workload: dict[str, Any]) -> bool:
    status, wanted = workload.get("status", {}), workload["spec"].get("replicas", 1)
    return bool(wanted) and {status.get("availableReplicas"), status.get("updatedReplicas")} == {wanted}


def check_fixed_point(run: Run, by_project: dict[str, Project]) -> dict[str, int]:
    """Check generations, foreign marks and budgets; return the generations."""
    generations = {}
    found = run.get("deployments,statefulsets")
    baselines = {_name(each): each["metadata"]["generation"] for each in found}
    for workload in found:
        project = by_project.get(workload["metadata"]["namespace"])
        if project is None:
            continue
        generations[_name(workload)] = workload["metadata"]["generation"]
        project.workloads += 1
        notes = [key for key in workload["metadata"].get("annotations", {}) if "repairs.productionpolicy" in key]
        project.repaired += bool(notes)
        project.faults += list(_marks(workload))
        if generations[_name(workload)] > baselines.get(_baseline(_name(workload)), 1) + 1:
            project.faults.append(f"{_name(workload)} has generation {workload['metadata']['generation']}")
    check_budgets(run, by_project)
    return generations


def _marks(workload: dict[str, Any]) -> Iterator[str]:
    metadata = workload["metadata"]
    if metadata.get("finalizers"):
        yield f"{_name(workload)} has finalizers {metadata['finalizers']}"
    if any(each["manager"] == "productionpolicy" for each in metadata.get("managedFields", [])):
        yield f"{_name(workload)} still has our managedFields entry"
    if any("kopf" in key for key in metadata.get("annotations", {})):
        yield f"{_name(workload)} has an annotation of Kopf"


def check_budgets(run: Run, by_project: dict[str, Project]) -> None:
    """Check that our budgets let pods go, and that no pod has two."""
    whole = {each["metadata"]["uid"] for each in run.get("deployments,statefulsets") if _is_whole(each)}
    selecting: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
    for budget in run.get("poddisruptionbudgets"):
        selecting[budget["metadata"]["namespace"]].append(budget)
        project, owners = by_project.get(budget["metadata"]["namespace"]), budget["metadata"].get("ownerReferences", [])
        healthy = any(each["uid"] in whole for each in owners)
        if project and _ours(budget) and healthy and not budget.get("status", {}).get("disruptionsAllowed"):
            project.faults.append(f"{_name(budget)} allows no eviction: {budget.get('status')}")
    for pod in run.get("pods"):
        project = by_project.get(pod["metadata"]["namespace"])
        budgets = [each for each in selecting[pod["metadata"]["namespace"]] if _selects(each, pod)]
        if project and len(budgets) > 1 and any(map(_ours, budgets)):
            project.faults.append(f"{_name(pod)} is under {[each['metadata']['name'] for each in budgets]}")


def _selects(budget: dict[str, Any], pod: dict[str, Any]) -> bool:
    """Say whether a budget selects a pod, by matchLabels alone; a selector with expressions counts as not matching."""
    selector, labels = budget["spec"].get("selector", {}), pod["metadata"].get("labels", {})
    if selector.get("matchExpressions"):
        return False
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())


def check_reapply(run: Run, by_project: dict[str, Project], generations: dict[str, int]) -> None:
    """Check that the owner's next apply of the same files changes nothing."""
    for project in run.projects:
        refused = run.apply(project, project.namespace)
        if len(refused) > len(project.refused):
            project.faults.append(f"applying again was refused: {refused}")
    run.settle(run.state)
    for workload in run.get("deployments,statefulsets"):
        owner, before = by_project.get(workload["metadata"]["namespace"]), generations.get(_name(workload))
        if owner and before is not None and workload["metadata"]["generation"] != before:
            owner.faults.append(f"{_name(workload)} changed generation when the same files were applied again")


def check_reverted(run: Run, by_project: dict[str, Project]) -> None:
    """Check that every workload equals its baseline."""
    run.plane.kubectl("delete", "productionpolicy", "corpus", "--wait=true", "--timeout=180s")
    run.settle(run.state)
    found = {_name(each): each for each in run.get("deployments,statefulsets")}
    hashes = _hashes(run)
    for name, workload in found.items():
        project = by_project.get(workload["metadata"]["namespace"])
        baseline = found.get(_baseline(name))
        if project and baseline:
            project.faults += _differences(name, workload, baseline, hashes)
    for left in filter(_ours, run.get("poddisruptionbudgets")):
        by_project[left["metadata"]["namespace"]].faults.append(f"{_name(left)} is left")


def _hashes(run: Run) -> dict[str, set[str]]:
    """Return, for each workload, the template hashes that run."""
    hashes: defaultdict[str, set[str]] = defaultdict(set)
    for replica_set in run.get("replicasets"):
        owners = replica_set["metadata"].get("ownerReferences", [])
        if owners and replica_set["status"]["replicas"]:
            name = f"{owners[0]['kind']} {replica_set['metadata']['namespace']}/{owners[0]['name']}"
            hashes[name].add(replica_set["metadata"]["labels"]["pod-template-hash"])
    return hashes


def _differences(
    name: str, workload: dict[str, Any], baseline: dict[str, Any], hashes: dict[str, set[str]]
) -> Iterator[str]:
    baseline_name = _baseline(name)
    if workload["spec"] != baseline["spec"]:
        yield f"{name} is not as it was applied"
    if hashes.get(name, set()) != hashes.get(baseline_name, set()):
        yield (
            f"{name} runs template {hashes.get(name)} instead of {hashes.get(baseline_name)}: "
            f"{json.dumps(workload['status'])}"
        )
    if any("productionpolicy" in key for key in workload["metadata"].get("annotations", {})):
        yield f"{name} still carries notes of ours"


def run_corpus(folder: Path, work: Path) -> list[Project]:
    """Run the whole corpus and return what was found."""
    projects = [
        Project(namespace=f"{project.name}-{number}" if number else project.name, documents=documents)
        for project in sorted(each for each in folder.iterdir() if each.is_dir())
        for number, documents in enumerate(variants(project))
    ]
    by_project = {each.namespace: each for each in projects}
    with ControlPlane.start(work / "plane") as plane:
        plane.kubectl("apply", "-k", str(ROOT / "manifests"))
        kubeconfig = plane.kubeconfig_of_service_account("productionpolicy-system", "productionpolicy")
        with OperatorProcess(kubeconfig, log=work / "operator.log") as operator:
            operator.wait_ready(60)
            run = Run(plane, operator, projects)
            plane.kubectl("apply", "-f", "-", stdin=json.dumps(POLICY))
            _populate(run)
            console.print("waiting for a fixed point")
            run.settle(run.state)
            generations = check_fixed_point(run, by_project)
            console.print(plane.kubectl("get", "productionpolicies", "-o", "wide").rstrip())
            console.print("applying the same files again")
            check_reapply(run, by_project, generations)
            console.print("deleting the policy, onRemoval: Revert")
            check_reverted(run, by_project)
            operator.stop()
    return projects


def _populate(run: Run) -> None:
    for project in run.projects:
        console.print(f"applying {project.namespace}: {len(project.documents)} objects")
        run.plane.kubectl("create", "namespace", project.namespace)
        run.plane.kubectl("create", "namespace", f"{project.namespace}{BASELINE}")
        run.plane.kubectl("label", "namespace", project.namespace, f"{POLICY_LABEL}=corpus")
        project.refused = run.apply(project, project.namespace)
        run.apply(project, f"{project.namespace}{BASELINE}")


def _table(projects: list[Project]) -> Table:
    table = Table("project", "objects", "refused", "workloads", "repaired", "faults")
    for each in projects:
        counts = (len(each.documents), len(each.refused), each.workloads, each.repaired, len(each.faults))
        table.add_row(each.namespace, *map(str, counts))
    total = [sum(len(each.documents) for each in projects), sum(len(each.refused) for each in projects)]
    total += [sum(each.workloads for each in projects), sum(each.repaired for each in projects)]
    table.add_row("all", *map(str, total), str(sum(len(each.faults) for each in projects)), style="bold")
    return table


def main() -> int:
    """Run, print a table and the faults, and return the exit code."""
    parser = argparse.ArgumentParser(
        prog="corpus", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("folder", type=Path, metavar="DIR", help="a folder with one folder of manifests per project")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep logs there")
    arguments = parser.parse_args()
    if not arguments.folder.is_dir():
        parser.error(f"{arguments.folder} is not a folder; pass one with `make corpus CORPUS=DIR`")
    started = time.monotonic()
    with tempfile.TemporaryDirectory() as work:
        projects = run_corpus(arguments.folder, arguments.keep or Path(work))
    Console().print(_table(projects))
    faults = [fault for each in projects for fault in each.faults]
    for fault in faults:
        print(fault)
    print(f"{len(faults)} faults, {time.monotonic() - started:.0f} s")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
