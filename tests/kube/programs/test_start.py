"""What containers start, as far as their manifests tell."""

from __future__ import annotations

from typing import Any

import pytest

from productionpolicy.kube.programs.processes import Yielding
from productionpolicy.kube.programs.start import Start, read_start
from productionpolicy.kube.workloads import read_workload
from support.manifests import container, deployment

SCRIPT = "a && b"


def start(**fields: Any) -> Start:
    return read_start(read_workload(deployment(pod={"containers": [container(**fields)]})).template.containers[0])


@pytest.mark.parametrize(
    "command",
    [
        ["sh", "-c", SCRIPT],
        ["bash", "-ec", SCRIPT],
        ["sh", "-lc", SCRIPT, "name", "argument"],
        ["/bin/bash", "-euxo", "pipefail", "-c", SCRIPT],
        ["bash", "-o", "errexit", "-c", SCRIPT],
        ["bash", "--rcfile", "x", "--login", "-c", "--", SCRIPT],
        ["busybox", "sh", "-c", SCRIPT],
        ["/usr/bin/env", "-u", "X", "A=1", "bash", "-c", SCRIPT],
        ["nice", "-n", "5", "ionice", "-c", "3", "sh", "-c", SCRIPT],
        ["gosu", "www-data", "sh", "-c", SCRIPT],
        ["tini", "--", "sh", "-c", SCRIPT],
        ["/usr/bin/dumb-init", "-r", "15:3", "--", "sh", "-c", SCRIPT],
    ],
)
def test_the_script_of_a_shell_is_found(command: list[str]) -> None:
    found = start(command=command)
    assert found.script is not None
    assert [each.words for each in found.script.commands()] == [("a",), ("b",)]
    assert (found.known, found.path) == (True, "spec.template.spec.containers[0].command")


def test_the_script_may_stand_in_the_arguments() -> None:
    found = start(command=["sh", "-c"], args=[SCRIPT])
    assert (found.script is not None, found.path) == (True, "spec.template.spec.containers[0].args")


@pytest.mark.parametrize(
    "command",
    [
        ["sh", "run.sh"],
        ["bash"],
        ["sh", "-s"],
        ["sh", "-c"],
        ["fish", "-c", SCRIPT],
        ["server"],
        ["sh", "-c", "'"],
        ["env"],
    ],
)
def test_where_no_script_is_known_there_is_none(command: list[str]) -> None:
    assert start(command=command).script is None


@pytest.mark.parametrize("args", [["sh", "-c", SCRIPT], ["--port=1"], []])
def test_where_the_image_decides_process_1_is_not_known(args: list[str]) -> None:
    assert start(args=args).known is False


@pytest.mark.parametrize("wrapper", ["timeout", "unknown", "chroot"])
def test_the_shell_below_an_unknown_program_is_not_followed(wrapper: str) -> None:
    assert start(command=[wrapper, "/host", "sh", "-c", SCRIPT]).script is None


@pytest.mark.parametrize("wrapper", [["sudo", "-u", "web"], ["setsid"], ["/usr/bin/time", "-o", "/tmp/spent"]])
def test_a_wrapper_that_forks_leaves_process_1_unknown(wrapper: list[str]) -> None:
    found = start(command=[*wrapper, "sh", "-c", SCRIPT])
    assert (found.known, found.script is not None) == (False, True)


@pytest.mark.parametrize(
    ("command", "init"),
    [
        (["tini", "--", "a"], "tini"),
        (["/sbin/tini", "-vg", "--", "a"], "tini"),
        (["docker-init", "--", "a"], "docker-init"),
        (["dumb-init", "--single-child", "a"], "dumb-init"),
        (["/init", "a"], "init"),
        (["/sbin/init"], "systemd"),
        (["a"], ""),
    ],
)
def test_an_init_is_seen(command: list[str], init: str) -> None:
    assert start(command=command).init == init


