"""What to change in files: the plan of the operator for each workload, and answers to findings."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from msgspec import Struct

from productionpolicy.expectations import BY_NAME
from productionpolicy.expectations.pod_disruption_budget import POD_DISRUPTION_BUDGET
from productionpolicy.kube.budgets import BUDGET, EVICTION_POLICY, Budget
from productionpolicy.kube.neighbours import known_kind
from productionpolicy.kube.workloads import WorkloadKey
from productionpolicy.offline.documents import Document, Unread
from productionpolicy.offline.fix.answers import Answer, answers, budgets_to_open
from productionpolicy.offline.fix.obstacles import advice_on_values, is_helm_template
from productionpolicy.offline.gathering import Gathered, Given, shown
from productionpolicy.offline.parsing import parse
from productionpolicy.offline.places import line_of, steps_of, value_at
from productionpolicy.offline.proposal import Proposed, ProposedObject, proposed
from productionpolicy.policy import Policy
from productionpolicy.verdict import Change, Inputs


class Task(Struct, frozen=True):
    """The changes of one object in a file."""

    document: Document
    line: int
    title: str
    """The name for people, such as `Deployment shop/web`."""
    patch: Mapping[str, Any] = {}
    """A strategic merge patch of its spec."""
    answers: tuple[Answer, ...] = ()
    objects: tuple[ProposedObject, ...] = ()
    """The objects to create next to it."""
    changes: tuple[Change, ...] = ()
    """The changes that the patch makes."""
    creations: tuple[Change, ...] = ()
    """The changes that the objects make."""

    @property
    def words(self) -> list[str]:
        """The changes of the object itself, in words for people."""
        return [shown(str(each)) for each in (*self.changes, *self.answers)]


class Left(Struct, frozen=True):
    """A change that is left to a person."""

    file: str
    line: int
    title: str
    subject: str
    """The expectations whose findings stay."""
    reason: str


class Tasks(Struct, frozen=True):
    """All that is to be done, and all that is not."""

    tasks: tuple[Task, ...]
    left: tuple[Left, ...]
    """The repairs that the plan leaves to a person."""
    workloads: int
    unreadable: tuple[Unread, ...]


def tasks(
    found: Iterable[Document | Unread],
    *,
    policy: Policy,
    answered: Collection[str],
    today: date,
) -> Tasks:
    """Return the changes of all workloads among the documents.

    Args:
        found: the documents.
        policy: the policy to judge by.
        answered: the names of the expectations whose findings are answered in addition to the repairs of the plan.
        today: the current day in UTC, for exemptions that expire.
    """
    budgets: dict[tuple[str, str], Document] = {}
    gathered = Gathered(_noting_budgets(found, budgets))
    made: list[Task] = []
    left: list[Left] = []
    opened: dict[tuple[str, str], Task] = {}
    for given in gathered:
        inputs = Inputs(given.workload, around=given.around, policy=policy, today=today)
        proposal = proposed(given, inputs)
        task = _task(given, proposal, inputs, answered)
        if task.changes or task.answers or task.objects:
            made.append(task)
        left += _left(given, proposal, task)
        for budget in budgets_to_open(inputs, answered):
            opened |= {each: _opening(budgets[each]) for each in [_key(budget)] if each in budgets}
    return Tasks((*made, *opened.values()), tuple(left), len(gathered), gathered.unreadable)


def _noting_budgets(
    found: Iterable[Document | Unread], budgets: dict[tuple[str, str], Document]
) -> Iterator[Document | Unread]:
    for each in found:
        if isinstance(each, Document) and known_kind(each.raw) == BUDGET:
            metadata = each.raw.get("metadata")
            given = metadata if isinstance(metadata, Mapping) else {}
            budgets[str(given.get("namespace") or ""), str(given.get("name") or "")] = each
        yield each


def _key(budget: Budget) -> tuple[str, str]:
    return budget.namespace, budget.name


def _opening(document: Document) -> Task:
    metadata = document.raw["metadata"]
    key = WorkloadKey(str(metadata.get("namespace") or ""), document.kind, str(metadata.get("name") or ""))
    answer = Answer(POD_DISRUPTION_BUDGET.name, "spec.unhealthyPodEvictionPolicy", EVICTION_POLICY)
    return Task(document, line_of(document), shown(key.title), answers=(answer,))


def _task(given: Given, proposal: Proposed, inputs: Inputs, answered: Collection[str]) -> Task:
    raw = _raw(given.document) if answered else {}
    return Task(
        given.document,
        given.place.line,
        proposal.title,
        patch={"spec": proposal.patch["spec"]} if proposal.patch else {},
        answers=tuple(answers(inputs, raw, answered)),
        objects=proposal.objects,
        changes=tuple(each for each in proposal.changes if not BY_NAME[each.expectation].owned),
        creations=tuple(filter(_creates, proposal.changes)),
    )


def _creates(change: Change) -> bool:
    """Return whether a change creates an object. The operator itself changes and removes those that it has created."""
    return bool(BY_NAME[change.expectation].owned) and change.before is None and change.after is not None


def _raw(document: Document) -> Any:
    return value_at(parse(document.piece), steps_of(document.within))


def _left(given: Given, proposal: Proposed, task: Task) -> Iterator[Left]:
    place, answered = given.place, {each.expectation for each in task.answers}
    reasons = {name: reason for name, reason in proposal.left.items() if name not in answered}
    if reasons and is_helm_template(given.document.piece.text):
        reason = f"it is a Helm template: {shown(advice_on_values(given.document.piece))}"
        reasons = dict.fromkeys(reasons, reason)
    for reason in dict.fromkeys(reasons.values()):
        names = ", ".join(name for name, each in reasons.items() if each == reason)
        yield Left(place.file, place.line, proposal.title, names, reason)
