"""What was compared: for the terminal, and for the page."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from drains.comparison import Compared, Kind
from testbed.tables import Table

MOST_SHARE = 0.02
"""How many of the statements may be wrong, where none is fatal."""

MOST_UNKNOWN = 0.05
"""How many of the nodes may be unknown: it is never wrong to say so, but of no use."""

COLUMNS = ("statement", "made", "wrong")
Row = tuple[str, int, int]


def rows(found: Sequence[Compared]) -> list[Row]:
    """Return each kind of statement, how many of it were made, and how many were wrong."""
    wrong = Counter(each.kind for one in found for each in one.differences)
    nodes, workloads = sum(each.nodes for each in found), sum(each.workloads for each in found)
    drained, dark = sum(each.drained for each in found), sum(each.said_dark for each in found)
    drains, unknown = sum(each.said_drains for each in found), sum(each.unknown for each in found)
    perhaps_dark, perhaps_pending = (
        sum(each.perhaps_dark for each in found),
        sum(each.perhaps_pending for each in found),
    )
    return [
        ("the node drains", drains, wrong[Kind.FALSE_DRAINS]),
        ("the node does not drain", nodes - drains - unknown, wrong[Kind.FALSE_BLOCK]),
        ("it is unknown whether the node drains", unknown, 0),
        ("these budgets, this rule, these flags prevent it", nodes - drained, wrong[Kind.BUDGET]),
        ("these pods are without a node afterwards", nodes, wrong[Kind.PENDING]),
        ("of these, chance decides which pods", perhaps_pending, 0),
        ("the workload always has a ready pod", workloads - dark - perhaps_dark, wrong[Kind.FALSE_LIGHT]),
        ("the workload is without a ready pod", dark, wrong[Kind.FALSE_DARK]),
        ("chance decides whether the workload is without a ready pod", perhaps_dark, 0),
    ]


def holds(found: Sequence[Compared]) -> bool:
    """Tell whether no prediction was fatally wrong, few were wrong at all, and few nodes were unknown."""
    wrong = Counter(each.kind for one in found for each in one.differences)
    nodes, workloads = sum(each.nodes for each in found), sum(each.workloads for each in found)
    unknown = sum(each.unknown for each in found)
    return (
        not any(wrong[kind] for kind in Kind if kind.fatal)
        and wrong.total() - wrong[Kind.UNKNOWN] <= MOST_SHARE * (nodes - unknown + workloads)
        and unknown <= MOST_UNKNOWN * nodes
    )


def printed(found: Sequence[Compared]) -> None:
    """Print the table, and below it each difference with what plays it again."""
    _table(found).show(notes=list(told(found)))


def told(found: Sequence[Compared]) -> Iterator[str]:
    """Yield each difference, and what plays it again."""
    for one in found:
        for each in one.differences:
            yield f"--seed {one.seed} --cluster {one.number}: {each.subject}: {each.kind}"
            yield f"  predicted: {each.predicted}"
            yield f"  happened:  {each.happened}"


def page_lines(found: Sequence[Compared]) -> Iterator[str]:
    """Yield the lines for the page."""
    pods, nodes = sum(each.pods for each in found), sum(each.nodes for each in found)
    seeds = ", ".join(str(each) for each in sorted({each.seed for each in found}))
    yield f"The last run: {len(found)} clusters of seed {seeds} with {pods:,} pods, and {nodes:,} drains of a node."
    yield ""
    yield from _table(found).markdown()


def _table(found: Sequence[Compared]) -> Table:
    return Table(COLUMNS, [(statement, f"{made:,}", _wrong(made, wrong)) for statement, made, wrong in rows(found)])


def _wrong(made: int, wrong: int) -> str:
    return f"{wrong} ({wrong / made:.1%})" if wrong and made else "none"
