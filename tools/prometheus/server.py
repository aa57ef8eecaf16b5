"""A Prometheus server that scrapes one target on this machine."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml

from control_plane import probe
from control_plane.patience import eventually
from control_plane.plane import RequestFailed
from control_plane.ports import LOOPBACK, free_ports
from control_plane.process import Guard, Process
from prometheus.programs import SERVER

START_SECONDS = 60.0


class QueryFailed(RequestFailed):
    """Prometheus did not answer a query; the message names it."""


@dataclass(frozen=True, slots=True)
class Server:
    """A running Prometheus server."""

    port: int

    def latest(self, expression: str, *, time: float) -> list[dict[str, Any]]:
        """Return the result of an expression at a time, in seconds."""
        return self._result("query", query=expression, time=time)

    def graph(self, expression: str, *, start: float, end: float, step: float) -> list[dict[str, Any]]:
        """Return the results of an expression between two times, every `step` seconds."""
        return self._result("query_range", query=expression, start=start, end=end, step=step)

    def metrics(self) -> set[str]:
        """Return the names of all metrics."""
        return set(self._get("label/__name__/values"))

    def _result(self, path: str, **parameters: Any) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._get(f"{path}?{urlencode(parameters)}")["result"]
        return found

    def _get(self, path: str) -> Any:
        answer = probe.body(self.port, f"/api/v1/{path}")
        if answer is None:
            raise QueryFailed(f"Prometheus does not answer /api/v1/{path}")
        return json.loads(answer)["data"]


@contextmanager
def running(folder: Path, *, target: int, job: str, every: int) -> Iterator[Server]:
    """Run a server until the end of the block.

    Args:
        folder: takes its data, its configuration and its log.
        target: the port to scrape.
        job: the label `job` of the target.
        every: seconds between two scrapes.

    Raises:
        BuildFailed: the server is not built, and cannot be.
        NeverHappened: it does not become ready.
    """
    program, (port,) = SERVER.ensure(), free_ports(1)
    scrapes = [{"job_name": job, "static_configs": [{"targets": [f"{LOOPBACK}:{target}"]}]}]
    configuration = folder / "prometheus.yaml"
    configuration.write_text(yaml.safe_dump({"global": {"scrape_interval": f"{every}s"}, "scrape_configs": scrapes}))
    command = [
        str(program),
        f"--config.file={configuration}",
        f"--storage.tsdb.path={folder / 'prometheus'}",
        f"--web.listen-address={LOOPBACK}:{port}",
    ]
    guard = Guard.post()
    try:
        process = Process.spawn(command, log=folder / "prometheus.log", guard=guard)
        eventually(
            lambda: probe.body(port, "/-/ready") is not None,
            within=START_SECONDS,
            otherwise=f"Prometheus did not become ready: {process.log}",
        )
        yield Server(port)
    finally:
        guard.dismiss()
