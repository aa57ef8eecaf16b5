"""Pod templates as they are read."""

from __future__ import annotations

from typing import Any

import pytest

from productionpolicy.kube.fields import Fields, Unreadable
from productionpolicy.kube.pods import (
    AffinityTerm,
    Container,
    Handler,
    HandlerKind,
    PodTemplate,
    Probe,
    SpreadConstraint,
    read_pod_template,
)
from productionpolicy.kube.selectors import Selector
from productionpolicy.kube.workloads import read_workload
from support.manifests import Raw, anti_affinity, constraint, container, deployment, sidecar
from support.server import client_side_applied, server_side_applied, updated

WEB = Selector.of_labels({"app": "web"})


def template(**pod: Any) -> PodTemplate:
    return read_workload(deployment(pod=pod)).template


def first(**fields: Any) -> Container:
    return template(containers=[container(**fields)]).containers[0]


def shared(raw: Raw) -> tuple[bool, bool]:
    """Say whether lifecycle and affinity must outlive our repairs."""
    read = read_workload(raw).template
    return "lifecycle" in read.containers[0].shared, "affinity" in read.shared


def test_init_containers_come_first_and_native_sidecars_run_on() -> None:
    read = template(initContainers=[container("setup"), sidecar("proxy")], containers=[container("web")])
    told = [(each.name, each.path, each.init, each.long_running) for each in read.containers]
    assert told == [
        ("setup", "spec.template.spec.initContainers[0]", True, False),
        ("proxy", "spec.template.spec.initContainers[1]", True, True),
        ("web", "spec.template.spec.containers[0]", False, True),
    ]
    assert [each.name for each in read.long_running] == ["proxy", "web"]


@pytest.mark.parametrize(
    ("ports", "serving"),
    [
        ([], False),
        ([{"containerPort": 1}], True),
        ([{"containerPort": 1, "name": "http"}], True),
        ([{"containerPort": 1, "name": "http-metrics"}], False),
        ([{"containerPort": 1, "name": "Health"}], False),
        ([{"containerPort": 1, "name": "admin"}, {"containerPort": 2, "name": "grpc"}], True),
    ],
)
def test_a_container_serves_if_a_port_is_not_merely_auxiliary(ports: list[Raw], serving: bool) -> None:
    assert first(ports=ports).serving is serving


def test_a_container_with_a_readiness_probe_serves() -> None:
    assert first(ports=[], readinessProbe={"exec": {"command": ["ready"]}}).serving


@pytest.mark.parametrize("image", ["registry.example/team/web:1.0", "web"])
def test_an_image_is_one_of_those_that_globs_name(image: str) -> None:
    web = Container(name="web", path="c", image=image)
    assert (web.has_image_of(("db", "w*")), web.has_image_of(("db",)), web.has_image_of(())) == (True, False, False)


def test_an_image_that_is_not_known_is_none_of_any() -> None:
    assert not Container(name="web", path="c").has_image_of(("*",))


@pytest.mark.parametrize(
    ("hook", "handler"),
    [
        ({"sleep": {"seconds": 5}}, Handler(HandlerKind.SLEEP, seconds=5)),
        ({"exec": {"command": ["a", "b"]}}, Handler(HandlerKind.EXEC, command=("a", "b"))),
        ({"httpGet": {"port": 80}}, Handler(HandlerKind.HTTP_GET)),
        ({"tcpSocket": {"port": 80}}, Handler(HandlerKind.TCP_SOCKET)),
        ({}, Handler(HandlerKind.NONE)),
        ("sleep", Handler(HandlerKind.NONE)),
    ],
)
def test_a_hook_of_any_kind_is_a_hook(hook: Any, handler: Handler) -> None:
    assert first(lifecycle={"preStop": hook}).pre_stop == handler


@pytest.mark.parametrize(
    ("hook", "acts"),
    [
        ({"sleep": {"seconds": 1}}, True),
        ({"sleep": {"seconds": 0}}, False),
        ({"exec": {"command": ["true"]}}, True),
        ({"httpGet": {"port": 80}}, True),
        ({"tcpSocket": {"port": 80}}, False),
        ({}, False),
    ],
)
def test_a_hook_may_do_nothing(hook: Raw, acts: bool) -> None:
    read = first(lifecycle={"preStop": hook}).pre_stop
    assert read is not None
    assert read.acts is acts


