"""`python -m bench.idle`: a Kopf operator that watches the same kinds and does nothing. Its memory is the yardstick."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import kopf

from bench.field import Field
from bench.kopf_alone import registry
from bench.operated import LATE
from control_plane.installation import SYSTEM_NAMESPACE
from control_plane.operator_process import OperatorProcess
from productionpolicy.controller.connection import Connection
from productionpolicy.controller.probes import Probes
from productionpolicy.controller.resources import WORKLOADS, Resource
from productionpolicy.kube.workloads import Kind

PROGRAM = ("-m", "bench.idle")
LEAST_SECONDS = 60.0
SECONDS_PER_WORKLOAD = 0.05


def peak(field: Field) -> int:
    """Let it learn of all Deployments, and return the most memory that it held, in bytes.

    Raises:
        OperatorFailed: it did not come to know them in time.
    """
    log = field.plane.log("idle")
    program = (sys.executable, *PROGRAM, f"--deployments={field.scale + LATE}")
    with OperatorProcess(field.kubeconfig, log=log, program=program) as process:
        process.wait_ready(timeout=max(LEAST_SECONDS, field.scale * SECONDS_PER_WORKLOAD))
        process.stop()
        return process.rss_peak_bytes


class Seen:
    """The Deployments that it has been told of."""

    def __init__(self, wanted: int) -> None:
        self._wanted = wanted
        self._names: set[tuple[str, str]] = set()

    def note(self, resource: Resource, raw: Mapping[str, Any], *, deleted: bool = False) -> None:  # noqa: ARG002  # the form of what the handlers call
        """Do nothing but count."""
        metadata = raw["metadata"]
        if resource is WORKLOADS[Kind.DEPLOYMENT] and metadata["namespace"] != SYSTEM_NAMESPACE:
            self._names.add((metadata["namespace"], metadata["name"]))

    def missing(self) -> str | None:
        """Say how many are missing; None if none is."""
        missing = self._wanted - len(self._names)
        return f"{missing} Deployments are missing" if missing > 0 else None


async def _watch(options: argparse.Namespace) -> None:
    connection, seen = await Connection.load(options.kubeconfig), Seen(options.deployments)
    host, _, port = options.probes_address.rpartition(":")
    settings = kopf.OperatorSettings()
    settings.posting.enabled = False
    async with Probes(host, int(port), alive=lambda: None, ready=seen.missing):
        handlers = registry(connection, seen.note)
        await kopf.operator(registry=handlers, settings=settings, clusterwide=True, standalone=True)


def main() -> None:
    """Run until somebody ends it."""
    parser = argparse.ArgumentParser(prog="python -m bench.idle", description="Watch, and do nothing.")
    parser.add_argument("--deployments", type=int, required=True, help="how many there are")
    parser.add_argument("--kubeconfig", type=Path, required=True)
    parser.add_argument("--log-format")
    parser.add_argument("--probes-address", required=True, metavar="HOST:PORT")
    logging.basicConfig(level=logging.WARNING)
    asyncio.run(_watch(parser.parse_args()))


if __name__ == "__main__":
    main()
