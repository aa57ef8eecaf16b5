"""Text that is made to do harm where it is shown."""

from __future__ import annotations

ESCAPES = "\x1b[31mred\x1b[0m"
TITLE = "\x1b]0;owned\x07"
CSI = "\x9b2J"
BIDI = "\u202etxet\u202c\u2066\u200f"
LINES = "a\n::error title=owned::b\r\n##[set-output name=c]d\u2028e\x85f"
MARKUP = "[bold red]x[/] <script>alert(1)</script> ]]> & [click](https://registry.example) `x` | y"
COMMANDS = "::error::owned ##[error]owned ##vso[task.setvariable variable=x]owned %0A::error::x"
TEXTS = {
    "escapes": ESCAPES,
    "title": TITLE,
    "CSI": CSI,
    "bidi": BIDI,
    "lines": LINES,
    "markup": MARKUP,
    "commands": COMMANDS,
    "NUL and DEL": "a\x00b\x7fc",
    "not a character": "a\ufffeb\U000e0001c",
}


def obeyed(text: str) -> list[str]:
    """Return the lines of an output in which something stands that a terminal or a runner of pipelines would obey."""
    return [each for each in text.split("\n") if not each.isprintable() or "##[" in each or "##vso[" in each]
