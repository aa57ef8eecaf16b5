"""The metrics that the operator exports from the start."""

from __future__ import annotations

import platform
import re
from importlib.metadata import version

import aiohttp
import pytest

from control_plane.ports import free_ports
from productionpolicy.controller import metrics
from productionpolicy.controller.probes import Probes
from productionpolicy.expectations import EXPECTATIONS
from support.metrics import METRICS, exposed_name


async def scraped() -> str:
    [port] = free_ports(1)
    async with Probes("127.0.0.1", port, alive=lambda: None, ready=lambda: None), aiohttp.ClientSession() as session:
        return await (await session.get(f"http://127.0.0.1:{port}/metrics")).text()


async def test_the_versions_of_the_operator_and_of_python_are_exported() -> None:
    metrics.begin()
    labels = f'python="{platform.python_version()}",version="{version("productionpolicy")}"'
    found = re.search(r"^productionpolicy_build_info\{(.*)\} 1\.0$", await scraped(), re.MULTILINE)
    assert found is not None
    assert ",".join(sorted(found[1].split(","))) == labels


@pytest.mark.parametrize("name", ["process_cpu_seconds_total", "process_resident_memory_bytes", "python_info"])
async def test_the_metrics_of_the_process_are_exported(name: str) -> None:
    assert re.search(rf"^{name}(\{{.*\}})? [0-9.e+]+$", await scraped(), re.MULTILINE)


async def test_repairs_start_at_zero() -> None:
    metrics.begin()
    told = set(re.findall(r"^productionpolicy_repairs_total\{expectation=\"(\w+)\"\}", await scraped(), re.MULTILINE))
    assert told == {each.name for each in EXPECTATIONS if each.repair is not None}


def test_metrics_are_named_as_prometheus_asks() -> None:
    for each in METRICS:
        assert re.fullmatch(r"productionpolicy(_[a-z]+)+", exposed_name(each))
        assert (each._type == "counter") == exposed_name(each).endswith("_total")
        assert not {"job", "instance", "namespace", "pod", "service", "le"} & set(each._labelnames)
        assert each._documentation.endswith(".")
