"""A page for people who read no terminal: nodes and steps, before and after the repairs of the policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import zip_longest
from typing import TextIO

from productionpolicy.cli.drains.text import DELAYED, but_returned, by_chance, lasting
from productionpolicy.cli.drains.timeline import RULES, fate_of, lane_of, legend, row_of
from productionpolicy.cli.drains.told import Part as Run
from productionpolicy.cli.drains.told import Told, dark_of, delayed_of, jobs_of, nodes_of, pending_of, some
from productionpolicy.drain import Blocker, Dark, NodeOutcome, PendingPod, Result, Step
from productionpolicy.page import Element, Node, document, tag
from productionpolicy.page.part import Part, counted, part
from productionpolicy.page.parts import ASIDE, NUMBER, contents, facts, figures, fold, mark, number, table

MOST_BYTES = 2_900_000
"""What a page may take before it leaves out the evictions."""
MOST_EVICTIONS = 5_000
"""Of more evictions, a page shows the rows only."""
MOST_ROWS = 400
"""So many rows of a table are shown."""

_KINDS = {Result.DRAINS: "fix", Result.UNKNOWN: "new", Result.LOST: "new"}
_AFTER = "after the repairs"


def write(told: Told, out: TextIO) -> None:
    """Write the page."""
    out.write(page(told))


def page(told: Told) -> str:
    """Return the page. It lists the evictions if that keeps it small."""
    if sum(len(node.steps) for node in nodes_of(told.now)) <= MOST_EVICTIONS:
        whole = _page(told, evictions=True)
        if len(whole.encode()) <= MOST_BYTES:
            return whole
    return _page(told, evictions=False)


def _page(told: Told, *, evictions: bool) -> str:
    parts = [each for each in _parts(told, evictions=evictions) if each is not None]
    head = tag("header", *_head(told), contents({each.name: each.title for each in parts}))
    foot = tag("footer", "Nothing was changed in the cluster. ", tag("code", "productionpolicy drain"), " only reads.")
    title = f"{_verdict(told.now)} {told.origin.name}"
    return document(title, head, tag("main", *(each.element for each in parts)), foot, rules=RULES)


def _fails(told: Told) -> bool:
    return any(each.title for each in told.now)


def _head(told: Told) -> Iterator[Element]:
    event = "fail" if _fails(told) else "are drained"
    yield tag("h1", f"What happens if nodes of {told.origin.name} {event}")
    after = f" After the repairs of the policy: {_verdict(told.repaired)}" if told.repaired is not None else ""
    yield tag("p", tag("strong", _verdict(told.now)), after, class_="lead")
    yield facts(told.origin.facts)
    yield figures(_figures(told))


def _verdict(parts: tuple[Run, ...]) -> str:
    """Return the outcome in a sentence."""
    dark, pending = len({name for _, name in dark_of(parts)}), len(pending_of(parts))
    kept = f"{counted(dark, 'workload') if dark else 'no workload'} would be without a ready pod"
    lost = f"{counted(pending, 'pod') if pending else 'no pod'} would fit nowhere"
    if any(each.title for each in parts):
        return f"{kept[0].upper()}{kept[1:]}, and {lost}."
    nodes = list(nodes_of(parts))
    drained = sum(each.result is Result.DRAINS for each in nodes)
    verb = "drains" if len(nodes) == 1 else "drain"
    delayed = len(delayed_of(parts))
    late = f" {counted(delayed, 'pod')} would wait until drained nodes are back." if delayed else ""
    return f"{drained:,} of {counted(len(nodes), 'node')} {verb}, {kept}, and {lost}.{late}"


def _figures(told: Told) -> Iterator[tuple[str, str, str]]:
    """Yield the counts, each with what it is after the repairs if that differs."""
    after = [None] * 9 if told.repaired is None else [count for _, count, _ in _counts(told.repaired)]
    for (name, count, bad), then in zip_longest(_counts(told.now), after[: len(list(_counts(told.now)))]):
        changes = f" \N{RIGHTWARDS ARROW} {then:,}" if then not in (None, count) else ""
        yield name, f"{count:,}{changes}", "bad" if bad and count else ""


def _counts(parts: tuple[Run, ...]) -> Iterator[tuple[str, int, bool]]:
    results = Counter(node.result for node in nodes_of(parts))
    if any(each.title for each in parts):
        yield "failures", len(parts), False
    else:
        yield "nodes", results.total(), False
        yield "drain", results[Result.DRAINS], False
        yield "do not drain", sum(results[each] for each in (Result.BLOCKED, Result.STUCK, Result.REFUSED)), True
        yield "unknown", results[Result.UNKNOWN], False
    yield "workloads without a ready pod", len({name for _, name in dark_of(parts)}), True
    yield "pods that fit nowhere", len(pending_of(parts)), True
    if not any(each.title for each in parts):
        yield DELAYED, len(delayed_of(parts)), False


def _parts(told: Told, *, evictions: bool) -> Iterator[Part | None]:
    yield _failures(told) if _fails(told) else _nodes(told)
    yield _obstacles(told)
    yield _dark(told)
    yield _pending("pending", "Pods that fit nowhere", pending_of(told.now))
    yield _pending("delayed", DELAYED.capitalize(), [("", each) for each in delayed_of(told.now)])
    yield _jobs(told)
    yield _unknown(told)
    yield _evictions(told) if evictions else None


def _nodes(told: Told) -> Part:
    """Return a row for each node: what becomes of it, and its evictions."""
    now, after = list(nodes_of(told.now)), list(nodes_of(told.repaired or ()))
    longest = max((len(each.steps) for each in (*now, *after)), default=0)
    columns = {"Node": "", "Result": "", "Steps": NUMBER, "Evictions": ""}
    if after:
        columns |= {_AFTER.capitalize(): "", "Evictions then": ""}
    rows = []
    for each, then in zip_longest(now, after):
        cells: list[Node] = [each.node, _result(each), number(len(each.steps)), row_of(each, longest=longest)]
        rows.append([*cells, *([_result(then), row_of(then, longest=longest)] if then else [])])
    note = "a row is a node, a cell an eviction, a gap a wait until successors are ready"
    return part("nodes", "Nodes and steps", legend(), table(columns, rows, name="Nodes and steps"), note=note)


def _result(node: NodeOutcome) -> Element:
    return tag("span", mark(node.result.value, _KINDS.get(node.result, "bad")), but_returned(node))


def _failures(told: Told) -> Part:
    columns = {"Failure": "", "Pods that stop": NUMBER, "No ready pod": NUMBER, "No node": NUMBER}
    columns |= {"No ready pod then": NUMBER, "No node then": NUMBER} if told.repaired is not None else {}
    rows = []
    for now, after in zip_longest(told.now, told.repaired or ()):
        stopped = sum(len(each.steps) for each in now.outcome.nodes)
        rows.append([now.title, number(stopped), *_losses(now), *(_losses(after) if after else ())])
    then = f"; then: {_AFTER}" if told.repaired is not None else ""
    note = f"each on its own, with the workloads without a ready pod and the pods without a node{then}"
    return part("failures", "Failures", table(columns, rows, name="Failures"), note=note)


def _losses(run: Run) -> list[Node]:
    return [number(len(run.outcome.dark), "bad"), number(len(pending_of((run,))), "bad")]


def _obstacles(told: Told) -> Part | None:
    """Return what keeps nodes from being drained, for each workload."""
    found: dict[tuple[str, tuple[str, ...]], list[tuple[str, Blocker]]] = {}
    for node in nodes_of(told.now):
        for each in node.blockers:
            found.setdefault((str(each.workload), each.budgets), []).append((node.node, each))
    columns = {"Workload": "", "Pods that would stay": "", "Reason": "", "Remedy": ""}
    rows = [
        [workload, _where(those), f"{those[0][1].reason}{by_chance(those[0][1])}", those[0][1].remedy]
        for (workload, _), those in found.items()
    ]
    return _listed("blockers", "What prevents drains", columns, rows)


def _where(those: Sequence[tuple[str, Blocker]]) -> str:
    return f"{counted(len(those), 'pod')} on {some(list(dict.fromkeys(node for node, _ in those)))}"


def _dark(told: Told) -> Part | None:
    """Return the workloads that have no ready pod at some time, and when."""
    dark, then = dark_of(told.now), dark_of(told.repaired or ())
    steps = max((step.number for node in nodes_of(told.now) for step in node.steps), default=1)
    columns = {"Workload": "", "Without a ready pod": ""}
    columns |= {} if _fails(told) else {"Steps of the whole drain": ASIDE}
    columns |= {_AFTER.capitalize(): ""} if told.repaired is not None else {}
    rows = []
    for (title, name), each in sorted({**then, **dark}.items(), key=lambda found: (found[0] not in dark, found[0])):
        now = dark.get((title, name))
        cells: list[Node] = [name, _when(title, now)]
        cells += [] if _fails(told) else [lane_of(each, steps=steps) if now else None]
        rows.append([*cells, *([_when(title, then.get((title, name)))] if told.repaired is not None else [])])
    return _listed("dark", "Workloads without a ready pod", columns, rows)


def _when(title: str, dark: Dark | None) -> Node:
    return mark("keeps a ready pod", "fix") if dark is None else f"{lasting(title, dark)}{by_chance(dark)}"


def _pending(name: str, heading: str, pods: Sequence[tuple[str, PendingPod]]) -> Part | None:
    """Return the workloads with pods that have no node."""
    found: dict[tuple[str, str], list[PendingPod]] = {}
    for title, each in pods:
        found.setdefault((title, str(each.workload)), []).append(each)
    columns = {"Workload": "", "Pods": NUMBER, "Reason": ""}
    rows: list[Sequence[Node]] = [
        [f"{workload}{f', if {title} fails' if title else ''}", number(len(those)), _why(those)]
        for (title, workload), those in found.items()
    ]
    return _listed(name, heading, columns, rows)


def _why(those: Sequence[PendingPod]) -> str:
    unsure = next((each for each in those if not each.certain), those[0])
    return f"{those[0].reason}{by_chance(unsure)}"


def _jobs(told: Told) -> Part | None:
    jobs = jobs_of(told.now)
    return _listed("jobs", "Jobs that lose their work", {"Job": "", "Then": ""}, [[*each] for each in jobs.items()])


def _unknown(told: Told) -> Part | None:
    """Return what decides results and is not known."""
    rows: list[Sequence[Node]] = [[each, "everything"] for run in told.now for each in run.outcome.unread]
    seen = {each for run in told.now for each in run.outcome.unread}
    reasons: dict[str, list[str]] = {}
    for node in nodes_of(told.now):
        for reason in node.unknown:
            reasons.setdefault(reason, []).append(node.node)
    rows += [[reason, some(names)] for reason, names in reasons.items() if reason not in seen]
    return _listed(
        "unknown", "What is not known", {"What": "", "Nodes": ""}, list({str(each): each for each in rows}.values())
    )


def _evictions(told: Told) -> Part | None:
    nodes = [each for each in nodes_of(told.now) if each.steps]
    title, word = ("Pods that stop", "pod") if _fails(told) else ("Evictions", "eviction")
    folds = (fold((tag("b", each.node), f": {counted(len(each.steps), word)}"), _steps(each)) for each in nodes)
    return part("evictions", title, tag("div", *folds, class_="rows")) if nodes else None


def _steps(node: NodeOutcome) -> Element:
    columns = {"Pod": "", "Workload": "", "Step": NUMBER, "Round": NUMBER, "Successor": ""}
    rows = [[each.pod, str(each.workload), f"{each.number}", f"{each.round}", _fate(each)] for each in node.steps]
    return table(columns, rows, name=f"Pods of {node.node}")


def _fate(step: Step) -> str:
    words = fate_of(step).words
    return f"{step.successor} on {step.to}{'' if step.ready else ': it does not become ready'}" if step.to else words


def _listed(name: str, title: str, columns: Mapping[str, str], rows: Sequence[Sequence[Node]]) -> Part | None:
    """Return a part with a table of the first rows; None without any."""
    if not rows:
        return None
    left = len(rows) - MOST_ROWS
    more = tag("p", f"And {left:,} more, which -o json lists.", class_="dim") if left > 0 else None
    return part(name, title, table(columns, rows[:MOST_ROWS], name=title), more, note=f"{len(rows):,}")
