"""The totals of the last days, as the status of a policy keeps them."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import msgspec

from productionpolicy.policy.status import MOST_DAYS, DayTotals
from productionpolicy.verdict.totals import Totals

SKEW = timedelta(minutes=5)
"""By how much the clocks of two API servers may differ. Around midnight, one of them may be a day ahead."""


def history(status: Any, totals: Totals, *, now: datetime) -> tuple[DayTotals, ...]:
    """Return the totals of the last days, with the current totals as those of today.

    Entries in the future are left out, and so is what cannot be read: anybody with the permission may write a status.
    The number of entries limits them, not their age, so a clock that was wrong for a while costs one entry.

    Args:
        status: the history in the status.
        totals: the current totals.
        now: the moment, by the clock of the API server.
    """
    known = {each.day: each for each in _read(status)}
    latest = (now + SKEW).date()
    # An entry never changes its date for an earlier one: two operators would write it in turn until midnight is over.
    today = latest if latest in known else now.date()
    earlier = [known[day] for day in sorted(known) if day < today]
    return (*earlier[1 - MOST_DAYS :], totals.of_day(today))


def _read(status: Any) -> Iterator[DayTotals]:
    for each in status if isinstance(status, list) else ():
        try:
            yield msgspec.convert(each, DayTotals)
        except msgspec.ValidationError:
            continue
