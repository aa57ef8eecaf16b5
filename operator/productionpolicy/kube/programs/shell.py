"""A parser for shell scripts. It returns statements, or nothing if it does not understand the whole script.

It supports enough of sh and bash to find out what a script starts, and in which order. Expansions stay as written, the
bodies of here-documents are left out, and nothing is executed.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from enum import Enum, auto
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from productionpolicy.kube.programs.words import Token, TokenKind, Unclear, tokens_of

LONGEST = 131_071
"""The maximum length of an argument on Linux in bytes (MAX_ARG_STRLEN); a longer script never runs."""

_DEEPEST = 25
_ASSIGNMENT = re.compile(r"[A-Za-z_]\w*(?:\[[^\]]*\])?\+?=")
_NAME = re.compile(r"[^\s=$]+")
_CLOSERS = frozenset({"then", "elif", "else", "fi", "do", "done", "esac", "}", "in"})
_CLAUSE_ENDS = (";;", ";&", ";;&")
_STREAM = re.compile(r"\d+-?|-")
_TO_FILE = frozenset({">", ">>", ">|", "&>", "&>>", ">&"})
_BOTH = frozenset({"&>", "&>>", ">&"})
STDOUT, STDERR = 1, 2


class Redirection(Struct, frozen=True):
    """A redirection of a stream of a command."""

    operator: str
    target: str
    descriptor: int | None = None

    @property
    def file(self) -> str | None:
        """The file that is written; None if no file is."""
        copies = self.operator == ">&" and _STREAM.fullmatch(self.target) is not None
        return self.target if self.operator in _TO_FILE and not copies else None

    @property
    def streams(self) -> frozenset[int]:
        """The streams that it redirects."""
        if self.operator in _BOTH and self.file is not None:
            return frozenset({STDOUT, STDERR})
        return frozenset({STDOUT if self.descriptor is None else self.descriptor})


class Simple(Struct, frozen=True):
    """A command and its words; without words, it only assigns variables or defines a function."""

    words: tuple[str, ...] = ()
    redirections: tuple[Redirection, ...] = ()


class Form(Enum):
    """The kinds of compound commands."""

    GROUP = auto()
    SUBSHELL = auto()
    CHOICE = auto()
    """`if` and `case`."""
    LOOP = auto()


class Compound(Struct, frozen=True):
    """Statements that are one command."""

    form: Form
    branches: tuple[tuple[Statement, ...], ...] = ()
    conditions: tuple[Statement, ...] = ()
    redirections: tuple[Redirection, ...] = ()


Command = Simple | Compound


class Pipeline(Struct, frozen=True):
    """Commands that are connected by pipes; usually a single command."""

    commands: tuple[Command, ...]
    negated: bool = False
    """Whether it begins with `!`, so that it succeeds if the last command fails."""


class Statement(Struct, frozen=True):
    """Pipelines joined by `&&` and `||`."""

    pipelines: tuple[Pipeline, ...]
    background: bool = False
    operators: tuple[str, ...] = ()
    """What joins each pipeline to the next: `&&` or `||`."""


class Script(Struct, frozen=True):
    """A parsed script."""

    statements: tuple[Statement, ...] = ()
    functions: Mapping[str, Command] = {}

    def commands(self) -> Iterator[Simple]:
        """Return all simple commands, including those of functions and loops, in the order of the script."""
        return _simple(self.pipelines())

    def pipelines(self) -> Iterator[Pipeline]:
        """Return all pipelines, outer before inner ones; functions come first."""
        defined = (Pipeline((body,)) for body in self.functions.values())
        return _with_inner([*defined, *_joined(self.statements)])


def simple_commands(command: Command) -> Iterator[Simple]:
    """Return the simple commands in a command."""
    return _simple(_with_inner([Pipeline((command,))]))


def _simple(pipelines: Iterator[Pipeline]) -> Iterator[Simple]:
    return (each for pipeline in pipelines for each in pipeline.commands if isinstance(each, Simple))


def _joined(statements: tuple[Statement, ...]) -> list[Pipeline]:
    return [pipeline for statement in statements for pipeline in statement.pipelines]


def _with_inner(pipelines: list[Pipeline]) -> Iterator[Pipeline]:
    """Return pipelines, each before its inner pipelines."""
    waiting = pipelines[::-1]
    while waiting:
        pipeline = waiting.pop()
        yield pipeline
        for command in reversed(pipeline.commands):
            if isinstance(command, Compound):
                parts = (command.conditions, *command.branches)
                waiting += [each for statements in parts for each in _joined(statements)][::-1]


@lru_cache(maxsize=16)  # several expectations read the scripts of one workload, one after the other
def read_script(text: str) -> Script | None:
    """Return the statements of a script; None if it is not understood."""
    if len(text) > LONGEST:
        return None
    try:
        return _Reader(tokens_of(text)).script()
    except Unclear:
        return None


class _Reader:
    """A position in the tokens of a script, which advances with each command."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._depth = 0
        self._functions: dict[str, Command] = {}

    def script(self) -> Script:
        statements = self._statements()
        if self._token.kind is not TokenKind.END:
            raise Unclear
        return Script(statements, self._functions)

    @property
    def _token(self) -> Token:
        return self._tokens[self._at]

    def _next(self) -> Token:
        """Return the token and advance past it; END stays, because nothing follows it."""
        token = self._token
        self._at += token.kind is not TokenKind.END
        return token

    def _takes(self, *texts: str) -> bool:
        """Advance past the token if it is one of these."""
        taken = self._token.kind is not TokenKind.END and self._token.reads(*texts)
        self._at += taken
        return taken

    def _expect(self, *texts: str) -> str:
        found = self._token.text
        if not self._takes(*texts):
            raise Unclear
        return found

    def _skip(self, *texts: str) -> None:
        while self._takes(*texts):
            pass

    def _statements(self, *ends: str) -> tuple[Statement, ...]:
        """Return the statements up to the first of `ends`, or up to the end of the script."""
        found = []
        self._skip(";", "\n")
        while self._token.kind is not TokenKind.END and not self._token.reads(*ends):
            found.append(self._statement())
            self._skip(";", "\n")
        return tuple(found)

    def _statement(self) -> Statement:
        pipelines, operators = [self._pipeline()], list[str]()
        while self._token.reads("&&", "||"):
            operators.append(self._expect("&&", "||"))
            self._skip("\n")
            pipelines.append(self._pipeline())
        return Statement(tuple(pipelines), background=self._takes("&"), operators=tuple(operators))

    def _pipeline(self) -> Pipeline:
        self._skip("time", "-p")
        negated = self._takes("!")
        self._skip("!", "time", "-p")
        commands = [self._command()]
        while self._takes("|", "|&"):
            self._skip("\n")
            commands.append(self._command())
        return Pipeline(tuple(commands), negated=negated)

    def _command(self) -> Command:
        self._depth += 1
        if self._depth > _DEEPEST or self._token.reads(*_CLOSERS):
            raise Unclear
        command = self._compound() or self._test() or self._function() or self._simple()
        self._depth -= 1
        return command

    def _compound(self) -> Compound | None:
        token = self._token
        read = None if token.quoted else _COMPOUNDS.get(token.text)
        if read is None:
            return None
        found = read(self, self._next().text)
        return replace(found, redirections=tuple(self._redirections()))

    def group(self, opening: str) -> Compound:
        """Read `{ … }` or `( … )`."""
        closing = {"{": "}", "(": ")"}[opening]
        statements = self._statements(closing)
        self._expect(closing)
        return Compound(Form.SUBSHELL if opening == "(" else Form.GROUP, (statements,))

    def choice(self, opening: str) -> Compound:
        """Read `if … fi`."""
        conditions, branches = list[Statement](), list[tuple[Statement, ...]]()
        while opening != "fi":
            if opening in {"if", "elif"}:
                conditions += self._statements("then")
                opening = self._expect("then")
            else:
                branches.append(self._statements("elif", "else", "fi"))
                opening = self._expect("elif", "else", "fi")
        return Compound(Form.CHOICE, tuple(branches), tuple(conditions))

    def loop(self, _opening: str) -> Compound:
        """Read `while … done` or `until … done`."""
        conditions = self._statements("do")
        self._expect("do")
        body = self._statements("done")
        self._expect("done")
        return Compound(Form.LOOP, (body,), conditions)

    def walk(self, _opening: str) -> Compound:
        """Read `for … done` or `select … done`."""
        while self._token.kind is TokenKind.WORD and not self._token.reads("do"):
            self._next()
        return self.loop("for")

    def case(self, _opening: str) -> Compound:
        """Read `case … esac`."""
        self._next()
        self._skip("\n")
        self._expect("in")
        self._skip("\n")
        branches = []
        while not self._takes("esac"):
            self._pattern()
            branches.append(self._statements(*_CLAUSE_ENDS, "esac"))
            self._skip(*_CLAUSE_ENDS, "\n")
        return Compound(Form.CHOICE, tuple(branches))

    def _pattern(self) -> None:
        self._takes("(")
        while not self._takes(")"):
            if self._token.kind is not TokenKind.WORD and not self._token.reads("|"):
                raise Unclear
            self._next()

    def _test(self) -> Simple | None:
        """Read `[[ … ]]`, in which operators have another meaning."""
        if not self._takes("[["):
            return None
        while not self._takes("]]"):
            if self._next().kind is TokenKind.END:
                raise Unclear
        return Simple(("[[",), tuple(self._redirections()))

    def _function(self) -> Simple | None:
        """Read `function name { … }`."""
        if not self._takes("function"):
            return None
        name = self._next()
        if self._takes("("):
            self._expect(")")
        return self._defined(name)

    def _defined(self, name: Token) -> Simple:
        if name.kind is not TokenKind.WORD or not _NAME.fullmatch(name.text):
            raise Unclear
        self._skip("\n")
        self._functions[name.text] = self._command()
        return Simple()

    def _simple(self) -> Simple:
        start, words, redirections = self._at, list[str](), list[Redirection]()
        while self._token.kind in {TokenKind.WORD, TokenKind.REDIRECTION}:
            redirections += self._redirections()
            words += self._words(first=not words)
            if len(words) == 1 and self._token.reads("("):
                return self._definition(start)
        if self._at == start:
            raise Unclear
        return Simple(tuple(words), tuple(redirections))

    def _definition(self, start: int) -> Simple:
        """Read `name() { … }` after its name."""
        self._next()
        self._expect(")")
        return self._defined(self._tokens[start])

    def _words(self, *, first: bool) -> Iterator[str]:
        """Return the current word, unless it assigns a variable before any command."""
        if self._token.kind is not TokenKind.WORD:
            return
        word = self._next()
        assigns = _ASSIGNMENT.match(word.text) is not None
        if assigns and word.text.endswith("=") and self._token.joined and self._takes("("):
            self._elements()
        if not (first and assigns):
            yield word.text

    def _elements(self) -> None:
        """Advance past the elements of an array."""
        while not self._takes(")"):
            if self._token.kind is not TokenKind.WORD and not self._token.reads("\n"):
                raise Unclear
            self._next()

    def _redirections(self) -> Iterator[Redirection]:
        while self._token.kind is TokenKind.REDIRECTION:
            token, target = self._next(), self._next()
            if target.kind is not TokenKind.WORD:
                raise Unclear
            yield Redirection(token.text, target.text, token.descriptor)


_COMPOUNDS: Mapping[str, Callable[[_Reader, str], Compound]] = {
    "{": _Reader.group,
    "(": _Reader.group,
    "if": _Reader.choice,
    "while": _Reader.loop,
    "until": _Reader.loop,
    "for": _Reader.walk,
    "select": _Reader.walk,
    "case": _Reader.case,
}
