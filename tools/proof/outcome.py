"""What came of the scenarios, before and after: as a result for programs, a table for people, a sentence for both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from proof.record import Record
from testbed.tables import Table

COLUMNS = ("SCENARIO", "REQUESTS", "FAILED BEFORE", "FAILED AFTER", "LONGEST GAP BEFORE", "LONGEST GAP AFTER")

Figures = dict[str, str | int]
Prediction = dict[str, str]

AS_WRITTEN, REPAIRED = "as written", "repaired"
"""The states of the services, before and after their repair."""

PREDICTION_COLUMNS = ("drain of the last node", "predicted before it", "happened")


@dataclass(frozen=True, slots=True)
class Outcome:
    """A scenario as written and repaired."""

    name: str
    before: Record
    after: Record

    def figures(self) -> Figures:
        """Return what is kept of it; `requests` and `longestGapMs` are those after the repair."""
        records = (self.before, self.after)
        return {
            "name": self.name,
            "requests": len(self.after.requests),
            "failedBefore": len(self.before.failed),
            "failedAfter": len(self.after.failed),
            "longestGapMs": self.after.longest_gap_ms,
            "requestsBefore": len(self.before.requests),
            "longestGapBeforeMs": self.before.longest_gap_ms,
            "longestPauseMs": self.after.longest_pause_ms,
            "longestPauseBeforeMs": self.before.longest_pause_ms,
            "resentBefore": self.before.resent,
            "resentAfter": self.after.resent,
            "wrongPredictions": sum(each.drain is not None and each.drain.promised_too_much for each in records),
        }

    def predictions(self) -> list[Prediction]:
        """Return what was predicted of the drain of this scenario, and what happened, in each state."""
        states = {AS_WRITTEN: self.before.drain, REPAIRED: self.after.drain}
        return [
            {"state": state, "predicted": str(drain.predicted), "happened": str(drain.happened)}
            for state, drain in states.items()
            if drain
        ]


def predictions_markdown(predictions: Sequence[Prediction]) -> list[str]:
    """Return the predictions as lines of Markdown."""
    return Table(PREDICTION_COLUMNS, [tuple(each.values()) for each in predictions], numbers=False).markdown()


def rows(scenarios: Sequence[Figures]) -> list[tuple[str, ...]]:
    """Return the rows of the table, with a last one for all together."""
    return [*(_row(each) for each in scenarios), _row(_together(scenarios))]


def sentence(scenarios: Sequence[Figures]) -> str:
    """Return what it comes to."""
    all_of_them = _together(scenarios)
    return (
        f"Of {all_of_them['requestsBefore']:,} requests during deploys, scale-downs and node drains, "
        f"{all_of_them['failedBefore']:,} failed as the service was written; of {all_of_them['requests']:,} after its "
        f"repair, {all_of_them['failedAfter']:,} failed."
    )


def markdown(scenarios: Sequence[Figures]) -> list[str]:
    """Return the table as lines of Markdown."""
    return Table([each.lower() for each in COLUMNS], rows(scenarios)).markdown()


def _row(figures: Figures) -> tuple[str, ...]:
    counts = (figures[each] for each in ("requests", "failedBefore", "failedAfter"))
    gaps = (figures[each] for each in ("longestGapBeforeMs", "longestGapMs"))
    return (str(figures["name"]), *(f"{each:,}" for each in counts), *(f"{each:,} ms" for each in gaps))


def _together(scenarios: Sequence[Figures]) -> Figures:
    """Return sums, and of the gaps the longest."""
    names = [name for name in scenarios[0] if name != "name"]
    folds = {name: max if name.startswith("longest") else sum for name in names}
    return {"name": "together", **{name: folds[name](int(each[name]) for each in scenarios) for name in names}}
