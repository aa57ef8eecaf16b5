"""`python -m monitoring`: record a real operator with a real Prometheus, and draw the dashboard into docs/pictures/."""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path

from control_plane import probe, session
from control_plane.installation import REPOSITORY, install
from control_plane.operator_process import OperatorProcess
from control_plane.patience import insist, repeating
from control_plane.plane import ControlPlane
from monitoring.dashboard import text
from monitoring.drawing import Times, drawn
from monitoring.grafana import Json
from monitoring.queries import Series, metrics, read, substituted, variables
from monitoring.story import Story
from prometheus import server
from prometheus.programs import SERVER
from testbed.client import Client

PICTURE = REPOSITORY / "docs" / "pictures" / "dashboard.svg"
SCRAPE_SECONDS = 2
STEP_SECONDS = 2
PROBE_SECONDS = 10
JOB = "productionpolicy"


def _draw(folder: Path, _options: argparse.Namespace) -> None:
    dashboard = json.loads(text())
    SERVER.ensure()
    with (
        ControlPlane.start(folder / "plane") as plane,
        OperatorProcess(install(plane), log=plane.log("operator")) as operator,
        # As a kubelet does: the operator measures the silence of its watches then.
        repeating(lambda: probe.body(operator.port, "/readyz"), seconds=PROBE_SECONDS),
        server.running(folder, target=operator.port, job=JOB, every=SCRAPE_SECONDS) as prometheus,
    ):
        operator.wait_ready()
        start = time.time()
        Story(Client(plane), prometheus).play()
        times = Times(start, time.time(), STEP_SECONDS)
        series = {each["id"]: _series(each, dashboard, prometheus, times) for each in _panels(dashboard)}
        _insist(dashboard, series, exported=prometheus.metrics())
    PICTURE.write_text(drawn(dashboard, series, times))
    session.say(f"written: {PICTURE.relative_to(REPOSITORY)}")


def _panels(dashboard: Json) -> list[Json]:
    return [each for each in dashboard["panels"] if each["type"] != "row"]


def _series(panel: Json, dashboard: Json, prometheus: server.Server, times: Times) -> list[Series]:
    values = variables(dashboard, step=STEP_SECONDS, scrape=SCRAPE_SECONDS)
    found = []
    for target in panel["targets"]:
        expression = substituted(target["expr"], values)
        if target["range"]:
            result = prometheus.graph(expression, start=times.start, end=times.end, step=times.step)
        else:
            result = prometheus.latest(expression, time=times.end)
        found += read(result, legend=target["legendFormat"])
    return found


def _insist(dashboard: Json, series: dict[int, list[Series]], *, exported: set[str]) -> None:
    """Refuse a panel that is empty although the operator exports all that it shows."""
    empty = [each["title"] for each in _panels(dashboard) if not series[each["id"]] and metrics(each) <= exported]
    insist(not empty, f"no data in these panels, although the operator exports their metrics: {', '.join(empty)}")


if __name__ == "__main__":
    session.carry_out(argparse.ArgumentParser(prog="python -m monitoring", description=__doc__), _draw)
