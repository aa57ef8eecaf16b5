"""Text that is made to do harm where it is shown."""

from __future__ import annotations

from productionpolicy.kube.identity import CONTESTED, EXEMPT, REPAIRS, REPAIRS_POLICY
from support.manifests import Raw, container, deployment

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


def hostile(text: str) -> list[Raw]:
    """Return manifests that hold a text wherever one may stand."""
    names = {"name": text, "namespace": text, "labels": {text: text}, "annotations": _notes(text)}
    shown = container(text, image=f"{text}:latest", env=[{"name": f"PASSWORD{text}", "value": text}], command=[text])
    return [
        deployment(metadata=names, replicas=1, pod={"containers": [shown], text: text, "serviceAccountName": text}),
        deployment(replicas=text, pod={"containers": [container(image=f"{text}/web"), container(text)]}),
        deployment("valid", metadata={"annotations": _notes(text)}, pod={"containers": [container(command=[text])]}),
        {**deployment("other"), "apiVersion": text},
    ]


def _notes(text: str) -> dict[str, str]:
    return {
        f"{EXEMPT}{text}": text,
        f"{EXEMPT}preStop": f"{text} until={text}",
        f"{REPAIRS}preStop": text,
        REPAIRS_POLICY: text,
        f"{CONTESTED}spread": f"undone 2x, last by {text} [abc]",
    }