@pytest.mark.parametrize(
    ("names", "serves"),
    [
        (["metrics", "http-metrics", "metrics2", "http-envoy-prom"], False),
        (["profiling", "profiler", "pprof", "probes", "healthz", "health-check", "livez", "readiness", "jmx"], False),
        (["telemetry", "debug", "admin", "HTTP-Metrics"], False),
        (["healthcare"], True),
        (["livestock"], True),
        (["administration"], True),
        (["readymade"], True),
        ([""], True),
    ],
)
def test_a_port_serves_unless_a_word_of_its_name_says_that_it_is_auxiliary(names: list[str], serves: bool) -> None:
    assert first(ports=[{"name": each, "containerPort": 80} for each in names]).serving is serves


@pytest.mark.parametrize(
    ("fields", "elected"),
    [
        ({"args": ["--leader-elect"]}, True),
        ({"args": ["--leader-elect=true"]}, True),
        ({"args": ["-enable-leader-election"]}, True),
        ({"args": ["--controller.leaderElection"]}, True),
        ({"command": ["sh", "-c", "exec manager --leader-election-namespace=x"]}, True),
        ({"env": [{"name": "LEADER_ELECT", "value": "yes"}]}, True),
        ({"args": ["--leader-elect=false"]}, False),
        ({"args": ["--no-leader-elect"]}, False),
        ({"args": ["--leader=a"]}, False),
        ({"env": [{"name": "LEADER_ELECTION_ID", "value": "x"}]}, False),
        ({"env": [{"name": "LEADER_ELECTION", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}]}, False),
    ],
)
def test_options_or_variables_tell_that_a_leader_is_elected(fields: Raw, elected: bool) -> None:
    assert first(**fields).leader_elected is elected


@pytest.mark.parametrize(
    ("command", "seconds"),
    [
        (("sleep", "10"), 10),
        (("/bin/sleep", "10s"), 10),
        (("sleep", "1.2"), 2),
        (("sleep", "2m"), 120),
        (("sleep", "1h"), 3600),
        (("sh", "-c", "sleep 5; sleep 5"), 10),
        (("sh", "-c", "nginx -s quit && sleep 5"), 5),
        (("sh", "-c", "(sleep 5)"), 5),
        (("sh", "-c", "sleep $DELAY"), 0),
        (("sleep", "infinity"), 10**9),
        (("python", "-c", "import asyncio, time; time.sleep(4)"), 4),
        (("cmd", "/c", "ping -n 6 127.0.0.1 > nul"), 5),
        (("sh", "-c", "echo 'sleep 9'; sleep 1"), 1),
        (("sh", "-c", "echo done; ping -n 127.0.0.1"), 0),
        (("asleep", "5"), 0),
        (("sleep5",), 0),
        ((), 0),
        (("sleep", "9" * 400), 10**9),
        (("sh", "-c", "if x; then sleep 50; else sleep 45; fi"), 50),
        (("sh", "-c", "case $A in a) sleep 30 ;; *) sleep 20; sleep 5 ;; esac; sleep 1"), 31),
        (("sh", "-c", "if x; then sleep 5; fi; if y; then sleep 4; fi"), 9),
        (("sh", "-c", "A=$(sleep 3); if x; then sleep 2; else sleep 1; fi"), 5),
        (("sh", "-c", "if x; then sleep infinity; else sleep 1; fi"), 10**9),
        (("sh", "-c", "if x; then sleep 2; else sleep 1"), 3),
        (("timeout", "20", "sleep", "100"), 20),
        (("timeout", "-k", "5", "20s", "sh", "-c", "sleep infinity"), 20),
        (("timeout", "0", "sleep", "9"), 9),
        (("timeout", "-k"), 0),
        (("cmd", "/c", "timeout /t 15"), 15),
    ],
)
def test_the_sleeps_in_a_command_are_known(command: tuple[str, ...], seconds: int) -> None:
    assert Handler(HandlerKind.EXEC, command=command).duration == seconds


def test_the_longest_hook_of_all_containers_counts() -> None:
    def hook(seconds: int) -> Raw:
        return {"lifecycle": {"preStop": {"sleep": {"seconds": seconds}}}}

    read = template(initContainers=[sidecar("proxy", **hook(7))], containers=[container("web", **hook(5))])
    assert read.longest_pre_stop == 7


@pytest.mark.parametrize(("grace", "exceeds"), [(9, True), (10, True), (11, False), (None, False)])
def test_a_sleep_must_be_shorter_than_the_grace_period(grace: int | None, exceeds: bool) -> None:
    hook = {"lifecycle": {"preStop": {"sleep": {"seconds": 10}}}}
    read = template(containers=[container(**hook)], terminationGracePeriodSeconds=grace)
    assert read.sleep_exceeds_grace is exceeds


