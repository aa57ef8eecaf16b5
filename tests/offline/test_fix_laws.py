"""Laws of changes in files: what `fix` writes is what was planned, and it touches nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from productionpolicy.cli.yardstick import PRODUCTION, limited
from productionpolicy.expectations import Action
from productionpolicy.offline import Document, propose, read_documents
from productionpolicy.offline.documents import decoded
from productionpolicy.offline.fix import ANSWERABLE, Edit, Rewritten, Task, encoded, rewritten, tasks
from productionpolicy.offline.judgement import WANTED
from productionpolicy.offline.parsing import NotParsed, parse
from productionpolicy.offline.pieces import cut
from productionpolicy.offline.proposal import Proposed
from productionpolicy.policy import Policy
from support.manifests import Raw
from support.policies import policy
from support.server import patched
from support.strategies import workloads
from support.world import TODAY


def is_input(path: Path) -> bool:
    """Return whether a case is a workload as its owner writes it, and not one with the notes of the operator."""
    return not path.name.endswith(".repaired.yaml") and "repairs.productionpolicy.dev" not in path.read_text()


ROOT = Path(__file__).parents[2]
FILES = [
    *sorted((ROOT / "tests" / "field" / "inputs").rglob("*.yaml")),
    *sorted((ROOT / "examples").rglob("*.yaml")),
    *(each for each in sorted((ROOT / "tests" / "expectations" / "cases").rglob("fails.*.yaml")) if is_input(each)),
]
FILE = "web.yaml"
OTHER = policy(
    podDisruptionBudget={"minAvailable": 1},
    spread={"method": "TopologySpread"},
    preStop={"sleepSeconds": 45, "containers": "All", "handler": "Exec"},
    terminationMessage={"action": "Repair"},
)
ASKED = limited(PRODUCTION, ANSWERABLE, repair=True, others=Action.AUDIT)


def read(content: bytes) -> list[Document]:
    return [each for each in read_documents(FILE, content, wanted=WANTED) if isinstance(each, Document)]


def to_do(content: bytes, governed_by: Policy = PRODUCTION, answered: Sequence[str] = ()) -> tuple[Task, ...]:
    return tasks(read(content), policy=governed_by, answered=answered, today=TODAY).tasks


def without(text: str, edits: Iterable[Edit], *, old: str) -> str:
    """Return a text after its edits are taken back."""
    parts, position, shift = [], 0, 0
    for each in sorted(edits, key=lambda edit: edit.start):
        start = each.start + shift
        parts += [text[position:start], old[each.start : each.end]]
        position, shift = start + len(each.text), shift + len(each.text) - (each.end - each.start)
    return "".join((*parts, text[position:]))


def meaning(content: bytes) -> list[Any]:
    """Return the values of all documents; the text of those that are not YAML."""
    return [each for each in map(value, cut(FILE, decoded(content))) if each is not None]


def value(piece: Any) -> Any:
    try:
        return parse(piece)
    except NotParsed:
        return piece.text


def intended(content: bytes, governed_by: Policy) -> list[Any]:
    """Return the values that the documents should have: each workload after the patch of its plan, and the budgets."""
    proposal = propose(read(content), policy=governed_by, today=TODAY)
    patches = {(each.key.kind, each.key.namespace, each.key.name): each for each in proposal.workloads}
    after = [with_patches(each, patches) for each in meaning(content)]
    return [*after, *(made.manifest for each in proposal.workloads for made in each.objects)]


def with_patches(raw: Any, patches: dict[tuple[str, str, str], Proposed]) -> Any:
    if not isinstance(raw, dict):
        return raw
    if raw.get("kind") == "List":
        return {**raw, "items": [with_patches(each, patches) for each in raw["items"]]}
    metadata = raw.get("metadata") or {}
    named = (str(raw.get("kind")), str(metadata.get("namespace") or ""), str(metadata.get("name")))
    proposed = patches.get(named)
    return patched(raw, {"spec": proposed.patch["spec"]}) if proposed and proposed.patch else raw


def check_laws(content: bytes, result: Rewritten, governed_by: Policy) -> None:
    old, new = decoded(content), decoded(result.content)
    assert encoded(without(new, result.edits, old=old), like=content) == content
    assert [each.what for each in rewritten(FILE, result.content, to_do(result.content, governed_by)).done] == []


def written(content: bytes, governed_by: Policy = PRODUCTION) -> Rewritten:
    """Return a file after the repairs of the plan; it must have the intended meaning."""
    planned = to_do(content, governed_by)
    result = rewritten(FILE, content, planned)
    check_laws(content, result, governed_by)
    if not result.refused:
        assert meaning(result.content) == intended(content, governed_by)
        assert propose(read(result.content), policy=governed_by, today=TODAY).changed == ()
    return result


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_a_file_gets_the_repairs_of_the_plan_and_nothing_else(path: Path) -> None:
    content = path.read_bytes()
    result = written(content)
    assert bool(result.edits or result.refused) == bool(to_do(content))


@pytest.mark.parametrize("path", [each for each in FILES if "cases" not in each.parts], ids=lambda path: path.stem)
def test_a_file_gets_what_another_policy_plans(path: Path) -> None:
    written(path.read_bytes(), OTHER)


@pytest.mark.parametrize("path", [each for each in FILES if "cases" not in each.parts], ids=lambda path: path.stem)
def test_a_file_gets_answers_once(path: Path) -> None:
    content = path.read_bytes()
    result = rewritten(FILE, content, to_do(content, ASKED, ANSWERABLE))
    again = rewritten(FILE, result.content, to_do(result.content, ASKED, ANSWERABLE))
    old = decoded(content)
    assert encoded(without(decoded(result.content), result.edits, old=old), like=content) == content
    assert [each.what for each in again.done] == []


class IndentedLists(yaml.SafeDumper):
    """Indents the items of lists below their key."""

    def increase_indent(self, flow: bool = False, indentless: bool = False) -> None:  # noqa: ARG002, FBT002  # as there
        super().increase_indent(flow, False)  # noqa: FBT003  # as there

    def ignore_aliases(self, _data: Any) -> bool:
        return True


class PlainLists(yaml.SafeDumper):
    """Leaves the items of lists below their key without indentation."""

    def ignore_aliases(self, _data: Any) -> bool:
        return True


BETWEEN = ["", "", "", "# note", "      # note: of the pod", "            # - deeper"]
AT_END = ["", "", "", "  # note", "\t# after a tab", " "]


@st.composite
def texts(draw: st.DrawFn, raw: Raw) -> bytes:
    """Return an object as the text of a file, in some style."""
    dumper = draw(st.sampled_from([IndentedLists, PlainLists]))
    flow, step = draw(st.sampled_from([False, False, None])), draw(st.sampled_from([2, 2, 4]))
    dumped = yaml.dump(raw, Dumper=dumper, sort_keys=False, default_flow_style=flow, indent=step, width=1000)
    lines: list[str] = []
    for line in dumped.splitlines():
        lines += [f"{line}{draw(st.sampled_from(AT_END))}", *filter(None, [draw(st.sampled_from(BETWEEN))])]
        lines += [""] * draw(st.sampled_from([0, 0, 0, 1]))
    lines = [*draw(st.sampled_from([[], ["---"], ["# first", "---"]])), *lines]
    lines += draw(st.sampled_from([[], [], ["..."], ["---"], ["---", "# nothing"]]))
    newline = draw(st.sampled_from(["\n", "\n", "\r\n"]))
    text = newline.join(lines) + draw(st.sampled_from([newline, newline, ""]))
    return text.encode(draw(st.sampled_from(["utf-8", "utf-8", "utf-8-sig", "utf-16"])))


def as_in_a_file(raw: Raw) -> Raw:
    """Return an object as its owner writes it, without what the API server adds."""
    named = {name: raw["metadata"][name] for name in ("name", "namespace")}
    return {name: each for name, each in {**raw, "metadata": named}.items() if name != "status"}


@settings(max_examples=50)
@given(workloads().map(as_in_a_file).flatmap(texts))
def test_in_every_style_the_text_gets_the_repairs_of_the_plan_and_nothing_else(content: bytes) -> None:
    assume(len(read(content)) == 1)
    written(content)


@settings(max_examples=50)
@given(workloads().flatmap(texts))
def test_objects_from_a_cluster_get_the_repairs_too(content: bytes) -> None:
    assume(len(read(content)) == 1)
    written(content)
