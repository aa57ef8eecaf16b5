"""Exemptions: annotations with which the owner of a workload opts out of an expectation, and gives the reason."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

from msgspec import Struct
from msgspec.structs import replace

from productionpolicy.expectations import BY_NAME
from productionpolicy.kube.identity import EXEMPT
from productionpolicy.kube.text import nearest

ALL = "all"
"""The name that exempts from every expectation."""

_UNTIL = re.compile(r"\buntil=(\S*)")
_EXPIRY = re.compile(r"(?i)\b(until|expir\w*|\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{4})\b")
"""Text that suggests an end date. Without a valid date the exemption has no effect, because it would never expire."""

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_AROUND = " ;,.()"
"""Characters that may surround a date in a sentence."""


class Exemption(Struct, frozen=True):
    """The content of one annotation."""

    expectation: str
    reason: str
    until: date | None = None
    """The last day on which it is in effect, in UTC."""
    fault: str | None = None
    """Why it has no effect; None if it is in effect."""
    remedy: str = "remove the annotation"
    """The remedy if it has no effect."""

    @property
    def holds(self) -> bool:
        """Whether the exemption is in effect."""
        return self.fault is None

    @property
    def path(self) -> str:
        """The path of the annotation."""
        return f"metadata.annotations[{EXEMPT}{self.expectation}]"

    def covers(self, expectation: str) -> bool:
        """Return whether it exempts the workload from an expectation."""
        return self.holds and self.expectation in (ALL, expectation)


def exemptions_of(annotations: Mapping[str, str], *, today: date) -> tuple[Exemption, ...]:
    """Return the exemptions that the annotations of a workload claim, sorted by expectation.

    Args:
        annotations: all annotations, or those of the productionpolicy.dev domain.
        today: the current day in UTC, for exemptions that expire.
    """
    claimed = sorted((key.removeprefix(EXEMPT), text) for key, text in annotations.items() if key.startswith(EXEMPT))
    return tuple(_read(expectation, text, today) for expectation, text in claimed)


def _read(expectation: str, text: str, today: date) -> Exemption:
    reason = _UNTIL.sub("", text).strip(_AROUND)
    try:
        until = _end(text)
    except ValueError:
        found = _UNTIL.search(text)
        no_day = found is not None and _DAY.fullmatch(found.group(1).rstrip(_AROUND))
        fault = f"{no_day.group()} is not a valid date" if no_day else "its date is not in the form until=YYYY-MM-DD"
        return Exemption(expectation, reason, fault=fault, remedy="write its last day as until=YYYY-MM-DD")
    exemption = Exemption(expectation, reason, until)
    fault_and_remedy = _fault(exemption, today)
    if fault_and_remedy is None:
        return exemption
    fault, remedy = fault_and_remedy
    return replace(exemption, fault=fault, remedy=remedy)


def _end(text: str) -> date | None:
    found = _UNTIL.search(text)
    if found is not None:
        return _date(found.group(1).rstrip(_AROUND))
    if _EXPIRY.search(text):
        raise ValueError(f"{text[:40]!r} suggests an end date, but not in the supported form")
    return None


def _date(text: str) -> date:
    found = date.fromisoformat(text)
    if found.isoformat() != text:
        raise ValueError(f"{text[:40]!r} is a date in another form")
    return found


def _fault(claimed: Exemption, today: date) -> tuple[str, str] | None:
    """Return why it has no effect, and the remedy; None if it is in effect."""
    if claimed.expectation not in BY_NAME and claimed.expectation != ALL:
        meant = nearest(claimed.expectation, (*BY_NAME, ALL))
        advice = f"did you mean {meant}?" if meant else "`productionpolicy explain` lists the names"
        return "no expectation has this name", advice
    if not claimed.reason:
        return "it gives no reason", "write the reason into the annotation"
    if claimed.until is not None and today > claimed.until:
        return f"it expired on {claimed.until.isoformat()}", "remove the annotation, or write a later until=YYYY-MM-DD"
    return None
