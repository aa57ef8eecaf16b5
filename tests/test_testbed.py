"""What the experiments share: waiting, what counts as settled, comparing, and tables."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from control_plane import probe
from control_plane.binaries import Binaries
from control_plane.credentials import write_credentials
from control_plane.patience import NeverHappened, NotYet, eventually, seconds_until, unchanged
from control_plane.plane import ControlPlane, RequestFailed
from control_plane.site import Site
from owners import manifests
from owners.rollouts import is_ready, is_rolled_out, is_settled, present_status
from pages.marks import Place
from testbed import client
from testbed.client import Client, path
from testbed.comparison import differences
from testbed.tables import Table


def test_waiting_returns_the_first_value_that_is_right() -> None:
    values = iter([None, 0, "right", "later"])
    assert eventually(lambda: next(values), poll_seconds=0) == "right"


def test_what_never_happens_is_told_with_what_was_seen_last() -> None:
    def look() -> bool:
        raise NotYet("two of three run")

    with pytest.raises(NeverHappened, match="two of three run"):
        eventually(look, within=0)
    with pytest.raises(NeverHappened, match="last seen: 0"):
        eventually(lambda: 0, within=0)
    with pytest.raises(NeverHappened, match="it did not start within 0 s"):
        eventually(lambda: 0, within=0, otherwise="it did not start")


def test_an_error_that_is_not_expected_ends_the_waiting() -> None:
    known: dict[str, int] = {}
    with pytest.raises(KeyError):
        eventually(lambda: known["x"], within=5)
    with pytest.raises(NeverHappened):
        eventually(lambda: known["x"], within=0, not_now=(KeyError,))


def test_what_goes_on_changing_does_not_come_to_rest() -> None:
    numbers = itertools.count()
    with pytest.raises(NeverHappened):
        unchanged(lambda: next(numbers), still_seconds=0.1, within=0.3)
    assert unchanged(lambda: "still", still_seconds=0.1, within=5) == "still"


def test_how_long_something_took_is_told() -> None:
    values = iter([False, False, True])
    assert 0.1 <= seconds_until(lambda: next(values), within=5, poll_seconds=0.05) < 5


def policy(*, generation: int = 2, repairs: int = 0, **workloads: int) -> manifests.Raw:
    status = {"observedGeneration": 2, "workloads": workloads, "repaired": 3, "pending": {"repairs": repairs}}
    return {"metadata": {"generation": generation}, "status": status}


def test_a_policy_has_settled_when_nothing_is_left_to_be_done() -> None:
    assert is_settled(policy(total=3, compliant=3), total=3, compliant=3, repaired=3)
    assert not is_settled(policy(total=3, compliant=2), total=3, compliant=3)
    assert not is_settled(policy(total=3), repaired=4)
    assert not is_settled(policy(total=3, repairing=1))
    assert not is_settled(policy(total=3, repairs=1))


def test_a_status_of_an_earlier_generation_says_nothing() -> None:
    assert present_status(policy(generation=3, total=3)) == {}
    assert not is_settled(policy(generation=3, total=3))
    assert not is_settled({"metadata": {"generation": 1}})


def test_a_workload_is_rolled_out_when_all_its_pods_are_new_and_available() -> None:
    live = manifests.deployment(replicas=2, metadata={"generation": 4})
    counts = {"replicas": 2, "updatedReplicas": 2, "availableReplicas": 2, "observedGeneration": 4}
    assert is_rolled_out({**live, "status": counts})
    for name in counts:
        assert not is_rolled_out({**live, "status": {**counts, name: 1}})


def test_what_is_being_deleted_is_not_ready() -> None:
    pod = {"metadata": {}, "status": {"conditions": [{"type": "Ready", "status": "True"}]}}
    assert is_ready(pod)
    assert not is_ready({**pod, "metadata": {"deletionTimestamp": "2026-11-28T03:00:00Z"}})
    assert not is_ready({"metadata": {}})


def test_differences_name_the_path_and_both_values() -> None:
    found = {"containers": [{"name": "web", "image": "a:1"}], "replicas": 1, "paused": None}
    wanted = {"containers": [{"name": "web", "image": "a:2"}], "replicas": 1}
    assert differences(found, wanted, at="Deployment web") == [
        "Deployment web.containers[web].image is 'a:1', not 'a:2'",
        "Deployment web.paused is None, not missing",
    ]
    assert differences(found, found) == []


def test_the_rows_of_a_table_on_a_page_are_read_as_they_were_written(tmp_path: Path) -> None:
    place = Place(tmp_path / "page.md", "make it")
    place.page.write_text("# Page\n\n<!-- written by `make it` -->\n<!-- end of what is written -->\n")
    table = Table(("fault", "tried"), [["network path cut", "2"]])
    place.write(table.markdown())
    assert table.markdown() == ["| fault | tried |", "|---|---:|", "| network path cut | 2 |"]
    assert place.rows["network path cut"] == ["network path cut", "2"]


def test_paths_of_kinds_are_those_of_the_api() -> None:
    assert path("PodDisruptionBudget", "shop") == "/apis/policy/v1/namespaces/shop/poddisruptionbudgets"
    assert path("pdb") == "/apis/policy/v1/poddisruptionbudgets"
    assert path("pp").endswith("/productionpolicies")
    assert path("namespace") == "/api/v1/namespaces"


class Busy(BaseHTTPRequestHandler):
    """An API server that is busy at first."""

    protocol_version = "HTTP/1.1"
    refusals: tuple[dict[str, str], ...] = ()
    """The headers of the first answers, which refuse."""
    asked = 0

    def do_POST(self) -> None:
        """Refuse, or answer."""
        headers = dict(enumerate(self.refusals)).get(type(self).asked)
        type(self).asked += 1
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201 if headers is None else 429)
        for name, value in {**(headers or {}), "Content-Length": "15"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(b'{"kind": "Pod"}')

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


@pytest.fixture
def busy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[type[Busy], Client]]:
    """An API server that may be busy, and its user."""
    here = Path()
    programs = Binaries(here, here, here, here, here, here, ())
    handler = type("Here", (Busy,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        port = server.server_address[1]
        site = Site(tmp_path, binaries=programs, apiserver_port=port, etcd_port=0, etcd_peer_port=0)
        write_credentials(site)
        monkeypatch.setattr(client, "connection", lambda port, **_: probe.connection(port))
        monkeypatch.setattr(client, "AGAIN_SECONDS", 0.0)
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield handler, Client(ControlPlane(site))
        server.shutdown()


def test_a_server_that_asks_to_be_asked_again_is_asked_again(busy: tuple[type[Busy], Client]) -> None:
    server, user = busy
    server.refusals = ({"Retry-After": "1"}, {"Retry-After": "1"})
    assert user.create({"kind": "Pod"}, "shop") == {"kind": "Pod"}
    assert server.asked == 3


def test_a_server_that_refuses_for_good_is_asked_once(busy: tuple[type[Busy], Client]) -> None:
    server, user = busy
    server.refusals = ({},)  # as it refuses an eviction that a budget does not allow
    with pytest.raises(RequestFailed, match="POST /api/v1/namespaces/shop/pods: 429"):
        user.create({"kind": "Pod"}, "shop")
    assert server.asked == 1
