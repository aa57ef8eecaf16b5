"""The report on one workload, as an object of the API: what it holds, how it is named, and how large it may be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import Enum
from typing import Any

import msgspec
from msgspec.structs import replace

from productionpolicy.kube.fields import Fields
from productionpolicy.kube.identity import MANAGED_BY, NAME, POLICY_LABEL
from productionpolicy.kube.workloads import Workload
from productionpolicy.reports.results import Result, ResultKind, passed, patches_of, results_of
from productionpolicy.verdict import Evaluation

Raw = dict[str, Any]

LARGEST = 3000
"""Patches are left out of a report that would have more bytes with them, as JSON."""

_PREFIX = f"{NAME}-"
_LISTED = [ResultKind.FAIL, ResultKind.WARN, ResultKind.ERROR, ResultKind.SKIP]


class Form(Enum):
    """The kind of object that a report is: its API version and its kind."""

    OPEN_REPORTS = ("openreports.io/v1alpha1", "Report")
    POLICY_REPORT = ("wgpolicyk8s.io/v1alpha2", "PolicyReport")

    @property
    def api_version(self) -> str:
        """The `apiVersion` of its objects."""
        return self.value[0]

    @property
    def kind(self) -> str:
        """The kind of its objects."""
        return self.value[1]


def report_name(uid: str) -> str:
    """Return the name of the report on the workload with a uid.

    Other tools name their reports by the bare uid of an object, so the operator does not.
    """
    return f"{_PREFIX}{uid}"


def report_on(evaluation: Evaluation, form: Form, *, most: int) -> Raw:
    """Return the report on a workload that a policy governs.

    Args:
        evaluation: of the workload.
        form: the kind of object to make.
        most: how many results it may list. The summary counts all.
    """
    results = results_of(evaluation)
    listed = results[:most]
    report = {**_head(evaluation, form, most=most), "summary": _summary(evaluation, results)}
    listed = _with_patches(listed, patches_of(evaluation), room=LARGEST - _size(report, listed))
    listed = _noting(listed, "omittedResults", len(results) - len(listed))
    return {**report, "results": msgspec.to_builtins(listed)}


def _head(evaluation: Evaluation, form: Form, *, most: int) -> Raw:
    workload = evaluation.inputs.workload
    head: Raw = {
        "apiVersion": form.api_version,
        "kind": form.kind,
        "metadata": {
            "name": report_name(workload.uid),
            "namespace": workload.key.namespace,
            "labels": {MANAGED_BY: NAME, POLICY_LABEL: evaluation.policy_name},
            "ownerReferences": [_reference(workload)],
        },
        "scope": {**_reference(workload), "namespace": workload.key.namespace},
    }
    if form is Form.OPEN_REPORTS:
        limits = {"maxResults": most, "statusFilter": [str(each) for each in _LISTED]}
        head |= {"source": NAME, "configuration": {"limits": limits}}
    return head


def _reference(workload: Workload) -> Raw:
    key = workload.key
    return {"apiVersion": key.api_version, "kind": key.kind, "name": key.name, "uid": workload.uid}


def _summary(evaluation: Evaluation, results: Sequence[Result]) -> dict[str, int]:
    counts = Counter(each.result for each in results)
    counts[ResultKind.PASS] = passed(evaluation)
    return {str(each): counts[each] for each in ResultKind}


def _with_patches(results: list[Result], patches: Mapping[str, str], *, room: int) -> list[Result]:
    """Add the patch of each expectation to its first result, as far as there is room."""
    made, left, waiting = [], 0, dict(patches)
    for each in results:
        patch = waiting.pop(each.rule, None)
        cost = len(msgspec.json.encode({"patch": patch}))
        if patch is not None and cost <= room:
            room -= cost
            made.append(replace(each, properties={**each.properties, "patch": patch}))
        else:
            left += patch is not None
            made.append(each)
    return _noting(made, "omittedPatches", left)


def _noting(results: list[Result], name: str, number: int) -> list[Result]:
    """Note on the last result how much is left out of the report."""
    if not number or not results:
        return results
    last = results[-1]
    return [*results[:-1], replace(last, properties={**last.properties, name: str(number)})]


def _size(report: Raw, results: Sequence[Result]) -> int:
    return len(msgspec.json.encode({**report, "results": results}))


def is_own(raw: Mapping[str, Any]) -> bool:
    """Say whether the operator made a report: by its label, its name, its owner and its source."""
    metadata = Fields(raw).mapping("metadata")
    owner = workload_uid(raw)
    if owner is None or metadata.text("name") != report_name(owner):
        return False
    sources = {Fields(raw).text("source"), *(each.text("source") for each in Fields(raw).items("results"))}
    return metadata.text_map("labels").get(MANAGED_BY) == NAME and sources <= {NAME, None}


def workload_uid(raw: Mapping[str, Any]) -> str | None:
    """Return the uid of the workload that a report belongs to; None where it belongs to none."""
    owners = Fields(raw).mapping("metadata").items("ownerReferences")
    return next((each.text("uid") for each in owners), None)


def content_of(raw: Mapping[str, Any]) -> bytes:
    """Return what a report says, without what the API server adds: two reports that say the same are equal in it."""
    metadata = raw.get("metadata") or {}
    labels = metadata.get("labels") or {}
    said = {
        "labels": {name: labels.get(name) for name in (MANAGED_BY, POLICY_LABEL)},
        "ownerReferences": metadata.get("ownerReferences"),
        **{name: raw.get(name) for name in ("scope", "source", "configuration", "summary", "results")},
    }
    return msgspec.json.encode(said, order="deterministic")
