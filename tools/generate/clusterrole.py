"""The ClusterRole of the operator, from the rights that the code declares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from textwrap import wrap

from productionpolicy.controller.rights import RULES, Rule
from productionpolicy.kube.identity import NAME

ROLE = Path(__file__).parents[2] / "manifests" / "base" / "clusterrole.yaml"
WIDTH = 120


def clusterrole(*, made_by: str) -> str:
    """Return the text of the ClusterRole; the reason of each rule is a comment."""
    head = [
        f"# {made_by}",
        "# All permissions of the operator. It reads no Secrets or ConfigMaps, changes no Pods, and grants nothing.",
        "apiVersion: rbac.authorization.k8s.io/v1",
        "kind: ClusterRole",
        "metadata:",
        f"  name: {NAME}",
        "  labels:",
        f"    app.kubernetes.io/name: {NAME}",
        "rules:",
    ]
    return "\n".join([*head, *(line for rule in RULES for line in _lines(rule))]) + "\n"


def _lines(rule: Rule) -> Iterator[str]:
    for line in wrap(rule.reason, WIDTH - len("  # ")):
        yield f"  # {line}"
    yield f"  - apiGroups: {_flow([rule.group])}"
    yield f"    resources: {_flow(rule.resources)}"
    yield f"    verbs: {_flow(rule.verbs)}"


def _flow(values: Iterable[str]) -> str:
    return f"[{', '.join(each or _EMPTY for each in values)}]"


_EMPTY = '""'
