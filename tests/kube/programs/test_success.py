"""Commands that succeed whatever they find."""

from __future__ import annotations

import pytest

from productionpolicy.kube.programs.success import always_succeeds


@pytest.mark.parametrize(
    "script",
    [
        *("true", ":", "exit 0", "exit 0;", "echo ready", "check || true", "check || exit 0", "check; exit 0"),
        *("sleep 5; true", "check && true || :", "check | grep ready || true", "check || { echo late; exit 0; }"),
        *("check > /dev/null 2>&1 || true", "check\nexit 0\n", "(check; true)", "if check; then restart; fi; true"),
    ],
)
def test_a_script_that_ends_with_a_success_always_succeeds(script: str) -> None:
    assert always_succeeds(("sh", "-c", script))


@pytest.mark.parametrize(
    "script",
    [
        *("check", "check || exit 1", "check && true", "check && exit 0", "check; exit", "exit 1 || true", "! true"),
        *("set -e; check; true", "check || exit 1; true", "exec check; true", "check || true && check", "true &"),
        *("until check; do sleep 1; done; true", "true() { check; }; true", "echo > /dev/tcp/localhost/8080"),
        *(": > /data/ready", ": ${READY:?}; true", "check | true", "true; check", "if", "", "trap check EXIT; true"),
    ],
)
def test_a_script_that_may_fail_does_not(script: str) -> None:
    assert not always_succeeds(("sh", "-c", script))


@pytest.mark.parametrize(
    ("line", "succeeds"),
    [
        (("true",), True),
        (("/usr/bin/env", "true"), True),
        (("/bin/busybox", "sh", "-c", "check || true"), True),
        (("bash", "-o", "pipefail", "-c", "check; true"), True),
        (("sh", "-ec", "check || true"), True),
        (("sh", "-ec", "check; true"), False),
        (("bash", "-o", "errexit", "-c", "check; true"), False),
        (("sh", "-ec", "{ check; true; }"), False),
        (("sh", "/check.sh"), False),
        (("check", "true"), False),
        ((), False),
    ],
)
def test_options_and_wrappers_of_a_shell_count(line: tuple[str, ...], succeeds: bool) -> None:
    assert always_succeeds(line) == succeeds
