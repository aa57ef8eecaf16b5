"""The report on one workload, as an object of the API: what it holds, how it is named, and how large it may be."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from enum import Enum
from itertools import accumulate
from typing import Any

import msgspec
from msgspec.structs import replace

from productionpolicy.kube.fields import Fields
from productionpolicy.kube.identity import MANAGED_BY, NAME, POLICY_LABEL
from productionpolicy.kube.text import shortened
from productionpolicy.kube.workloads import Workload
from productionpolicy.reports.results import LONGEST_PROPERTY, Result, ResultKind, passed, patches_of, results_of
from productionpolicy.verdict import Evaluation

Raw = dict[str, Any]

LARGEST = 3000
"""The maximum number of bytes of a report as JSON, without `managedFields`."""

_ADDED = 150
"""How many bytes of these the API server adds: uid, version, generation and time."""

_DETAILS = ("remedy", "notRepaired", "finding")
_DETAIL_SIZES = (LONGEST_PROPERTY, 150, 80, 40)
"""To how many bytes these properties are cut: the first size with which all results fit, or the last one."""

_PREFIX = f"{NAME}-"


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
    """Return the report on a workload that a policy governs, of at most `LARGEST` bytes.

    What does not fit is left out in this order: patches, the end of long details, the least important results.

    Args:
        evaluation: of the workload.
        form: the kind of object to make.
        most: how many results it may list. The summary counts all.
    """
    results, patches = results_of(evaluation), patches_of(evaluation)
    report = {**_head(evaluation, form), "summary": _summary(evaluation, results), "results": []}
    notes = _notes(evaluation, results=len(results), patches=len(patches))
    room = LARGEST - _ADDED - _size(report) - _size(notes)
    listed = _fitting(results[:most], room=room)
    patched, unpatched = _with_patches(listed, patches, room=room - _total(listed))
    left_out = _notes(evaluation, results=len(results) - len(listed), patches=unpatched)
    return {**report, "results": msgspec.to_builtins(_noting(patched, left_out))}


def _head(evaluation: Evaluation, form: Form) -> Raw:
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
        head["source"] = NAME
    return head


def _reference(workload: Workload) -> Raw:
    key = workload.key
    return {"apiVersion": key.api_version, "kind": key.kind, "name": key.name, "uid": workload.uid}


def _summary(evaluation: Evaluation, results: Sequence[Result]) -> dict[str, int]:
    counts = Counter(each.result for each in results)
    counts[ResultKind.PASS] = passed(evaluation)
    return {str(each): counts[each] for each in ResultKind}


def _notes(evaluation: Evaluation, *, results: int, patches: int) -> dict[str, str]:
    """Return what the last result says of so many results and patches that are left out."""
    left_out = {"omittedResults": results, "omittedPatches": patches}
    told = {name: str(number) for name, number in left_out.items() if number}
    where = f"{NAME} check --live -n {evaluation.inputs.workload.key.namespace}"
    return {**told, "seeAll": where} if told else {}


def _fitting(results: Sequence[Result], *, room: int) -> list[Result]:
    """Return as many results as there is room for, their details cut if not all of them fit otherwise."""
    for size in _DETAIL_SIZES:
        cut = [_with_details(each, size=size) for each in results]
        if _total(cut) <= room:
            return cut
    sizes = accumulate(_size(each) for each in cut)
    return [each for each, total in zip(cut, sizes, strict=True) if total <= room]


def _with_details(result: Result, *, size: int) -> Result:
    """Cut the details of a result to a size."""
    cut = {name: shortened(text, size=size) for name, text in result.properties.items() if name in _DETAILS}
    return replace(result, properties={**result.properties, **cut})


def _with_patches(results: Sequence[Result], patches: Mapping[str, str], *, room: int) -> tuple[list[Result], int]:
    """Add the patch of each expectation to its first result, as far as there is room.

    Returns:
        The results, and how many of their patches are left out.
    """
    made, left, waiting = [], 0, dict(patches)
    for each in results:
        patch = waiting.pop(each.rule, None)
        cost = _size({"patch": patch})
        if patch is not None and cost <= room:
            room -= cost
            made.append(replace(each, properties={**each.properties, "patch": patch}))
        else:
            left += patch is not None
            made.append(each)
    return made, left


def _noting(results: list[Result], notes: Mapping[str, str]) -> list[Result]:
    """Note on the last result what is left out of the report."""
    if not notes or not results:
        return results
    last = results[-1]
    return [*results[:-1], replace(last, properties={**last.properties, **notes})]


def _total(results: Sequence[Result]) -> int:
    return sum(map(_size, results))


def _size(part: object) -> int:
    """Return how many bytes a part of a report takes as the operator sends it, with the comma after it."""
    return len(json.dumps(msgspec.to_builtins(part))) + 2


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
        **{name: raw.get(name) for name in ("scope", "source", "summary", "results")},
    }
    return msgspec.json.encode(said, order="deterministic")