def test_a_command_that_sleeps_longer_than_the_grace_period_is_no_mistake_to_the_server() -> None:
    hook = {"lifecycle": {"preStop": {"exec": {"command": ["sleep", "99"]}}}}
    assert template(containers=[container(**hook)]).sleep_exceeds_grace is False


def test_anti_affinity_terms_are_read_the_required_ones_first() -> None:
    affinity = {
        "podAntiAffinity": {
            **anti_affinity(key="zone")["podAntiAffinity"],
            **anti_affinity(required=True, key="host", matchLabelKeys=["pod-template-hash"])["podAntiAffinity"],
        }
    }
    assert template(affinity=affinity).anti_affinity == (
        AffinityTerm("host", WEB, required=True, match_label_keys=("pod-template-hash",)),
        AffinityTerm("zone", WEB, required=False, weight=100),
    )


def test_a_spread_constraint_is_hard_unless_it_says_otherwise() -> None:
    constraints = [
        {"topologyKey": "a", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {}},
        {"topologyKey": "b", "whenUnsatisfiable": "ScheduleAnyway"},
    ]
    assert template(topologySpreadConstraints=constraints).spread_constraints == (
        SpreadConstraint("a", Selector(), required=True),
        SpreadConstraint("b", None, required=False),
    )


def test_a_spread_constraint_tells_of_fields_that_are_not_read() -> None:
    given = {"topologyKey": "a", "whenUnsatisfiable": "DoNotSchedule", "maxSkew": 1}
    constraints = [{**given, **more} for more in ({}, {"nodeTaintsPolicy": "Honor"}, {"nodeTaintsPolicy": "Ignore"})]
    plain, honors, ignores = template(topologySpreadConstraints=constraints).spread_constraints
    assert plain.others == ""
    assert len({plain.others, honors.others, ignores.others}) == len(constraints)


@pytest.mark.parametrize("recorded", [server_side_applied, client_side_applied])
def test_a_spread_constraint_is_declared_by_its_key_and_what_becomes_of_other_pods(recorded: Any) -> None:
    hard = {"topologyKey": "a", "whenUnsatisfiable": "DoNotSchedule", "maxSkew": 1}
    soft = {**hard, "whenUnsatisfiable": "ScheduleAnyway"}
    metadata = recorded(deployment(pod={"topologySpreadConstraints": [hard]}))["metadata"]
    live = {**deployment(pod={"topologySpreadConstraints": [hard, soft]}), "metadata": {**metadata, "uid": "u"}}
    assert [each.declared for each in read_workload(live).template.spread_constraints] == [True, False]


def test_host_ports_count_where_containers_run_on() -> None:
    host: list[Raw] = [{"containerPort": 80, "hostPort": 80}]
    told = [
        template(containers=[container(ports=host)]).host_ports,
        template(initContainers=[sidecar(ports=host)]).host_ports,
        template(initContainers=[container("setup", ports=host)]).host_ports,
        template().host_ports,
    ]
    assert told == [True, True, False, False]


def test_only_persistent_claims_are_claims() -> None:
    volumes = [
        {"name": "a", "emptyDir": {}},
        {"name": "b", "persistentVolumeClaim": {"claimName": "data"}},
        {"name": "c", "ephemeral": {"volumeClaimTemplate": {}}},
    ]
    assert template(volumes=volumes).claims == ("data",)


@pytest.mark.parametrize(
    ("lifecycle", "affinity", "expected"),
    [
        ({"preStop": {"sleep": {"seconds": 1}}}, anti_affinity(), (False, False)),
        ({"postStart": {"exec": {}}}, {"nodeAffinity": {}}, (True, True)),
        ({}, {}, (False, False)),
    ],
)
def test_a_parent_that_holds_more_than_our_repair_must_outlive_it(
    lifecycle: Raw, affinity: Raw, expected: tuple[bool, bool]
) -> None:
    assert shared(deployment(pod={"containers": [container(lifecycle=lifecycle)], "affinity": affinity})) == expected


@pytest.mark.parametrize("recorded", [updated, server_side_applied])
def test_an_empty_parent_that_somebody_wrote_must_outlive_our_repair(recorded: Any) -> None:
    assert shared(recorded(deployment(pod={"containers": [container(lifecycle={})], "affinity": {}}))) == (True, True)


