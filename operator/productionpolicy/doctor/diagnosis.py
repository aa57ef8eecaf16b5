"""The result of all checks. docs/doctor.schema.json is generated from these types."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from enum import StrEnum

import msgspec

from productionpolicy.doctor.facts import Facts, NotSeen, Unseen

WRONG_CODE, UNKNOWN_CODE = 1, 3
"""Exit codes: something is wrong; nothing is, as far as was seen, but not everything was."""


class State(StrEnum):
    """What a check found."""

    OK = "ok"
    HINT = "hint"
    """Nothing is wrong, but something optional is missing or soon needs attention."""
    WRONG = "wrong"
    UNKNOWN = "unknown"
    """What the check depends on could not be read."""


class Finding(msgspec.Struct, frozen=True):
    """What a check says of the facts."""

    state: State
    message: str
    remedy: str = ""


class Check(msgspec.Struct, frozen=True):
    """One question about an installation."""

    name: str
    judge: Callable[[Facts], Finding]


class Line(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The answer to one check. `remedy` is empty where there is nothing to do."""

    check: str
    state: State
    message: str
    remedy: str


class Summary(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How many checks have each state."""

    ok: int
    hint: int
    wrong: int
    unknown: int


class Report(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The output of `productionpolicy doctor -o json`."""

    checks: list[Line]
    summary: Summary

    @property
    def exit_code(self) -> int:
        """What the command ends with."""
        if self.summary.wrong:
            return WRONG_CODE
        return UNKNOWN_CODE if self.summary.unknown else 0


def diagnose(facts: Facts, checks: tuple[Check, ...]) -> Report:
    """Answer all checks from the facts."""
    lines = [_line(each, facts) for each in checks]
    counts = Counter(str(each.state) for each in lines)
    return Report(checks=lines, summary=Summary(**{str(state): counts[state] for state in State}))


def _line(check: Check, facts: Facts) -> Line:
    try:
        finding = check.judge(facts)
    except NotSeen as error:
        finding = _unknown(error.unseen)
    return Line(check=check.name, state=finding.state, message=finding.message, remedy=finding.remedy)


def _unknown(unseen: Unseen) -> Finding:
    if not unseen.why:
        return Finding(State.UNKNOWN, f"you may not {unseen.what}", "ask somebody with this right to run the command")
    return Finding(State.UNKNOWN, f"could not {unseen.what}: {unseen.why}", "see the message of the API server")