@pytest.mark.parametrize(
    ("command", "image", "yielding"),
    [
        (["sh", "-c", "a"], "registry.example/web:1.0", Yielding.NEVER),
        (["dash", "-c", "a"], "alpine", Yielding.NEVER),
        (["bash", "-c", "a"], "alpine", Yielding.SOLE),
        (["/usr/bin/bash", "-c", "a"], None, Yielding.SOLE),
        (["sh", "-c", "a"], "registry.example/rockylinux:9", Yielding.SOLE),
        (["sh", "-c", "a"], "fedora.example/web:1.0", Yielding.NEVER),
        (["sh", "-c", "a"], "node:22-alpine", Yielding.LAST),
        (["sh", "-c", "a"], "alpine.example/web:1.0", Yielding.NEVER),
        (["sh", "-c", "a "], "registry.example/busybox", Yielding.LAST),
        (["sh", "-c", "a\n"], "alpine:3.20", Yielding.NEVER),
        (["tini", "--", "busybox", "sh", "-c", "a"], "web", Yielding.LAST),
        (["/busybox/sh", "-c", "a"], "registry.example/distroless:debug", Yielding.LAST),
        (["ash", "-c", "a\n "], "web", Yielding.NEVER),
        (["zsh", "-c", "a\n"], "web", Yielding.LAST),
        (["bash", "-c", "# x\na # y\n"], "web", Yielding.SOLE),
        (["bash", "-c", "a 'b\n# c'"], "web", Yielding.SOLE),
        (["bash", "-c", "a\n\n"], "web", Yielding.NEVER),
        (["bash", "-c", "a\n  "], "web", Yielding.NEVER),
        (["bash", "-c", "a\n# x\n"], "web", Yielding.NEVER),
        (["sh", "-c", "a"], "amazoncorretto:21", Yielding.SOLE),
        (["sh", "-c", "a"], "maven:3-amazoncorretto-21-debian", Yielding.NEVER),
        (["sh", "-c", "a"], "amazoncorretto:21-alpine3.20", Yielding.LAST),
    ],
)
def test_to_what_a_shell_gives_its_place_depends_on_the_shell(
    command: list[str], image: str | None, yielding: Yielding
) -> None:
    assert start(command=command, image=image).yielding is yielding


@pytest.mark.parametrize(
    ("fields", "run"),
    [
        ({"command": ["server"]}, True),
        ({"args": ["/bin/sh", "-c", SCRIPT]}, True),
        ({"args": ["yarn", "start"]}, True),
        ({"args": ["server"]}, False),
        ({"args": ["-c", SCRIPT]}, False),
        ({"args": ["sudo", "sh", "-c", SCRIPT]}, False),
    ],
)
def test_a_shell_in_the_arguments_is_run(fields: dict[str, list[str]], run: bool) -> None:
    assert start(**fields).run is run


def test_wrappers_are_followed_only_so_far() -> None:
    assert start(command=["env"] * 10_000 + ["sh", "-c", SCRIPT]).script is None


VARIABLES = [
    {"name": "A", "value": "exec a"},
    {"name": "B", "value": "$(A) --b"},
    {"name": "C", "value": "$(D)"},
    {"name": "D", "value": "d"},
    {"name": "SECRET", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}},
]


@pytest.mark.parametrize(
    ("script", "words"),
    [
        ("$(A)", [("exec", "a")]),
        ("$(B); b", [("exec", "a", "--b"), ("b",)]),
        ("$(C)", [("$(D)",)]),
        ("$$(A)", [("$(A)",)]),
        ("a --b=$(SECRET) $(date)", [("a", "--b=$(SECRET)", "$(date)")]),
        ("$(OTHER)", [("$(OTHER)",)]),
        ("a $(", None),
    ],
)
def test_variables_are_expanded_as_the_kubelet_does(script: str, words: list[tuple[str, ...]] | None) -> None:
    found = start(command=["sh", "-c", script], env=VARIABLES).script
    assert (found and [each.words for each in found.commands()]) == words


@pytest.mark.parametrize(
    ("script", "fields"),
    [
        ("$(SECRET)", {"env": VARIABLES}),
        ("a; $(SECRET) b", {"env": VARIABLES}),
        ("$(OTHER)", {"envFrom": [{"configMapRef": {"name": "c"}}]}),
    ],
)
def test_a_script_that_an_unknown_variable_decides_is_not_read(script: str, fields: dict[str, Any]) -> None:
    assert start(command=["sh", "-c", script], **fields).script is None


def test_variables_that_double_each_other_are_expanded_only_so_far() -> None:
    doubling = [{"name": f"V{each + 1}", "value": f"$(V{each})$(V{each})"} for each in range(60)]
    found = start(command=["sh", "-c", "$(V60)"] + ["$(V16)"] * 1000, env=[{"name": "V0", "value": "long"}, *doubling])
    assert sum(map(len, found.words)) < 10_000_000