def test_a_parent_that_only_our_own_entry_lists_need_not_outlive_our_repair() -> None:
    hook = {"lifecycle": {"preStop": {"sleep": {"seconds": 1}}}}
    raw = deployment(pod={"containers": [container(**hook)], "affinity": anti_affinity()})
    assert shared(updated(raw, manager="productionpolicy")) == (False, False)


@pytest.mark.parametrize("recorded", [server_side_applied, client_side_applied])
def test_what_its_owner_declares_is_known_to_be_the_owners(recorded: Any) -> None:
    hook = {"lifecycle": {"preStop": {"sleep": {"seconds": 1}}}}
    raw = deployment(pod={"containers": [container(**hook), container("api")], "affinity": anti_affinity()})
    read = read_workload(recorded(raw)).template
    web, api = read.containers
    assert web.written - api.written == {"preStop"}
    assert read.written == {"podAntiAffinity"}


def test_what_is_merely_updated_is_not_known_to_be_the_owners() -> None:
    hook = {"lifecycle": {"preStop": {"sleep": {"seconds": 1}}}}
    raw = updated(deployment(pod={"containers": [container(**hook)], "affinity": anti_affinity()}))
    read = read_workload(raw).template
    assert not read.containers[0].written | read.written


def test_a_template_without_unwanted_containers_is_the_same_but_for_them() -> None:
    read = template(containers=[container("web"), container("istio-proxy")])
    left = read.without_containers(lambda name: name.startswith("istio"))
    assert [each.path for each in left.containers] == ["spec.template.spec.containers[0]"]
    assert read.without_containers(lambda _: False) is read


# Probes, and what else containers say.


def test_a_probe_has_the_defaults_of_the_api() -> None:
    probe = first(livenessProbe={"exec": {"command": ["alive"]}, "periodSeconds": 0}).liveness
    assert probe == Probe(HandlerKind.EXEC, ("alive",), period=10, timeout=1, failure_threshold=3)


@pytest.mark.parametrize(
    ("one", "other", "alike"),
    [
        ({"httpGet": {"port": "http"}}, {"httpGet": {"port": 8080, "path": "/", "scheme": "HTTP"}}, True),
        ({"httpGet": {"port": 8080}}, {"httpGet": {"port": 8080, "path": "/alive"}}, False),
        ({"httpGet": {"port": 8080}}, {"httpGet": {"port": 8080, "scheme": "HTTPS"}}, False),
        ({"httpGet": {"port": 8080}}, {"httpGet": {"port": 8080, "httpHeaders": [{"name": "a", "value": "b"}]}}, False),
        ({"tcpSocket": {"port": 8080}}, {"tcpSocket": {"port": "http"}}, True),
        ({"tcpSocket": {"port": 8080}}, {"httpGet": {"port": 8080}}, False),
        ({"grpc": {"port": 1}}, {"grpc": {"port": 1, "service": ""}}, True),
        ({"grpc": {"port": 1}}, {"grpc": {"port": 1, "service": "x"}}, False),
        ({"exec": {"command": ["a"]}}, {"exec": {"command": ["a", "b"]}}, False),
    ],
)
def test_probes_are_alike_that_ask_the_same(one: Raw, other: Raw, alike: bool) -> None:
    ports = [{"name": "http", "containerPort": 8080}]
    read = first(ports=ports, readinessProbe=one, livenessProbe=other)
    assert read.readiness is not None
    assert read.liveness is not None
    assert read.readiness.asks_like(read.liveness) is alike


@pytest.mark.parametrize(
    ("command", "pipeline"),
    [
        (["sh", "-c", "a | b"], True),
        (["/bin/bash", "-c", "a|b"], True),
        (["sh", "-c", "a || b"], False),
        (["grep", "a|b"], False),
        ([], False),
    ],
)
def test_a_pipeline_is_one_in_a_shell(command: list[str], pipeline: bool) -> None:
    probe = first(livenessProbe={"exec": {"command": command}}).liveness
    assert probe is not None
    assert probe.pipeline is pipeline


@pytest.mark.parametrize("probe", [5, {"httpGet": {"port": True}}, {"exec": {}, "failureThreshold": "three"}])
def test_a_probe_that_cannot_be_read_is_illegible(probe: Any) -> None:
    read = first(livenessProbe=probe).liveness
    assert read is not None
    assert not read.legible


