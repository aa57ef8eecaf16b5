"""The process that plays drains: what it takes, what it tells, and how much of the machine it uses."""

from __future__ import annotations

import subprocess
from collections.abc import Iterable
from datetime import UTC, datetime
from io import BytesIO
from itertools import groupby
from pathlib import Path

import msgspec
import pytest

from productionpolicy.controller import memory
from productionpolicy.controller.drain_play import PLAYER
from productionpolicy.controller.drain_player import Answer, Governed, Objects, Order, frame, frames
from productionpolicy.controller.resources import DRAINED
from support.scenes import Raw, budget, deployment, node

NOW = datetime(2026, 11, 28, tzinfo=UTC)
KINDS = tuple(each.called for each in DRAINED)
BLOCKED = (node("a"), node("b"), *deployment("web", ["a", "b"]), budget("all", app="web", minAvailable=2))


def played(order: Order, objects: Iterable[Raw]) -> Answer:
    parts = [
        Objects(version, kind, [msgspec.Raw(msgspec.json.encode(each)) for each in those])
        for (version, kind), those in groupby(objects, lambda each: (each["apiVersion"], each["kind"]))
    ]
    sent = b"".join(map(frame, (order, *parts)))
    done = subprocess.run(PLAYER, input=sent, capture_output=True, check=True)
    assert done.stderr == b""
    return msgspec.json.decode(done.stdout, type=Answer)


def test_frames_come_out_as_they_went_in() -> None:
    order = Order(NOW, (Governed("default", ("shop",), "now"),), unread={"pods": "forbidden"})
    (received,) = frames(BytesIO(frame(order)))
    assert msgspec.json.decode(received, type=Order) == order


def test_each_policy_is_told_what_concerns_it() -> None:
    policies = Governed("one", ("shop",), "please"), Governed("other", ("games",))
    answer = played(Order(NOW, policies, kinds=KINDS), BLOCKED)
    assert {name: each.verdict.reason for name, each in answer.findings.items()} == {
        "one": "NodesBlocked",
        "other": "AllNodesDrain",
    }
    assert answer.findings["one"].status.handled_request == "please"
    assert answer.peak_mib > 0


def test_what_was_not_read_is_told() -> None:
    kinds = tuple(each for each in KINDS if each != "persistentvolumes")
    order = Order(NOW, (Governed("default", ("games",)),), unread={"persistentvolumes": "forbidden"}, kinds=kinds)
    assert played(order, BLOCKED).findings["default"].verdict.reason == "NotAllRead"


def test_a_cluster_that_does_not_fit_into_memory_is_told() -> None:
    many = [each for number in range(1500) for each in deployment(f"web-{number}", ["a"])]
    order = Order(NOW, (Governed("default", ("shop",)),), kinds=KINDS, memory_bytes=20 * 2**20)
    assert played(order, [node("a", pods="2000"), *many]).out_of_memory


@pytest.fixture
def cgroup(tmp_path: Path) -> Path:
    (tmp_path / "memory.max").write_text("1000\n")
    (tmp_path / "memory.current").write_text("700\n")
    (tmp_path / "memory.stat").write_text("anon 400\ninactive_file 200\n")
    return tmp_path


def test_pages_of_files_that_can_be_dropped_do_not_count_as_used_memory(cgroup: Path) -> None:
    assert memory.room(cgroup) == 500


def test_a_container_without_a_limit_has_no_certain_room(cgroup: Path) -> None:
    (cgroup / "memory.max").write_text("max\n")
    assert memory.room(cgroup) is None


def test_where_there_is_no_cgroup_the_room_is_not_known(tmp_path: Path) -> None:
    assert memory.room(tmp_path) is None
