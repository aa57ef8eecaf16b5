"""Text for people: one line a node, workloads that go dark, the first blocker, and the same after the repairs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TextIO

from rich.console import Console
from rich.text import Text

from productionpolicy.cli.drains.told import (
    Part,
    Told,
    dark_of,
    delayed_of,
    first_blocker,
    jobs_of,
    nodes_of,
    pending_of,
)
from productionpolicy.cli.formats.text import console_on
from productionpolicy.drain import DECIDING, Blocker, Dark, NodeOutcome, PendingPod, Result
from productionpolicy.kube.text import printable
from productionpolicy.page.part import counted

_COLORS = {
    Result.DRAINS: "green",
    Result.BLOCKED: "red",
    Result.STUCK: "red",
    Result.REFUSED: "red",
    Result.UNKNOWN: "yellow",
    Result.LOST: "bold",
}
_SHOWN = 20
"""So many workloads and pods are listed."""
DELAYED = "pods that wait until drained nodes are back"
"""The heading for pods that have no node for a while, but one in the end."""


def write(told: Told, out: TextIO) -> None:
    """Write the report as text."""
    console = console_on(out)
    for part in told.now:
        _write_part(part, console)
    _write_dark(told.now, console)
    _write_pending(told.now, console)
    _write_lost_work(told.now, console)
    _write_unread(told.now, console)
    _write_first_blocker(told.now, console)
    console.print(Text(_total(told.now)))
    if told.repaired is not None:
        _write_difference(told, told.repaired, console)


def _write_part(part: Part, console: Console) -> None:
    outcome = part.outcome
    if part.title:
        dark = f"{counted(len(outcome.dark), 'workload')} without a ready pod"
        dark = dark if outcome.dark else "every workload keeps a ready pod"
        pods = counted(sum(len(each.steps) for each in outcome.nodes), "pod")
        console.print(
            Text.assemble(
                (part.title, "bold"), f"  fails, stopped: {pods}, ", (dark, "red" if outcome.dark else "green")
            )
        )
        return
    for node in outcome.nodes:
        console.print(Text.assemble((node.node, "bold"), "  ", (node.result.value, _COLORS[node.result]), _rest(node)))


def _rest(node: NodeOutcome) -> str:
    match node.result:
        case Result.DRAINS:
            return f" in {counted(len(node.steps), 'step')}{but_returned(node)}{_but_pending(node)}"
        case Result.BLOCKED | Result.STUCK | Result.REFUSED:
            blocker = node.blockers[0]
            by = (
                f" by the budget {', '.join(blocker.budgets)}"
                if node.result is Result.BLOCKED and blocker.budgets
                else ""
            )
            more = f" (and {counted(len(node.blockers) - 1, 'more pod')})" if len(node.blockers) > 1 else ""
            return printable(f"{by}: pod {blocker.pod} of {blocker.workload}: {blocker.reason}{more}")
        case _:
            reasons = node.unknown or tuple(each.reason for each in node.blockers)
            more = f" (and {len(reasons) - 1} more)" if len(reasons) > 1 else ""
            return printable(f": {reasons[0]}{more}") if reasons else ""


def but_returned(node: NodeOutcome) -> str:
    """Return what follows the result of a drained node that is not empty."""
    if node.returned == 1:
        return ", but 1 pod comes back to it, because it tolerates the cordon"
    return f", but {node.returned:,} pods come back to it, because they tolerate the cordon" if node.returned else ""


def _but_pending(node: NodeOutcome) -> str:
    new = [each.certain for each in node.pending if not each.before]
    if not new:
        return ""
    most = "" if all(new) else "up to "
    return f", after which {most}{counted(len(new), 'pod')} would wait for a node"


def _write_dark(parts: tuple[Part, ...], console: Console) -> None:
    dark = dark_of(parts)
    if not dark:
        return
    console.print(Text("\nworkloads that would have no ready pod:", style="bold"))
    for (title, _), each in list(dark.items())[:_SHOWN]:
        console.print(Text(printable(f"  {each.workload}  {lasting(title, each)}{by_chance(each)}")))
    _write_more(len(dark), console)


def lasting(title: str, dark: Dark) -> str:
    """Return how long a workload has no ready pod, in drains or if `title` fails."""
    if title:
        return f"if {title} fails, until {'it is back' if dark.lasts else 'others replace its pods'}"
    return f"for {counted(dark.steps, 'step')}, from step {dark.first}{', and to the end' if dark.lasts else ''}"


def by_chance(found: Blocker | Dark | PendingPod) -> str:
    """Return what follows a statement that is not certain."""
    return "" if found.certain else f" (may happen: {DECIDING})"


def _write_more(number: int, console: Console) -> None:
    if number > _SHOWN:
        console.print(Text(f"  and {number - _SHOWN} more"))


def _write_pending(parts: tuple[Part, ...], console: Console) -> None:
    _write_waiting("pods that would fit nowhere", pending_of(parts), console)
    _write_waiting(DELAYED, [("", each) for each in delayed_of(parts)], console)


def _write_waiting(heading: str, pods: Sequence[tuple[str, PendingPod]], console: Console) -> None:
    if not pods:
        return
    console.print(Text(f"\n{heading}:", style="bold"))
    for title, each in pods[:_SHOWN]:
        when = f"  if {title} fails" if title else ""
        console.print(Text(printable(f"  {each.pod} of {each.workload}{when}{by_chance(each)}: {each.reason}")))
    _write_more(len(pods), console)


def _write_lost_work(parts: tuple[Part, ...], console: Console) -> None:
    jobs = jobs_of(parts)
    if jobs:
        console.print(Text("\nJobs that lose their work:", style="bold"))
        for name, fate in list(jobs.items())[:_SHOWN]:
            console.print(Text(printable(f"  {name}  {fate}".rstrip())))
        _write_more(len(jobs), console)


def _write_unread(parts: tuple[Part, ...], console: Console) -> None:
    unread = list(dict.fromkeys(each for part in parts for each in part.outcome.unread))
    if unread:
        console.print(Text("\nnot everything could be seen:", style="bold yellow"))
        for each in unread:
            console.print(Text(printable(f"  {each}")))


def _write_first_blocker(parts: tuple[Part, ...], console: Console) -> None:
    found = first_blocker(parts)
    if found is None:
        return
    node, blocker = found
    console.print()
    console.print(Text(printable(f"first blocker: {blocker.pod} of {blocker.workload} on {node}: {blocker.reason}")))
    console.print(Text.assemble("  ", ("remedy: ", "green"), printable(blocker.remedy)))


def _total(parts: tuple[Part, ...]) -> str:
    results = Counter(node.result for node in nodes_of(parts))
    counts = {
        "nodes": results.total(),
        **{str(each): results[each] for each in Result if results[each]},
        "workloads without a ready pod": len({name for _, name in dark_of(parts)}),
        "pods that fit nowhere": len({each.pod for _, each in pending_of(parts)}),
    }
    delayed = len(delayed_of(parts))
    counts |= {DELAYED: delayed} if delayed else {}
    return "\n" + ", ".join(f"{name}: {count}" for name, count in counts.items())


def _write_difference(told: Told, repaired: tuple[Part, ...], console: Console) -> None:
    console.print(Text(f"\nafter the repairs of the policy (workloads: {told.repairs}):", style="bold"))
    changes = list(_changes(told.now, repaired))
    for each in changes[:_SHOWN]:
        console.print(Text(printable(f"  {each}")))
    _write_more(len(changes), console)
    if not changes:
        console.print(Text("  nothing changes"))
    console.print(Text(_total(repaired).strip()))


def _changes(now: tuple[Part, ...], repaired: tuple[Part, ...]) -> Iterator[str]:
    for before, after in zip(nodes_of(now), nodes_of(repaired), strict=True):
        if before.result is not after.result:
            yield f"{after.node}  {after.result}{_rest(after)} (before: {before.result})"
    dark, still = dark_of(now), dark_of(repaired)
    for title, name in sorted(dark.keys() | still.keys()):
        where = f" if {title} fails" if title else ""
        if (title, name) not in still:
            yield f"{name}  keeps a ready pod{where}"
        elif (title, name) not in dark:
            yield f"{name}  would have no ready pod{where}: {lasting(title, still[title, name])}"
