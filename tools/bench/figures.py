"""What the benchmark found, for people and for machines."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import msgspec

from bench.load import Load
from bench.operated import Operated
from testbed.tables import Table

MOST_RATIO = 1.3
MOST_RSS_RATIO = 1.2
MOST_REST_SHARE = 0.01
MOST_LATE_SECONDS = 1.0
MOST_STATUS_KIB = 64
LISTING_INTERVAL_SECONDS = 900
"""How long the operator waits between full listings, unless told otherwise."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Where it was measured."""

    cores: int
    python: str
    kubernetes: str


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
    machine: Machine
    created_per_second: float
    """Workloads, by the client that made them; tells how fast the machine was in this run."""
    operated: Operated
    unjudged: Written
    """By a Kopf operator for which all is decided beforehand."""
    bare: Written
    """By a client that does nothing else."""
    idle_rss_bytes: int
    """The most memory that a Kopf operator held which watches the same and does nothing."""

    @property
    def ratio(self) -> float:
        """How much longer the operator takes than its writes alone."""
        return self.operated.repair.seconds / self.bare.repair.seconds

    @property
    def ratio_unjudged(self) -> float:
        """The same of Kopf and the client of Kubernetes, for which all is decided beforehand."""
        return self.unjudged.repair.seconds / self.bare.repair.seconds

    @property
    def work_ratio(self) -> float:
        """The same of CPU time, that of the API server and its store included; others disturb it less."""
        return self.operated.repair.load.ours / self.bare.repair.ours

    @property
    def change_ratio(self) -> float:
        """How much longer a change of the policy takes than its writes alone."""
        return self.operated.change.seconds / self.bare.change.seconds

    @property
    def change_ratio_unjudged(self) -> float:
        """The same where all is decided beforehand."""
        return self.unjudged.change.seconds / self.bare.change.seconds

    @property
    def rest_share(self) -> float:
        """What share of a core the operator takes at rest."""
        return self.operated.rest_share

    @property
    def rss_peak_mb(self) -> float:
        """The most memory the operator held, in 10^6 bytes."""
        return self.operated.rss_peak_bytes / 1e6

    @property
    def rss_ratio(self) -> float:
        """How much more memory the operator holds than Kopf alone."""
        return self.operated.rss_peak_bytes / self.idle_rss_bytes

    def document(self) -> bytes:
        """Return all figures as JSON."""
        names = (
            "ratio",
            "ratio_unjudged",
            "work_ratio",
            "change_ratio",
            "change_ratio_unjudged",
            "rest_share",
            "rss_peak_mb",
            "rss_ratio",
        )
        derived = {name: getattr(self, name) for name in names}
        return msgspec.json.format(msgspec.json.encode({**msgspec.to_builtins(self), **derived}))


def printed(figures: Figures) -> None:
    """Print the figures as a table on standard output."""
    rows = (*_of_the_run(figures), *_of_the_change(figures), *_of_the_rest(figures))
    Table(("MEASURED", "", "AIM"), [(row.what, row.value, row.aim) for row in rows]).show()


@dataclass(frozen=True, slots=True)
class _Row:
    what: str
    value: str
    aim: str = ""


def _of_the_run(figures: Figures) -> Iterator[_Row]:
    operated, bare, machine = figures.operated, figures.bare, figures.machine
    repair = operated.repair
    yield _Row("machine", f"{machine.cores} cores")
    yield _Row("Kubernetes, Python", f"{machine.kubernetes.removeprefix('v')}, {machine.python}")
    yield _Row("Deployments, and StatefulSets", f"{figures.scale}, {figures.size - figures.scale}")
    yield _Row("created in a second", f"{figures.created_per_second:.0f}")
    yield _Row("operator: ready after", f"{operated.ready_seconds:.1f} s")
    yield _Row("operator: all repaired after", f"{repair.seconds:.1f} s")
    yield _Row("the same writes by a bare client", f"{bare.repair.seconds:.1f} s")
    yield _aimed("ratio of the two", figures.ratio, most=MOST_RATIO)
    yield _Row("the same ratio where nothing is judged", f"{figures.ratio_unjudged:.2f}")
    yield _Row("ratio of all CPU time used for them", f"{figures.work_ratio:.2f}")
    yield _Row("other programs took meanwhile", _others(repair.load, figures.unjudged.repair, bare.repair))
    yield _Row("operator: CPU time", f"{repair.cpu_seconds:.1f} s")
    yield _Row("for each workload", f"{repair.cpu_seconds / figures.size * 1000:.1f} ms")
    yield _Row("operator: requests", _counted(repair.requests))
    yield _Row("of these without success", _counted(repair.failures) or "none")
    late = operated.late_seconds
    yield _aimed(
        f"{len(late)} changed meanwhile: repaired within", max(late, default=0), most=MOST_LATE_SECONDS, unit=" s"
    )


def _of_the_change(figures: Figures) -> Iterator[_Row]:
    change, bare, kib = figures.operated.change, figures.bare.change, figures.operated.status_bytes / 1024
    yield _Row("the policy changed: all repaired anew after", f"{change.seconds:.1f} s")
    yield _Row("the same writes by a bare client", f"{bare.seconds:.1f} s")
    yield _aimed("ratio of the two", figures.change_ratio, most=MOST_RATIO)
    yield _Row("the same ratio where nothing is judged", f"{figures.change_ratio_unjudged:.2f}")
    yield _Row("other programs took meanwhile", _others(change.load, figures.unjudged.change, bare))
    yield _aimed("size of the status", kib, most=MOST_STATUS_KIB, digits=1, unit=" KiB")


def _of_the_rest(figures: Figures) -> Iterator[_Row]:
    operated, rest, restarted = figures.operated, figures.operated.rest, figures.operated.restarted
    yield _Row("operator: peak memory", f"{figures.rss_peak_mb:.0f} MB")
    yield _Row("the same of a Kopf operator that does nothing", f"{figures.idle_rss_bytes / 1e6:.0f} MB")
    yield _aimed("ratio of the two", figures.rss_ratio, most=MOST_RSS_RATIO)
    yield _aimed(f"at rest, {rest.seconds:.0f} s: writes", rest.writes, most=0, digits=0)
    yield _Row("at rest: requests of any kind", f"{rest.requests.total()}")
    yield _aimed("at rest: CPU, of one core", figures.rest_share * 100, most=MOST_REST_SHARE * 100, unit="%")
    yield _Row("started anew: ready after", f"{operated.restart_seconds:.1f} s")
    yield _aimed("started anew: writes", restarted.writes, most=0, digits=0)
    listing = operated.listing_cpu_seconds
    share = f"{listing:.1f} s, {listing / LISTING_INTERVAL_SECONDS:.1%} of a core"
    yield _Row(f"a full listing, every {LISTING_INTERVAL_SECONDS // 60} minutes: CPU", share)


def _others(*loads: Load) -> str:
    return ", ".join(f"{each.others_share:.0%}" for each in loads)


def _aimed(what: str, value: float, *, most: float, digits: int = 2, unit: str = "") -> _Row:
    verdict = "met" if value <= most else "missed"
    return _Row(what, f"{value:.{digits}f}{unit}", f"at most {most:g}{unit}: {verdict}")


def _counted(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
