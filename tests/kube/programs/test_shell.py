"""Shell scripts as they are read."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from productionpolicy.kube.programs.processes import Yielding, held, work
from productionpolicy.kube.programs.shell import (
    LONGEST,
    STDERR,
    STDOUT,
    Compound,
    Form,
    Redirection,
    Script,
    Simple,
    read_script,
)

PIECES = st.sampled_from(
    [
        *(
            "a",
            "b",
            " ",
            "\n",
            ";",
            "&",
            "&&",
            "||",
            "|",
            "(",
            ")",
            "((",
            "))",
            "{",
            "}",
            "$(",
            "${",
            "`",
            '"',
            "'",
            "\\",
        ),
        *(
            "#",
            "<",
            ">",
            "<<E\n",
            "E\n",
            "2>&1",
            "&>",
            ">(",
            "$'",
            "if ",
            "then ",
            "elif ",
            "else ",
            "fi",
            "while ",
            "do ",
        ),
        *(
            "done",
            "for i in ",
            "case x in ",
            "esac",
            ";;",
            "function ",
            "f() ",
            "[[ ",
            " ]]",
            "a=(",
            "exec ",
            "trap ",
            "x=",
        ),
        *("wait", "nohup ", "tee /var/log/a.log", "service x start", "sleep 1", ". /x", "\t", "\r\n", "\0", "ä", "!"),
    ]
)
SCRIPTS = st.lists(PIECES, max_size=40).map("".join) | st.text(max_size=60)
MOST_SECONDS = 10
"""For the longest script, with all that is asked of it; a script that took quadratic time would take minutes."""


def read(text: str) -> Script:
    script = read_script(text)
    assert script is not None
    return script


def words(text: str) -> list[tuple[str, ...]]:
    return [each.words for each in read(text).commands()]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a b", [("a", "b")]),
        ("a 'b c' \"d e\" f\\ g", [("a", "b c", "d e", "f g")]),
        ("a \\\n b", [("a", "b")]),
        ("a # b; c\nd#e", [("a",), ("d#e",)]),
        ("A=1 b=2 c d=3", [("c", "d=3")]),
        ("a=(x y\n z) b", [("b",)]),
        ("echo \"it's\" 'a \"b\"' # don't", [("echo", "it's", 'a "b"')]),
        ("a $(b 'c)' \"d)\") e", [("a", "$(b 'c)' \"d)\")", "e")]),
        ('a "$(b "c ; d")" ; e', [("a", '$(b "c ; d")'), ("e",)]),
        ("a ${b:-'}'} `c ; d`", [("a", "${b:-'}'}", "`c ; d`")]),
        ("a $((1 + (2))) $'b\\'c'", [("a", "$((1 + (2)))", "b\\'c")]),
        ("curl 'http://x/?a=1&b=2' && c", [("curl", "http://x/?a=1&b=2"), ("c",)]),
        ("cat <<E >f\na & b\nit's\nE\nc", [("cat",), ("c",)]),
        ("cat <<-'E' <<F\n\ta\n\tE\nb\nF\nc", [("cat",), ("c",)]),
        ("cat <<< 'a & b'; c", [("cat",), ("c",)]),
        ("[[ a && b =~ ^(x|y)$ ]] && c", [("[[",), ("c",)]),
        ("((i++)); a", [("((i++))",), ("a",)]),
        ("diff <(a | b) c", [("diff", "<(a | b)", "c")]),
        ("! time a", [("a",)]),
        ("", []),
    ],
)
def test_commands_are_read_with_their_words(text: str, expected: list[tuple[str, ...]]) -> None:
    assert words(text) == expected


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("{ a; }", Form.GROUP),
        ("(a)", Form.SUBSHELL),
        ("if x; then a; fi", Form.CHOICE),
        ("if x\nthen a\nelif y; then b\nelse c\nfi", Form.CHOICE),
        ("case $1 in x|y) a;; (z) b ;; *) c; esac", Form.CHOICE),
        ("while x; do a; done", Form.LOOP),
        ("until x\ndo\na\ndone", Form.LOOP),
        ("for i in 1 2; do a; done", Form.LOOP),
        ("for ((i=0; i<3; i++)); do a; done", Form.LOOP),
        ("for i\ndo a; done", Form.LOOP),
    ],
)
def test_compound_commands_are_read(text: str, form: Form) -> None:
    (statement,) = read(text).statements
    (command,) = statement.pipelines[0].commands
    assert isinstance(command, Compound)
    assert (command.form, ("a",) in words(text)) == (form, True)


@pytest.mark.parametrize("text", ["f() { a; }; f", "function f { a; }\nf", "function f() (a)\nf", "f ()\n{\n a\n}\nf"])
def test_functions_are_known_by_name(text: str) -> None:
    script = read(text)
    assert (list(script.functions), words(text)[0], words(text)[-1]) == (["f"], ("a",), ("f",))


@pytest.mark.parametrize(
    ("text", "background"),
    [
        ("a &", [True]),
        ("a & b", [True, False]),
        ("a && b & c", [True, False]),
        ("a 2>&1", [False]),
        ("a &> b", [False]),
        ("a && b || c", [False]),
        ("curl x?a=1\\&b=2", [False]),
    ],
)
def test_only_a_single_ampersand_starts_a_job(text: str, background: list[bool]) -> None:
    assert [each.background for each in read(text).statements] == background


def test_pipelines_hold_their_commands() -> None:
    (statement,) = read("a | b |& c || d").statements
    assert [len(each.commands) for each in statement.pipelines] == [3, 1]


@pytest.mark.parametrize(
    ("text", "file", "streams"),
    [
        ("a > f", "f", {STDOUT}),
        ("a >>f", "f", {STDOUT}),
        ("a 2> 'f'", "f", {STDERR}),
        ("a &> f", "f", {STDOUT, STDERR}),
        ("a >& f", "f", {STDOUT, STDERR}),
        ("a 2>&1", None, {STDERR}),
        ("a >&-", None, {STDOUT}),
        ("a < f", None, {STDOUT}),
        ("while a; do b; done > f", "f", {STDOUT}),
    ],
)
def test_redirections_tell_which_stream_goes_where(text: str, file: str | None, streams: set[int]) -> None:
    command = read(text).statements[0].pipelines[0].commands[0]
    (redirection,) = command.redirections
    assert (redirection.file, redirection.streams) == (file, frozenset(streams))


def test_a_number_before_a_word_is_no_stream() -> None:
    assert read("a b2>f").statements[0].pipelines[0].commands == (Simple(("a", "b2"), (Redirection(">", "f"),)),)


UNCLEAR = [
    *(
        "'",
        '"',
        "$(",
        "`a",
        "${a",
        "(a",
        "a)",
        "((a)",
        "[[ a",
        "a >",
        "a \\",
        "& a",
        "a &&",
        "a |",
        "a; ;; b",
        "x=(a; b)",
    ),
    *("{ a", "if a", "if a; then b", "fi", "done", "case x in a) b", "f() ", "for i in a; b", "while a; do b"),
]


@pytest.mark.parametrize("text", UNCLEAR)
def test_what_is_not_understood_is_no_script(text: str) -> None:
    assert read_script(text) is None


@pytest.mark.parametrize("text", ["( " * 30 + "a" + " )" * 30, "a() " * 30 + "b", '"$(' * 41, "f" * (LONGEST + 1)])
def test_what_nobody_writes_is_not_read(text: str) -> None:
    assert read_script(text) is None


@given(text=SCRIPTS)
def test_any_text_is_a_script_or_none(text: str) -> None:
    script = read_script(text)
    if script is not None:
        held(script, Yielding.LAST)
        work(script)
        assert all(isinstance(each, Simple) for each in script.commands())


@settings(max_examples=25)
@given(pieces=st.lists(PIECES, min_size=1, max_size=4))
def test_the_longest_script_is_read_in_time(pieces: list[str]) -> None:
    piece = "".join(pieces)
    before = process_time()
    script = read_script((piece * LONGEST)[:LONGEST])
    if script is not None:
        held(script, Yielding.LAST)
        work(script)
    assert process_time() - before < MOST_SECONDS


@pytest.mark.parametrize("text", ["a;" * 10**6, "'" * 10**6, "((" * 10**6])
def test_a_script_that_no_kernel_would_start_is_not_read(text: str) -> None:
    before = process_time()
    assert read_script(text) is None
    assert process_time() - before < 1
