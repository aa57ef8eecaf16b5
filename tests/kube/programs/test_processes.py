"""Which processes scripts leave running."""

from __future__ import annotations

import pytest

from productionpolicy.kube.programs.processes import Held, Hold, Work, Yielding, held, work
from productionpolicy.kube.programs.shell import Script, read_script


def read(text: str) -> Script:
    script = read_script(text)
    assert script is not None
    return script


@pytest.mark.parametrize(
    "text",
    [
        *("a", "A=1 a", "exec a", "x && exec a", "x; exec a", "exec a || exit 1", "f() { x; }; a"),
        *("if x; then exec a; else exec b; fi", "f() { x; exec a; }; f", "while x; do exec a; done", "f() { f; }; f"),
        *(
            "if x; then exec a; fi",
            "if x; then y; fi; exec a",
            "x || exit 1; exec a",
            "x && exec a || exec b",
            "x & y && exec a",
        ),
        *("{ x; exec a; }", "x && { exec a; }", "while x; do { y && exec a; }; done", "x && exec a; echo b"),
        *("if x; then y; exit 1; else exec a; fi", "command exec a", "builtin exec a", "command . ./run.sh"),
        *("exec sh -c 'exec a'", "exec bash -c a", 'exec sh -c "$A"', "exec sh run.sh", "exec tini -- sh -c 'a; b'"),
        *(
            "trap 'kill $P' TERM; a & wait",
            "trap x EXIT; a; b",
            "trap x TERM EXIT; a; b",
            "trap f SIGTERM INT; a & b",
            "trap x 15; while true; do sleep 1; done",
            "trap x $S; a; b",
        ),
        *(". ./run.sh", "x; source run.sh", "eval $X; eval $Y", "", "echo a; exit 0", "a &", "x | y; exec a"),
    ],
)
def test_a_shell_gives_way_or_nobody_can_tell(text: str) -> None:
    assert held(read(text), Yielding.SOLE) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("x && a", Held(Hold.CHILD, "a")),
        ("a > b 2>&1", Held(Hold.CHILD, "a")),
        ("x; env B=1 /bin/a -b", Held(Hold.CHILD, "a")),
        ("a || exit 1", Held(Hold.CHILD, "a")),
        ("a; exit $?", Held(Hold.CHILD, "a")),
        ("(a)", Held(Hold.CHILD, "a")),
        ("if x; then a; fi", Held(Hold.CHILD, "a")),
        ("f() { a; }; f", Held(Hold.CHILD, "a")),
        ("if x; then exec b; fi; a", Held(Hold.CHILD, "a")),
        ("trap x INT; a; b", Held(Hold.CHILD, "b")),
        ("trap '' TERM; a", Held(Hold.IGNORING, "a")),
        ("trap '' TERM; x; trap - TERM; a", Held(Hold.CHILD, "a")),
        ("if x; then exec a; else b; fi", Held(Hold.CHILD, "b")),
        ("case $X in x) exec a ;; *) b ;; esac", Held(Hold.CHILD, "b")),
        ("if x; then a; exit $?; else exec b; fi", Held(Hold.CHILD, "a")),
        ("x && exec a; b", Held(Hold.CHILD, "b")),
        ("x || exec a\nb", Held(Hold.CHILD, "b")),
        ("x && exec a || b", Held(Hold.CHILD, "b")),
        ("(exec a)", Held(Hold.CHILD, "a")),
        ("(x && exec a)", Held(Hold.CHILD, "a")),
        ("x && (exec a)", Held(Hold.CHILD, "a")),
        ("(exec a | b)", Held(Hold.PIPELINE)),
        ("f() (exec a); f", Held(Hold.CHILD, "a")),
        ("while x; do (exec a); done", Held(Hold.LOOP)),
        ("exec sh -c 'x && a'", Held(Hold.CHILD, "a")),
        ("exec env A=1 bash -c 'a 2>&1'", Held(Hold.CHILD, "a")),
        ("sh -c 'x && a'", Held(Hold.CHILD, "a")),
        ("trap - TERM INT; a; b", Held(Hold.CHILD, "b")),
        (". ./env.sh && a", Held(Hold.CHILD, "a")),
        ("a | b", Held(Hold.PIPELINE)),
        ("exec a | b", Held(Hold.PIPELINE)),
        ("while x; do a; done", Held(Hold.LOOP)),
        ("a & wait", Held(Hold.WAIT)),
        ("a & b", Held(Hold.WAIT)),
        ("f() { a & }; f; wait", Held(Hold.WAIT)),
        ("trap f SIGTERM INT; a; b", Held(Hold.TRAP, "b")),
        ("trap x 15; a", Held(Hold.TRAP, "a")),
    ],
)
def test_a_shell_stays(text: str, expected: Held) -> None:
    assert held(read(text), Yielding.SOLE) == expected