@pytest.mark.parametrize(
    ("fields", "written"),
    [
        ({}, False),
        ({"terminationMessagePath": "/dev/termination-log"}, False),
        ({"terminationMessagePath": "/run/reason"}, True),
        ({"command": ["sh", "-c", "serve 2>/dev/termination-log"]}, True),
        ({"args": ["--reason-file=/dev/termination-log"]}, True),
        ({"args": ["--reason-file=/run/reason"]}, False),
    ],
)
def test_a_message_is_written_where_its_path_is_known(fields: Raw, written: bool) -> None:
    assert first(**fields).message_written is written


@pytest.mark.parametrize(
    ("policy", "restarts"), [(None, True), ("Always", True), ("OnFailure", False), ("Never", False)]
)
def test_containers_are_started_again_unless_the_policy_says_otherwise(policy: str | None, restarts: bool) -> None:
    assert template(restartPolicy=policy).restarts is restarts


@pytest.mark.parametrize(
    ("hook", "stops"),
    [
        ({"exec": {"command": ["server", "--quit"]}}, True),
        ({"exec": {"command": ["sh", "-c", "kill -TERM $(pidof server)"]}}, True),
        ({"httpGet": {"port": 8080}}, True),
        ({"exec": {"command": ["sleep", "10"]}}, False),
        ({"sleep": {"seconds": 10}}, False),
        ({}, False),
        *(
            ({"exec": {"command": ["sh", "-c", each]}}, True)
            for each in (
                *(
                    "kill -TERM 1",
                    "sleep 5; nginx -s quit",
                    "nginx -s stop",
                    "/usr/local/bin/shutdown.sh",
                    "/prestop.sh",
                ),
                *(
                    "apachectl -k graceful-stop",
                    "rabbitmqctl stop_app",
                    "pg_ctl stop",
                    "curl -X POST localhost/shutdown",
                ),
                *("bin/app stop", "supervisorctl stop all", "consul leave", "nodetool drain", "redis-cli shutdown"),
                *("echo 'soft-stop' | socat stdio /run/h.sock", "timeout 9 sh -c 'nginx -s quit'", "killall5 -15"),
                *("cli <<E\n:shutdown\nE", "cli <<< shutdown", "until ! pkill -TERM a; do sleep 1; done", "kill '"),
            )
        ),
        *(
            ({"exec": {"command": ["sh", "-c", each]}}, False)
            for each in (
                *("touch /tmp/shutdown && sleep 10", "sleep ${PRESTOP_DELAY:-15}", "sleep $TERMINATION_DELAY_SECONDS"),
                *(
                    "mv /health /health.stopped && sleep 10",
                    "wait-for-me > /tmp/stop",
                    "curl localhost/?wait=$STOP_DELAY",
                ),
                *(
                    "until [ -f /tmp/drained ]; do sleep 1; done",
                    "timeout 9 sh -c 'touch /tmp/drain'",
                    "tell terminating",
                ),
            )
        ),
        ({"exec": {"command": ["touch", "/tmp/shutdown"]}}, False),
    ],
)
def test_a_hook_that_does_more_than_wait_may_stop_the_container(hook: Raw, stops: bool) -> None:
    assert first(lifecycle={"preStop": hook}).stops_itself is stops


@pytest.mark.parametrize("place", ["lifecycle.preStop", "readinessProbe", "livenessProbe", "startupProbe"])
def test_a_second_handler_in_a_hook_or_a_probe_is_a_problem(place: str) -> None:
    given: Raw = {"exec": {"command": ["true"]}, "httpGet": {"path": "/", "port": 80}, "tcpSocket": None}
    for name in reversed(place.split(".")):
        given = {name: given}
    fields = Fields({"spec": {"containers": [container("web", **given)]}})
    read_pod_template(fields)
    problem = Unreadable(f"spec.containers[0].{place}", "has exec and httpGet, but only one is expected")
    assert fields.problems == (problem,)


@pytest.mark.parametrize("name", ["maxSkew", "minDomains"])
@pytest.mark.parametrize("value", [0, -1])
def test_a_number_below_1_in_a_constraint_is_a_problem(name: str, value: int) -> None:
    fields = Fields({"spec": {"topologySpreadConstraints": [constraint(**{name: value})]}})
    (read,) = read_pod_template(fields).spread_constraints
    problem = Unreadable(
        f"spec.topologySpreadConstraints[0].{name}", f"is {value}, but a whole number from 1 is expected"
    )
    assert (fields.problems, read.max_skew, read.min_domains) == ((problem,), 1, 1)
