"""A tokenizer for shell scripts, which returns words and operators."""

from __future__ import annotations

import re
from enum import Enum, auto

from msgspec import Struct

_DEEPEST = 40
"""The maximum nesting depth of brackets and quotes."""

_BLANK = re.compile(r"(?:[ \t\r]+|\\\r?\n|#[^\n]*)*+")
_REDIRECTION = re.compile(r"&>>?|(\d*)(>>|>&|>\||<<<|<<-|<<|<&|<>|<|>)")
_OPERATOR = re.compile(r"&&|\|\||;;&|;;|;&|\|&|[;&|()\n]")
_PIECE = re.compile(
    r"""(?P<plain>[^ \t\r\n;&|<>()'"`\\$]+)
    |   '(?P<single>[^']*+)'
    | \$'(?P<escapes>(?:[^'\\]|\\.)*+)'
    |  \\(?P<joint>\r?\n)
    |  \\(?P<escaped>.)
    |    (?P<open>\$?"|\$\(|\$\{)
    |    (?P<ticks>`(?:[^`\\]|\\.)*+`)
    |    (?P<dollar>\$)
    """,
    re.VERBOSE | re.DOTALL,
)
_INSIDE = re.compile(r"""\\.|["')}]|`(?:[^`\\]|\\.)*+`|\$\(|\$\{|\(""", re.DOTALL)
_CLOSING = {"$(": ")", "(": ")", "${": "}", '"': '"'}
_QUOTING = frozenset({"single", "escapes", "escaped"})


class Unclear(Exception):
    """A script is not understood."""


class TokenKind(Enum):
    """The kinds of tokens."""

    WORD = auto()
    OPERATOR = auto()
    REDIRECTION = auto()
    END = auto()


class Token(Struct, frozen=True):
    """A word without its quotes, or an operator."""

    text: str
    kind: TokenKind
    quoted: bool = False
    """Whether a part of it was in quotes, so that it is not a reserved word."""
    joined: bool = False
    """Whether it follows the previous token without a blank."""
    descriptor: int | None = None
    """The number of the redirected stream."""

    def reads(self, *texts: str) -> bool:
        """Return whether it is one of these operators or unquoted words."""
        return self.text in texts and not self.quoted


END = Token("", TokenKind.END)


def tokens_of(script: str) -> list[Token]:
    """Return the tokens of a script, the last of them END.

    The time is linear in the length of the script: each character is read once or twice.

    Raises:
        Unclear: quotes or brackets are not closed, or nest too deep.
    """
    scanner = _Scanner(script)
    found = [scanner.next()]
    while found[-1] is not END:
        found.append(scanner.next())
    return found


class _Scanner:
    """A position in a script, which advances with each token."""

    def __init__(self, script: str) -> None:
        self._script = script
        self._at = 0
        self._delimiters: list[str] = []
        self._redirecting = ""

    def next(self) -> Token:
        """Return the next token."""
        start = self._at
        self._take(_BLANK)
        if self._at == len(self._script):
            return END
        joined = self._at == start
        if self._script.startswith(("((", "<(", ">("), self._at):
            return self._bracketed()
        return self._redirection() or self._operator(joined=joined) or self._word(joined=joined)

    def _take(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        found = pattern.match(self._script, self._at)
        self._at = found.end() if found else self._at
        return found

    def _bracketed(self) -> Token:
        """Return arithmetic, or a process substitution, as one word."""
        opening = self._at if self._script[self._at] == "(" else self._at + 1
        start, self._at = self._at, _end(self._script, opening)
        return Token(self._script[start : self._at], TokenKind.WORD, quoted=True)

    def _redirection(self) -> Token | None:
        found = self._take(_REDIRECTION)
        if not found:
            return None
        self._redirecting = found[2] or found[0]
        number = int(found[1]) if found[1] and len(found[1]) == 1 else None
        return Token(self._redirecting, TokenKind.REDIRECTION, descriptor=number)

    def _operator(self, *, joined: bool) -> Token | None:
        found = self._take(_OPERATOR)
        if found and found[0] == "\n":
            self._skip_documents()
        return Token(found[0], TokenKind.OPERATOR, joined=joined) if found else None

    def _word(self, *, joined: bool) -> Token:
        pieces, quoted, start = [], False, self._at
        while found := self._take(_PIECE):
            kind = found.lastgroup or ""
            pieces.append(self._inner(found) if kind == "open" else "" if kind == "joint" else found[kind])
            quoted |= kind in _QUOTING or found[0].endswith('"')
        if self._at == start:
            raise Unclear
        word = Token("".join(pieces), TokenKind.WORD, quoted=quoted, joined=joined)
        self._note_delimiter(word.text)
        return word

    def _inner(self, found: re.Match[str]) -> str:
        """Return the content of double quotes, or an expansion as written."""
        opening = found.end() - 1 if found[0].endswith('"') else found.start()
        self._at = _end(self._script, opening)
        quoted = self._script[opening] == '"'
        return self._script[opening + 1 : self._at - 1] if quoted else self._script[opening : self._at]

    def _note_delimiter(self, word: str) -> None:
        if self._redirecting in {"<<", "<<-"}:
            self._delimiters.append(word)
        self._redirecting = ""

    def _skip_documents(self) -> None:
        """Advance past the here-documents of the previous line."""
        for delimiter in self._delimiters:
            self._skip_lines(delimiter)
        self._delimiters.clear()

    def _skip_lines(self, delimiter: str) -> None:
        while self._at < len(self._script):
            stop = self._script.find("\n", self._at)
            start, self._at = self._at, len(self._script) if stop < 0 else stop + 1
            if self._script[start : self._at].strip("\t\r\n") == delimiter:
                return


def _end(script: str, start: int) -> int:
    """Return the position after the closing quote or bracket for the one at `start`, with everything nested."""
    closing: list[str] = []
    while found := _INSIDE.search(script, start):
        start = _follow(script, found, closing)
        if not closing:
            return start
        if len(closing) > _DEEPEST:
            break
    raise Unclear


def _follow(script: str, found: re.Match[str], closing: list[str]) -> int:
    """Record what a mark opens or closes, and return the next position."""
    mark, inner = found[0], closing[-1] if closing else ""
    if mark == inner:
        closing.pop()
    elif mark == "'" and '"' not in closing:
        return _after_quote(script, found.end())
    elif mark in _CLOSING and not (mark == "(" and inner in {'"', "}"}):
        closing.append(_CLOSING[mark])
    return found.end()


def _after_quote(script: str, start: int) -> int:
    stop = script.find("'", start)
    if stop < 0:
        raise Unclear
    return stop + 1
