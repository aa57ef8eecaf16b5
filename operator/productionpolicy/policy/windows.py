"""When repairs may restart pods: weekly windows, and freezes.

A window is a time of day on some days of the week, as a clock on the wall of its time zone shows it. On a day on which
the clocks change, a window is as much longer or shorter as the day is; a time that the clocks skip does not occur.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Annotated, ClassVar
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Meta, Struct

from productionpolicy.expectations import Rule
from productionpolicy.policy.document import Document

MOST_WINDOWS = 32
MOST_FREEZES = 64

_MINUTE = timedelta(minutes=1)
_DAY = timedelta(days=1)
_WEEK = 7
_MIDNIGHT = "24:00"

Zone = Annotated[
    str,
    Meta(
        min_length=1,
        max_length=64,
        description="The time zone, by its name in the IANA database, such as Europe/Berlin.",
    ),
]


class Day(StrEnum):
    """A day of the week."""

    MON = "Mon"
    TUE = "Tue"
    WED = "Wed"
    THU = "Thu"
    FRI = "Fri"
    SAT = "Sat"
    SUN = "Sun"


_DAYS = tuple(Day)


class Window(Document, frozen=True, kw_only=True):
    """A time in each week in which repairs may restart pods."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule("self.from != self.to", "from and to must differ; leave out both for the whole day"),
    )

    days: Annotated[
        tuple[Day, ...],
        Meta(max_length=_WEEK, description="The days on which the window opens; every day if the list is empty."),
    ] = ()
    start: Annotated[
        str,
        Meta(
            max_length=5,
            pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$",
            description="The time of day at which the window opens.",
        ),
    ] = msgspec.field(default="00:00", name="from")
    end: Annotated[
        str,
        Meta(
            max_length=5,
            pattern="^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$",
            description="The time of day at which the window closes: on the next day, if it is not after from.",
        ),
    ] = msgspec.field(default=_MIDNIGHT, name="to")
    time_zone: Zone = "UTC"

    def __post_init__(self) -> None:
        """Refuse what the rule refuses, and time zones that do not exist."""
        if self.start == self.end:
            raise ValueError(self.rules[0].message)
        _zone(self.time_zone)

    def open_at(self, now: datetime) -> bool:
        """Return whether the window is open."""
        local = now.astimezone(_zone(self.time_zone))
        time = f"{local:%H:%M}"
        if self.start < self.end:
            return self._opens_on(local.date()) and self.start <= time < self.end
        began_today = self._opens_on(local.date()) and time >= self.start
        return began_today or (self._opens_on(local.date() - _DAY) and time < self.end)

    def beginnings(self, now: datetime) -> Iterator[datetime]:
        """Return the moments from `now` on, up to a week and a day later, at which the window may open."""
        zone = _zone(self.time_zone)
        today = now.astimezone(zone).date()
        hour, minute = map(int, self.start.split(":"))
        for number in range(-1, _WEEK + 2):
            day = today + number * _DAY
            if self._opens_on(day):
                yield from _moments(datetime(day.year, day.month, day.day, hour, minute, tzinfo=zone))

    def _opens_on(self, day: date) -> bool:
        return not self.days or _DAYS[day.weekday()] in self.days


class Freeze(Document, frozen=True, kw_only=True):
    """Days on which repairs do not restart pods, even if a window would be open."""

    rules: ClassVar[tuple[Rule, ...]] = (Rule("self.from <= self.to", "from must not be after to"),)

    first: Annotated[date, Meta(description="The first day, such as 2026-12-20.")] = msgspec.field(name="from")
    last: Annotated[date, Meta(description="The last day.")] = msgspec.field(name="to")
    reason: Annotated[str, Meta(max_length=256, description="The reason, which the status repeats.")] = ""
    time_zone: Zone = "UTC"

    def __post_init__(self) -> None:
        """Refuse what the rule refuses, and time zones that do not exist."""
        if self.first > self.last:
            raise ValueError(self.rules[0].message)
        _zone(self.time_zone)

    def holds_at(self, now: datetime) -> bool:
        """Return whether it is one of the days."""
        return self.first <= now.astimezone(_zone(self.time_zone)).date() <= self.last

    @property
    def ends(self) -> datetime:
        """The moment after the last day."""
        after = self.last + _DAY
        return next(_moments(datetime(after.year, after.month, after.day, tzinfo=_zone(self.time_zone))))


class Calendar(Struct, frozen=True):
    """When repairs may restart the pods of a workload. The default is always."""

    windows: tuple[Window, ...] = ()
    """One of them has to be open, if there are any."""
    freezes: tuple[Freeze, ...] = ()
    narrowed: tuple[Window, ...] | None = None
    """One of these has to be open, too; never where there are none. None where the namespace does not narrow them."""

    def open_at(self, now: datetime) -> bool:
        """Return whether pods may be restarted."""
        return self._in_window(now) and not any(each.holds_at(now) for each in self.freezes)

    def freeze_at(self, now: datetime) -> Freeze | None:
        """Return the freeze that holds, if any; of several, the one that ends last."""
        return max((each for each in self.freezes if each.holds_at(now)), key=lambda each: each.ends, default=None)

    def opens_after(self, now: datetime) -> datetime | None:
        """Return when pods may be restarted next, `now` if they may be; None if not within a week after all freezes."""
        return _opening(self, now.astimezone(UTC).replace(second=0, microsecond=0)) if self != ALWAYS else now

    def _in_window(self, now: datetime) -> bool:
        own = not self.windows or any(each.open_at(now) for each in self.windows)
        return own and (self.narrowed is None or any(each.open_at(now) for each in self.narrowed))

    def next_window(self, now: datetime) -> datetime | None:
        """Return the first moment from `now` on at which a window is open, freezes aside."""
        if self._in_window(now):
            return now
        found = (each for window in (*self.windows, *(self.narrowed or ())) for each in window.beginnings(now))
        return min((each for each in found if each > now and self._in_window(each)), default=None)


ALWAYS = Calendar()


@lru_cache(maxsize=1024)
def _opening(calendar: Calendar, now: datetime) -> datetime | None:
    """Return the next opening. Many workloads wait for the same one."""
    moment: datetime | None = now
    while moment is not None:
        freeze = calendar.freeze_at(moment)
        if freeze is None:
            opening = calendar.next_window(moment)
            if opening is None or calendar.freeze_at(opening) is None:
                return opening
            moment = opening
        else:
            moment = freeze.ends
    return None


@lru_cache(maxsize=256)
def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, OSError, ValueError) as error:
        raise ValueError(f"there is no time zone {name!r}: use a name such as Europe/Berlin or UTC") from error


def _moments(local: datetime) -> Iterator[datetime]:
    """Return the moments at which a clock on the wall shows a time, or first shows a later one if it skips the time."""
    early, late = local.replace(fold=0).astimezone(UTC), local.replace(fold=1).astimezone(UTC)
    if early <= late:
        yield early
        if late > early:
            yield late
        return
    # The clocks skip it. By the offset before, it is `early`, which comes after they have changed; search for that.
    while early - late > _MINUTE:
        between = late + ((early - late) // 2 // _MINUTE) * _MINUTE
        if between.astimezone(local.tzinfo).utcoffset() == late.astimezone(local.tzinfo).utcoffset():
            late = between
        else:
            early = between
    yield early
