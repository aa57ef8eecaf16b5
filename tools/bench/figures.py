"""What the benchmark found."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from bench.load import Load
from bench.operated import Operated
from testbed.tables import Table, megabytes

MOST_RATIO = 1.3
MOST_RSS_RATIO = 1.2
MOST_REST_SHARE = 0.01
MOST_LATE_SECONDS = 1.0
MOST_STATUS_KIB = 64
LISTING_INTERVAL_SECONDS = 900
"""How long the operator waits between full listings, unless told otherwise."""


Row = tuple[str, str, str]
"""What was measured, its value, and whether the aim was met."""


@dataclass(frozen=True, slots=True)
class Written:
    """What it took somebody else to write the same."""

    repair: Load
    change: Load


@dataclass(frozen=True, slots=True)
class Figures:
    """One run."""

    scale: int
    """How many Deployments."""
    size: int
    """How many workloads in all."""
    kubernetes: str
    """The version of the API server."""
    created_per_second: float
    """Workloads, by the client that made them; tells how fast the machine was in this run."""
    operated: Operated
    unjudged: Written
    """By a Kopf operator for which all is decided beforehand."""
    bare: Written
    """By a client that does nothing else."""
    idle_rss_bytes: int
    """The most memory that a Kopf operator held which watches the same and does nothing."""


def printed(figures: Figures) -> None:
    """Print the figures as a table on standard output."""
    rows = (*_of_the_run(figures), *_of_the_change(figures), *_of_the_rest(figures))
    Table(("MEASURED", "", "AIM"), rows).show()


def _row(what: str, value: str, aim: str = "") -> Row:
    return what, value, aim


def _of_the_run(figures: Figures) -> Iterator[Row]:
    operated, bare = figures.operated, figures.bare
    repair, unjudged = operated.repair, figures.unjudged.repair
    yield _row("machine", f"{len(os.sched_getaffinity(0))} cores")
    yield _row("Kubernetes, Python", f"{figures.kubernetes.removeprefix('v')}, {platform.python_version()}")
    yield _row("Deployments, and StatefulSets", f"{figures.scale}, {figures.size - figures.scale}")
    yield _row("created in a second", f"{figures.created_per_second:.0f}")
    yield _row("operator: ready after", f"{operated.ready_seconds:.1f} s")
    yield _row("operator: all repaired after", f"{repair.seconds:.1f} s")
    yield _row("the same writes by a bare client", f"{bare.repair.seconds:.1f} s")
    yield _aimed("ratio of the two", repair.seconds / bare.repair.seconds, most=MOST_RATIO)
    yield _row("the same ratio where nothing is judged", f"{unjudged.seconds / bare.repair.seconds:.2f}")
    yield _row("ratio of all CPU time used for them", f"{repair.load.ours / bare.repair.ours:.2f}")
    yield _row("other programs took meanwhile", _others(repair.load, unjudged, bare.repair))
    yield _row("operator: CPU time", f"{repair.cpu_seconds:.1f} s")
    yield _row("for each workload", f"{repair.cpu_seconds / figures.size * 1000:.1f} ms")
    yield _row("operator: requests", _counted(repair.requests))
    yield _row("of these without success", _counted(repair.failures) or "none")
    late = operated.late_seconds
    yield _aimed(
        f"{len(late)} changed meanwhile: repaired within", max(late, default=0), most=MOST_LATE_SECONDS, unit=" s"
    )


def _of_the_change(figures: Figures) -> Iterator[Row]:
    change, bare, kib = figures.operated.change, figures.bare.change, figures.operated.status_bytes / 1024
    unjudged = figures.unjudged.change
    yield _row("policy changed: all workloads repaired again after", f"{change.seconds:.1f} s")
    yield _row("the same writes by a bare client", f"{bare.seconds:.1f} s")
    yield _aimed("ratio of the two", change.seconds / bare.seconds, most=MOST_RATIO)
    yield _row("the same ratio where nothing is judged", f"{unjudged.seconds / bare.seconds:.2f}")
    yield _row("other programs took meanwhile", _others(change.load, unjudged, bare))
    yield _aimed("size of the status", kib, most=MOST_STATUS_KIB, digits=1, unit=" KiB")


def _of_the_rest(figures: Figures) -> Iterator[Row]:
    operated, rest, restarted = figures.operated, figures.operated.rest, figures.operated.restarted
    peak = operated.rss_peak_bytes
    yield _row("operator: peak memory", megabytes(peak))
    yield _row("the same of a Kopf operator that does nothing", megabytes(figures.idle_rss_bytes))
    yield _aimed("ratio of the two", peak / figures.idle_rss_bytes, most=MOST_RSS_RATIO)
    yield _aimed(f"at rest, {rest.seconds:.0f} s: writes", rest.writes, most=0, digits=0)
    yield _row("at rest: requests of any kind", f"{rest.requests.total()}")
    yield _aimed("at rest: CPU, of one core", operated.rest_share * 100, most=MOST_REST_SHARE * 100, unit="%")
    yield _row("restarted: ready after", f"{operated.restart_seconds:.1f} s")
    yield _aimed("restarted: writes", restarted.writes, most=0, digits=0)
    listing = operated.listing_cpu_seconds
    share = f"{listing:.1f} s, {listing / LISTING_INTERVAL_SECONDS:.1%} of a core"
    yield _row(f"a full listing, every {LISTING_INTERVAL_SECONDS // 60} minutes: CPU", share)


def _others(*loads: Load) -> str:
    return ", ".join(f"{each.others_share:.0%}" for each in loads)


def _aimed(what: str, value: float, *, most: float, digits: int = 2, unit: str = "") -> Row:
    verdict = "met" if value <= most else "missed"
    return _row(what, f"{value:.{digits}f}{unit}", f"at most {most:g}{unit}: {verdict}")


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
