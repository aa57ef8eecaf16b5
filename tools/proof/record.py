"""What became of the requests of one scenario."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

MILLISECONDS = 1000


class Manner(StrEnum):
    """How a client comes by the connection for a request."""

    NEW = "new connection"
    KEPT = "kept connection"


@dataclass(frozen=True, slots=True)
class Request:
    """One request; its times are seconds since the load began."""

    service: str
    manner: Manner
    sent: float
    ended: float
    failure: str = ""
    """Why it failed; empty if it was answered."""
    resent: bool = False
    """Whether a kept connection was closed under it, so that it was sent once more on a new one."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Something that was done, or had come to its end."""

    at: float
    text: str


@dataclass(frozen=True, slots=True)
class Drain:
    """How the drain of a node ends.

    Attributes:
        result: in the words of `productionpolicy drain`.
        dark: the services that have no ready pod at some moment.
    """

    result: str
    dark: frozenset[str]

    def __str__(self) -> str:
        """Return what people read."""
        return f"{self.result}; without a ready pod: {', '.join(sorted(self.dark)) or 'none'}"


@dataclass(frozen=True, slots=True)
class Foreseen:
    """What was predicted of a drain before it began, and what happened."""

    predicted: Drain
    happened: Drain

    @property
    def promised_too_much(self) -> bool:
        """Whether a service had no ready pod that was said to keep one, or the node did not drain that was said to."""
        return self.predicted.result != self.happened.result or not self.happened.dark <= self.predicted.dark


@dataclass(frozen=True, slots=True)
class Record:
    """All requests of a scenario, and what was done meanwhile."""

    requests: tuple[Request, ...]
    marks: tuple[Mark, ...]
    seconds: float
    """How long the load lasted."""
    drain: Foreseen | None = None
    """The drain of a node that was predicted; None if none was."""

    @property
    def failed(self) -> list[Request]:
        """Those without an answer."""
        return [each for each in self.requests if each.failure]

    @property
    def reasons(self) -> dict[str, int]:
        """How many requests failed for which reason, by manner; the most frequent first."""
        return dict(Counter(f"{each.manner}: {each.failure}" for each in self.failed).most_common())

    @property
    def resent(self) -> int:
        """How many requests were sent a second time."""
        return sum(each.resent for each in self.requests)

    @property
    def longest_gap_ms(self) -> int:
        """The longest time in which one of the services answered nothing."""
        return max((round(gap * MILLISECONDS) for gap in self._gaps()), default=0)

    @property
    def longest_pause_ms(self) -> int:
        """The longest time in which no request was sent, for want of a processor: a gap of that length is ours."""
        times = sorted(each.sent for each in self.requests)
        return max((round((later - earlier) * MILLISECONDS) for earlier, later in pairwise(times)), default=0)

    def _gaps(self) -> Iterator[float]:
        for service in sorted({each.service for each in self.requests}):
            answers = sorted(each.ended for each in self.requests if each.service == service and not each.failure)
            times = [0.0, *answers, max(each.ended for each in self.requests)]
            yield from (later - earlier for earlier, later in pairwise(times))
