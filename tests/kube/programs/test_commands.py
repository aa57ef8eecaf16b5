"""Programs and their arguments."""

from __future__ import annotations

from time import process_time

import pytest

from productionpolicy.kube.programs.commands import first_of, is_shell, runner_of, shown, unwrapped, written

COMMANDS = ("make", "apk add", "pip* install", "python* -m pip install", "npm run dev", "tools/build")


@pytest.mark.parametrize(
    ("line", "inner"),
    [
        ("exec -a web make all", "make all"),
        ("sudo -u web env -i A=1 nice -n 5 make", "make"),
        ("time -o /tmp/spent make", "make"),
        ("command -p make", "make"),
        ("command -v make", "command -v make"),
        ("command -V make", "command -V make"),
        ("make", "make"),
    ],
)
def test_wrappers_are_taken_off(line: str, inner: str) -> None:
    assert unwrapped(tuple(line.split())) == tuple(inner.split())


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("make all", "make"),
        ("/usr/bin/make", "make"),
        ("tini -g -- sudo -E make", "make"),
        ("apk add", "apk add"),
        ("apk --no-cache --root /srv -U add curl", "apk add"),
        ("python3 -u -m pip --quiet install web", "python* -m pip install"),
        ("pip3.13 install web", "pip* install"),
        ("npm --prefix run run dev", "npm run dev"),
        ("/srv/tools/build all", "tools/build"),
        ("build all", None),
        ("web make", None),
        ("makeboard", None),
        ("apk", None),
        ("apk info add", None),
        ("apk --root add", "apk add"),
        ("npm run develop", None),
        ("command -v make", None),
        ("", None),
    ],
)
def test_a_command_is_known_by_its_words(line: str, command: str | None) -> None:
    assert first_of(COMMANDS, tuple(line.split())) == command


def test_where_no_command_is_sought_none_is_found() -> None:
    assert first_of((), ("make",)) is None


def test_the_first_of_several_commands_is_told() -> None:
    assert first_of(("make", "*"), ("make",)) == "make"
    assert first_of(("*", "make"), ("make",)) == "*"


@pytest.mark.parametrize("line", ["python " + "-m " * 40_000, "/" * 130_000, "apk " + "-a b " * 30_000])
def test_a_long_command_is_read_in_no_time(line: str) -> None:
    """A search that went back and forth would take minutes here."""
    before = process_time()
    assert first_of(COMMANDS, tuple(line.split())) is None
    assert process_time() - before < 2


@pytest.mark.parametrize(
    ("word", "expected"), [("sh", True), ("/bin/bash", True), ("mksh", True), ("fish", False), ("shell", False)]
)
def test_shells_are_known_by_name(word: str, *, expected: bool) -> None:
    assert is_shell(word) == expected


@pytest.mark.parametrize(
    ("name", "expected"), [("npm", "npm"), ("a b", "its command"), ("$X", "its command"), ("", "its command")]
)
def test_what_is_no_name_of_a_program_is_not_shown(name: str, expected: str) -> None:
    assert shown(name) == expected


@pytest.mark.parametrize(
    ("line", "manager"),
    [
        ("npm start", "npm"),
        ("npm --prefix app run serve", "npm"),
        ("/usr/local/bin/yarn start:prod", "yarn"),
        ("yarn workspace web start", "yarn"),
        ("tini -- pnpm --filter web start", "pnpm"),
        ("npx next start", "npx"),
        ("yarn next start", "yarn"),
        ("pnpm tsx server.ts", "pnpm"),
        ("corepack yarn start", "corepack"),
        ("npm ci", None),
        ("yarn", None),
        ("yarn --frozen-lockfile", None),
        ("pnpm install --prod", None),
        ("corepack enable", None),
        ("node start", None),
    ],
)
def test_package_managers_run_scripts(line: str, manager: str | None) -> None:
    assert runner_of(tuple(line.split())) == manager


@pytest.mark.parametrize(
    ("command", "line", "text"),
    [
        ("python* -m pip install", "/usr/bin/python3 -u -m pip install web", "python3 -m pip install"),
        ("yarn *:dev", "env A=1 yarn web:dev", "yarn web:dev"),
        ("apk add", "apk --no-cache add curl", "apk add"),
        ("yarn workspace * dev", "yarn workspace @shop/web dev", "yarn workspace @shop/web dev"),
        ("yarn *:dev", "yarn `web`:dev", "yarn *:dev"),
    ],
)
def test_a_command_is_shown_with_the_words_found(command: str, line: str, text: str) -> None:
    assert written(command, tuple(line.split())) == text
