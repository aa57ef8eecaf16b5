"""The ClusterRoles of the operator, from the rights that the code declares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from textwrap import wrap

from productionpolicy.controller.rights import DRAIN_RULES, REPORT_RULES, RULES, Rule
from productionpolicy.kube.identity import NAME

MANIFESTS = Path(__file__).parents[2] / "manifests"
ROLE = MANIFESTS / "base" / "clusterrole.yaml"
DRAIN_ROLE = MANIFESTS / "drain-audit" / "clusterrole.yaml"
REPORT_ROLE = MANIFESTS / "reports" / "clusterrole.yaml"
WIDTH = 120


def clusterrole(*, made_by: str) -> str:
    """Return the text of the ClusterRole; the reason of each rule is a comment."""
    told = "All permissions of the operator. It reads no Secrets or ConfigMaps, changes no Pods, and grants nothing."
    return _role(NAME, RULES, told=told, made_by=made_by)


def drain_clusterrole(*, made_by: str) -> str:
    """Return the text of the ClusterRole for audits of drains."""
    told = "What the operator reads, in addition to its other permissions, for policies with spec.drainAudit."
    return _role(f"{NAME}-drain-audit", DRAIN_RULES, told=told, made_by=made_by)


def report_clusterrole(*, made_by: str) -> str:
    """Return the text of the ClusterRole for reports."""
    return _role(f"{NAME}-reports", REPORT_RULES, told="The permissions to write reports.", made_by=made_by)


def _role(name: str, rules: Iterable[Rule], *, told: str, made_by: str) -> str:
    head = [
        f"# {made_by}",
        f"# {told}",
        "apiVersion: rbac.authorization.k8s.io/v1",
        "kind: ClusterRole",
        "metadata:",
        f"  name: {name}",
        "  labels:",
        f"    app.kubernetes.io/name: {NAME}",
        "rules:",
    ]
    return "\n".join([*head, *(line for rule in rules for line in _lines(rule))]) + "\n"


def _lines(rule: Rule) -> Iterator[str]:
    for line in wrap(rule.reason, WIDTH - len("  # ")):
        yield f"  # {line}"
    yield f"  - apiGroups: {_flow([rule.group])}"
    yield f"    resources: {_flow(rule.resources)}"
    yield f"    verbs: {_flow(rule.verbs)}"


def _flow(values: Iterable[str]) -> str:
    return f"[{', '.join(each or _EMPTY for each in values)}]"


_EMPTY = '""'
