"""The ClusterRoles of the operator, from the rights that the code declares."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from textwrap import wrap

from productionpolicy.controller.rights import DRAIN_RULES, REPORT_RULES, RULES, Rule
from productionpolicy.kube.identity import NAME

MANIFESTS = Path(__file__).parents[2] / "manifests"
WIDTH = 120


@dataclass(frozen=True, slots=True)
class Role:
    """A ClusterRole.

    Attributes:
        folder: of its file, below manifests.
        ending: of its name, and of the name of its file in the chart.
        rules: what it grants; the reason of each is a comment.
        told: a comment above it.
    """

    folder: str
    ending: str
    rules: Sequence[Rule]
    told: str

    @property
    def file(self) -> Path:
        """The file below manifests."""
        return MANIFESTS / self.folder / "clusterrole.yaml"

    def text(self, *, made_by: str) -> str:
        """Return it as YAML."""
        head = [
            f"# {made_by}",
            f"# {self.told}",
            "apiVersion: rbac.authorization.k8s.io/v1",
            "kind: ClusterRole",
            "metadata:",
            f"  name: {NAME}{self.ending}",
            "  labels:",
            f"    app.kubernetes.io/name: {NAME}",
            "rules:",
        ]
        return "\n".join([*head, *(line for rule in self.rules for line in _lines(rule))]) + "\n"


ROLES = (
    Role(
        "base",
        "",
        RULES,
        "All permissions of the operator. It reads no Secrets or ConfigMaps, changes no Pods, and grants nothing.",
    ),
    Role(
        "drain-audit",
        "-drain-audit",
        DRAIN_RULES,
        "What the operator reads, in addition to its other permissions, for policies with spec.drainAudit.",
    ),
    Role("reports", "-reports", REPORT_RULES, "The permissions to write reports."),
)


def _lines(rule: Rule) -> Iterator[str]:
    for line in wrap(rule.reason, WIDTH - len("  # ")):
        yield f"  # {line}"
    yield f"  - apiGroups: {_flow([rule.group])}"
    yield f"    resources: {_flow(rule.resources)}"
    yield f"    verbs: {_flow(rule.verbs)}"


def _flow(values: Iterable[str]) -> str:
    return f"[{', '.join(each or _EMPTY for each in values)}]"


_EMPTY = '""'
