"""`python -m bench.reports`: what it costs the operator to write a report for each workload while it repairs them."""

from __future__ import annotations

import argparse
import asyncio
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bench import workloads
from bench.field import Field, prepared
from bench.operated import Stretch, Watch
from bench.options import scaled
from control_plane.operator_process import OperatorProcess
from control_plane.patience import insist, unchanged
from control_plane.session import carry_out, say
from productionpolicy.reports import report_name
from reports.served import serve
from testbed.client import Client
from testbed.tables import Table, megabytes

LEAST_SECONDS = 60.0
SECONDS_PER_WORKLOAD = 0.3
QUIET_SECONDS = 15.0
"""After so long without a write, the operator has written everything."""


@dataclass(frozen=True, slots=True)
class Converged:
    """What it took until nothing was left to write."""

    repaired_seconds: float
    """From the start of the operator until the status told that everything is repaired."""
    all: Stretch
    """From the start of the operator until it had been quiet for some seconds."""
    rss_peak_bytes: int
    report_bytes: tuple[int, ...]
    """The size of each report."""

    @property
    def seconds(self) -> float:
        """From the start of the operator to its last write."""
        return self.all.seconds - QUIET_SECONDS


def _parser() -> argparse.ArgumentParser:
    told = "Measure the operator with reports and without: how long it writes, and its peak of memory."
    parser = scaled("bench.reports", told, scale=8334)
    parser.epilog = "Beside N Deployments there are N/5 StatefulSets, so that by default there are 10,000 workloads."
    return parser


def _run(folder: Path, options: argparse.Namespace) -> None:
    without = _converged(folder / "without", scale=options.scale, reports=False)
    _told(("without reports", without))
    written = _converged(folder / "with", scale=options.scale, reports=True)
    _told(("without reports", without), ("with reports", written))


def _converged(folder: Path, *, scale: int, reports: bool) -> Converged:
    """Let the operator repair everything on a fresh control plane."""
    with prepared(folder, scale=scale) as field:
        if reports:
            serve(field.plane)
        say(f"creating {field.size} workloads on a fresh API server")
        asyncio.run(field.seed())
        say(f"the operator repairs them, {'and writes a report of each' if reports else 'and writes no reports'}")
        patience = LEAST_SECONDS + field.size * SECONDS_PER_WORKLOAD
        with OperatorProcess(field.kubeconfig, log=field.plane.log("operator")) as operator:
            watch = Watch(field, operator)
            operator.wait_ready(timeout=patience)
            Client(field.plane).settled(workloads.POLICY, total=field.size, repaired=field.size, within=patience)
            repaired = watch.read().seconds
            unchanged(lambda: watch.read().writes, still_seconds=QUIET_SECONDS, within=patience)
            everything, peak = watch.read(), operator.rss_peak_bytes
            operator.stop()
        field.inspect(changes=1)
        return Converged(repaired, everything, peak, tuple(_report_bytes(field)) if reports else ())


def _report_bytes(field: Field) -> list[int]:
    """Return the size of the report of each workload.

    Raises:
        NeverHappened: a workload has none, or one that tells of a repair which has been made since.
    """
    reports = {each["metadata"]["name"]: each for each in Client(field.plane).all("report")}
    wanted = {report_name(each["metadata"]["uid"]) for each in field.workloads()}
    insist(set(reports) == wanted, f"{len(reports)} reports belong to {len(wanted & set(reports))} of {field.size}")
    rules = {result["rule"] for each in reports.values() for result in each.get("results", ())}
    insist("preStop" not in rules, "a report tells that the preStop hook is missing, although all have one")
    return [len(msgspec.json.encode(each)) for each in reports.values()]


def _told(*found: tuple[str, Converged]) -> None:
    columns = ("", "repaired after", "last write after", "CPU time", "writes", "peak of memory", "time of others")
    Table(columns, [(name, *_cells(each)) for name, each in found]).show(notes=[*_notes(*found)])


def _cells(found: Converged) -> tuple[str, ...]:
    return (
        f"{found.repaired_seconds:.0f} s",
        f"{found.seconds:.0f} s",
        f"{found.all.cpu_seconds:.0f} s",
        f"{found.all.writes:,}",
        megabytes(found.rss_peak_bytes),
        f"{found.all.load.others_share:.0%}",
    )


def _notes(*found: tuple[str, Converged]) -> list[str]:
    (_, without), *rest = found
    return [
        f"{name}: {each.seconds / without.seconds:.2f} times as long, "
        f"{each.rss_peak_bytes / without.rss_peak_bytes - 1:+.0%} of memory, "
        f"reports of {min(each.report_bytes):,} to {max(each.report_bytes):,} bytes"
        for name, each in rest
    ]


if __name__ == "__main__":
    carry_out(_parser(), _run)