@pytest.mark.parametrize("text", ["a", "A=1 a", "a > b", "x; a", "x && a", "f() { x; }; f"])
def test_a_shell_that_gives_way_to_nothing_stays(text: str) -> None:
    assert held(read(text), Yielding.NEVER) is not None


@pytest.mark.parametrize(
    "text",
    [
        "a",
        "a > b",
        "x; a",
        "x && a",
        "x || a",
        "x\na",
        "if x; then a; else b; fi",
        "{ a; }",
        "(a)",
        "(exec a)",
        "A=1 a",
    ],
)
def test_a_shell_may_give_way_to_the_last_command(text: str) -> None:
    assert held(read(text), Yielding.LAST) is None


@pytest.mark.parametrize(
    "text",
    [
        "a || exit 1",
        "a; exit $?",
        "f() { a; }; f",
        "trap x INT; a",
        "a | b",
        "a & wait",
        "(exec a); exit",
        "exec sh -c 'x; a'",
    ],
)
def test_no_shell_gives_way_to_what_is_not_its_last_command(text: str) -> None:
    assert held(read(text), Yielding.LAST) is not None


def test_a_shell_that_is_executed_is_that_of_the_image() -> None:
    script = read("exec sh -c 'x && a'")
    found = [held(script, Yielding.NEVER, image=each) for each in ("debian:12", "alpine:3.20")]
    assert found == [Held(Hold.CHILD, "a"), None]


@pytest.mark.parametrize(
    "text",
    [
        *(
            "a; b",
            "a 2>&1",
            "a && b",
            "a &> b",
            "echo 'a & b'",
            "cat <<E\na & b\nE",
            "x=$(a & b)",
            "sleep 5 & wait $!; a",
        ),
        *("pm2 start a.js --no-daemon; b", "a; redis-server --daemonize no", "httpd -k start -DFOREGROUND"),
        *("sshd -D", "crond -f", "f() { a & b & }; c", "service a stop; b", "/etc/init.d/a status; b"),
    ],
)
def test_nothing_is_left_in_the_background(text: str) -> None:
    assert work(read(text)) == Work()


@pytest.mark.parametrize(
    "text",
    [
        *("a & wait", "a & P=$!; wait $P; exit $?", "a & sleep 5; b; wait", "a & while kill -0 $!; do sleep 1; done"),
        *("while x; do a & wait $!; done", "a &"),
    ],
)
def test_a_shell_that_waits_for_its_only_job_is_no_second_process(text: str) -> None:
    assert work(read(text)) == Work(("a",))


@pytest.mark.parametrize("text", ["a & b & wait; exec c", "for i in 1 2; do a & done; wait; c", "a & wait $!; rm x"])
def test_what_the_shell_has_waited_for_is_over(text: str) -> None:
    assert work(read(text)) == Work()


@pytest.mark.parametrize(
    ("text", "jobs"),
    [
        ("a & b", ("a",)),
        ("a & exec b", ("a",)),
        ("a & b & wait", ("a", "b")),
        ("a & b & wait -n; exit 1", ("a", "b")),
        ("a & sleep infinity", ("a",)),
        ("a & tail -f /dev/null", ("a",)),
        ("a & tail -f b.log", ("a",)),
        ("(sleep 5; a) & b", ("a",)),
        ("{ a | b; } & c", ("a",)),
        ("nohup a & wait", ("a",)),
        ("nohup a & sleep 1; wait", ("a",)),
        ("for i in 1 2; do a & done; wait", ("a", "a")),
        ("f() { a & }; f; b", ("a",)),
        ("service a start && b", ("a",)),
        ("/etc/init.d/a start; b", ("a",)),
        ("/usr/sbin/sshd; b", ("sshd",)),
        ("cron && b", ("cron",)),
        ("php-fpm8.3 -D && exec b", ("php-fpm8.3",)),
        ("gunicorn app:app --daemon; b", ("gunicorn",)),
        ("redis-server --daemonize yes && b", ("redis-server",)),
        ("pm2 start a.js && pm2 logs", ("pm2",)),
        ("apachectl -k start; b", ("apachectl",)),
    ],
)
def test_something_runs_in_the_background_beside_other_work(text: str, jobs: tuple[str, ...]) -> None:
    assert work(read(text)) == Work(jobs, several=True)


def test_functions_that_call_each_other_are_followed_only_so_far() -> None:
    chain = "".join(f"f{each}() {{ f{each + 1}; }}\n" for each in range(1000))
    assert (held(read(f"{chain}f0"), Yielding.SOLE), work(read(f"{chain}f0"))) == (None, Work())
