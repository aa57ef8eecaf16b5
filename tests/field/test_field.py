"""Situations from practice, each reduced to one thing: what `check` and `check --plan` say about it is right.

`inputs` holds the manifests, which are example data. `verdicts.yaml` says what is right about them: each entry is about
one workload of one input, or about the input as a whole, with these keys:

file            the input
workload        `Kind/name`; without it the input only has to be readable
fails           expectations that fail, and notices such as `unreadable`
passes          expectations that pass or do not apply; `others` means all that no other key names
applicable      expectations that pass or fail
notApplicable   expectations that do not apply
open            expectations about which nothing is decided
judged          false where the workload need not be judged
notJudged       `Kind/name` of what is not judged, and is named as such
told            texts that the report contains
named           by expectation, what its findings name
advised         by expectation, words that its findings contain
notAdvised      by expectation, words that its remedies do not contain
plan.budget     the budget to create: `present`, `absent`, or its terms, such as `maxUnavailable 1`
plan.repairs    repairs that are made
plan.notRepairs repairs that are not made
plan.sleepIn    the containers that get a preStop hook: these and no others
why             the fact that decides it

Wording, order and layout of the report are not decided here.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from msgspec import Struct, convert

from support.checking import check
from support.manifests import Raw

FOLDER = Path(__file__).parent
INPUTS = FOLDER / "inputs"
OTHERS = "others"


class Planned(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What is right about the plan."""

    budget: str | None = None
    repairs: tuple[str, ...] = ()
    not_repairs: tuple[str, ...] = ()
    sleep_in: tuple[str, ...] | None = None


class Entry(Struct, frozen=True, rename="camel", forbid_unknown_fields=True):
    """What is right about one workload of an input."""

    file: str
    why: str
    workload: str | None = None
    fails: tuple[str, ...] = ()
    passes: tuple[str, ...] = ()
    applicable: tuple[str, ...] = ()
    not_applicable: tuple[str, ...] = ()
    open: tuple[str, ...] = ()
    judged: bool = True
    not_judged: tuple[str, ...] = ()
    told: tuple[str, ...] = ()
    named: dict[str, tuple[str, ...]] = {}
    advised: dict[str, tuple[str, ...]] = {}
    not_advised: dict[str, tuple[str, ...]] = {}
    plan: Planned = Planned()

    def __str__(self) -> str:
        return f"{Path(self.file).stem}: {self.workload or 'as a whole'}"


ENTRIES = convert(yaml.safe_load((FOLDER / "verdicts.yaml").read_text()), tuple[Entry, ...])


@lru_cache
def report(file: str, *options: str) -> Any:
    """Return what the command tells about an input, by the default policy."""
    return check(INPUTS / file, "-o", "json", *options).report


@lru_cache
def text(file: str) -> str:
    """Return all that a person reads about an input."""
    told = check(INPUTS / file)
    return told.out + told.err


def wrong(entry: Entry) -> Iterator[str]:
    """Return what is told wrongly, in the words of the entry."""
    told = report(entry.file)
    yield from (f"told: {each}" for each in entry.told if each not in text(entry.file))
    yield from (f"notJudged: {each}" for each in entry.not_judged if not said_of(each, entry.file))
    if entry.workload is None:
        yield from (f"unreadable: {each['message']}" for each in told["unreadable"])
        return
    workload = workload_in(told, entry.workload)
    if workload is not None:
        yield from wrong_verdicts(entry, workload["verdicts"])
        yield from wrong_findings(entry, workload["findings"])
        yield from wrong_plan(entry)
    elif entry.judged:
        yield "judged: it is not"


def said_of(title: str, file: str) -> bool:
    """Say whether both forms of the report name what is not judged."""
    named = {f"{each['kind']}/{each['name']}" for each in report(file)["notJudged"]}
    return title in named and all(word in text(file) for word in title.split("/"))


def workload_in(told: Any, title: str) -> Any:
    """Return what a report says about a workload; None where it is not judged."""
    return next((each for each in told["workloads"] if f"{each['kind']}/{each['name']}" == title), None)


def wrong_verdicts(entry: Entry, verdicts: dict[str, str]) -> Iterator[str]:
    others = verdicts.keys() - {*entry.fails, *entry.not_applicable, *entry.open}
    expected = {
        "fails": (entry.fails, {"failed"}),
        "passes": (sorted(others) if OTHERS in entry.passes else entry.passes, {"passed", "notApplicable"}),
        "applicable": (entry.applicable, {"passed", "failed"}),
        "notApplicable": (entry.not_applicable, {"notApplicable"}),
    }
    for key, (names, right) in expected.items():
        # A notice, such as `unreadable`, is only there where it fails.
        wrongly = ((name, verdicts.get(name, "passed")) for name in names)
        yield from (f"{key}: {name} is {outcome}" for name, outcome in wrongly if outcome not in right)


def wrong_findings(entry: Entry, findings: list[Raw]) -> Iterator[str]:
    for key, expected in (("named", entry.named), ("advised", entry.advised)):
        for name, words in expected.items():
            texts = [f"{each['message']}; {each['remedy']}" for each in findings if each["expectation"] == name]
            yield from (f"{key}: {name}: {word}" for word in words if not any(word in text for text in texts))
    for name, words in entry.not_advised.items():
        remedies = [each["remedy"] for each in findings if each["expectation"] == name]
        yield from (f"notAdvised: {name}: {word}" for word in words if any(word in remedy for remedy in remedies))


def wrong_plan(entry: Entry) -> Iterator[str]:
    expected = entry.plan
    if expected == Planned():
        return
    planned = workload_in(report(entry.file, "--plan"), entry.workload or "")
    made = {each["expectation"] for each in planned["changes"] if each["after"] is not None}
    yield from (f"plan.repairs: {each}" for each in expected.repairs if each not in made)
    yield from (f"plan.notRepairs: {each}" for each in expected.not_repairs if each in made)
    if expected.budget not in {None, *budgets(planned["budget"])}:
        yield f"plan.budget: {planned['budget']}"
    if expected.sleep_in is not None and sorted(expected.sleep_in) != sleeping(planned["patch"]):
        yield f"plan.sleepIn: {sleeping(planned['patch'])}"


def budgets(planned: Raw | None) -> set[str]:
    """Return the words of an entry that describe a budget to create."""
    if planned is None:
        return {"absent"}
    return {"present", *(f"{name} {planned['spec'][name]}" for name in planned["spec"])}


def sleeping(patch: Raw | None) -> list[str]:
    """Return the containers to which a patch gives a preStop hook."""
    containers = patch["spec"].get("template", {}).get("spec", {}).get("containers", ()) if patch else ()
    return sorted(each["name"] for each in containers if "preStop" in each.get("lifecycle", {}))


@pytest.mark.parametrize("entry", ENTRIES, ids=str)
def test_what_is_told_is_right(entry: Entry) -> None:
    found = list(wrong(entry))
    assert not found, "\n".join([*found, f"Why: {entry.why}"])


def test_every_input_has_a_verdict() -> None:
    assert {each.name for each in INPUTS.iterdir()} == {each.file for each in ENTRIES}
