"""The simulated nodes treat pods as real ones do."""

from __future__ import annotations

from owners.rollouts import is_ready
from proof.agent import arguments_of, running_status
from proof.portable import serving_addresses


def endpoint(address: str, *, ready: bool, serving: bool = True) -> dict[str, object]:
    return {"addresses": [address], "conditions": {"ready": ready, "serving": serving, "terminating": not ready}}


def test_pods_on_their_way_out_get_no_connections_while_others_are_ready() -> None:
    assert serving_addresses([endpoint("10.0.0.1", ready=True), endpoint("10.0.0.2", ready=False)]) == ["10.0.0.1"]


def test_where_all_are_on_their_way_out_those_that_still_serve_get_them() -> None:
    found = serving_addresses([endpoint("10.0.0.1", ready=False), endpoint("10.0.0.2", ready=False, serving=False)])
    assert found == ["10.0.0.1"]


def test_a_pod_whose_process_answers_is_ready_until_it_is_deleted() -> None:
    pod = {"metadata": {}, "spec": {"containers": [{"name": "web", "image": "registry.example/web:1.0"}]}}
    pod["status"] = running_status(pod, "10.0.0.1")
    assert is_ready(pod)
    assert not is_ready({**pod, "metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}})


def test_a_helper_listens_on_a_port_of_its_own_where_the_server_looks_for_it() -> None:
    web, helper = {"args": ["-graceful", "-helper=127.0.0.1:8081"]}, {"args": ["-address=127.0.0.1:8081"]}
    served, helped = arguments_of({"spec": {"containers": [web, helper]}}, ("127.0.0.1", 4000))
    [place] = (each.removeprefix("-address=") for each in helped)
    assert place != "127.0.0.1:8081"
    assert served == ["-graceful", f"-helper={place}", "-address=127.0.0.1:4000"]
