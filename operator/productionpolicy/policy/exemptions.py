"""Exemptions: annotations by which the owner of a workload opts out of an expectation, and says why."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date

from msgspec import Struct

from productionpolicy.expectations import BY_NAME
from productionpolicy.kube.workloads import ANNOTATION_DOMAIN

PREFIX = f"exempt.{ANNOTATION_DOMAIN}/"
_UNTIL = re.compile(r"\buntil=(\S*)")
_AROUND = " ;,.()"
"""What may stand around a date in a sentence."""


class Exemption(Struct, frozen=True):
    """What one annotation says."""

    expectation: str
    reason: str
    until: date | None = None
    """The last day on which it holds, in UTC."""
    fault: str | None = None
    """Why it does not hold; None where it does."""

    @property
    def holds(self) -> bool:
        """Whether the workload is exempt."""
        return self.fault is None

    @property
    def path(self) -> str:
        """Where it stands."""
        return f"metadata.annotations[{PREFIX}{self.expectation}]"


def exemptions_of(annotations: Mapping[str, str], *, today: date) -> tuple[Exemption, ...]:
    """Return the exemptions that the annotations of a workload claim, sorted by expectation.

    Args:
        annotations: all, or those of our domain.
        today: the day in UTC, for those that expire.
    """
    claimed = sorted((key.removeprefix(PREFIX), text) for key, text in annotations.items() if key.startswith(PREFIX))
    return tuple(_read(expectation, text, today) for expectation, text in claimed)


def _read(expectation: str, text: str, today: date) -> Exemption:
    found = _UNTIL.search(text)
    reason = _UNTIL.sub("", text).strip(_AROUND)
    try:
        until = _date(found.group(1).rstrip(_AROUND)) if found else None
    except ValueError:
        return Exemption(expectation, reason, fault="its date is not of the form until=YYYY-MM-DD")
    return Exemption(expectation, reason, until, fault=_fault(expectation, reason, until, today))


def _date(text: str) -> date:
    found = date.fromisoformat(text)
    if found.isoformat() != text:
        raise ValueError(f"{text[:40]!r} is a date of another form")
    return found


def _fault(expectation: str, reason: str, until: date | None, today: date) -> str | None:
    if expectation not in BY_NAME:
        return "no expectation has this name"
    if not reason:
        return "it gives no reason"
    if until is not None and today > until:
        return f"it expired on {until.isoformat()}"
    return None
