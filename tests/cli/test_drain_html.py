"""The page of `productionpolicy drain`: what it says, and that it stays small."""

from __future__ import annotations

import json
import re
from html import unescape
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from productionpolicy.cli.drains import html
from productionpolicy.cli.drains.html import page
from productionpolicy.cli.drains.timeline import MOST_CELLS, Fate, fate_of, row_of
from productionpolicy.cli.drains.told import Part, Told
from productionpolicy.cli.formats.origin import Origin
from productionpolicy.cli.main import main
from productionpolicy.drain import Blocker, Dark, Key, NodeOutcome, Outcome, PendingPod, Step
from productionpolicy.drain import Result as Becomes
from productionpolicy.page.markup import rendered
from support.hostile import MARKUP
from support.scenes import budget, deployment, node
from support.snapshots import write_snapshot

A, B = node("a", zone="east"), node("b", zone="west")
WEB = Key("shop", "Deployment", "web")


def play(file: Path, *arguments: str) -> Result:
    return CliRunner().invoke(main, ["drain", "--from", str(file), *arguments])


def text_of(page: str) -> str:
    """Return what a reader sees, on one line."""
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", page.partition("<body>")[2])))


def shown(tmp_path: Path, *arguments: str) -> str:
    parts = deployment("web", ["a", "a"]), deployment("kept", ["b"]), budget("kept", app="kept", minAvailable=1)
    file = write_snapshot(tmp_path, A, B, *parts, deployment("big", ["a"], cpu="3"), deployment("wide", ["b"], cpu="3"))
    return play(file, *arguments, "-o", "html").stdout


def step(number: int, *, to: str = "b", successor: str = "shop/web-new", ready: bool = True) -> Step:
    return Step(number, f"shop/web-{number}", WEB, number, successor, to, ready)


def told(*nodes: NodeOutcome, dark: tuple[Dark, ...] = ()) -> Told:
    return Told(Origin("prod"), (Part("", Outcome(nodes, dark)),))


def test_the_page_says_what_the_json_report_says(tmp_path: Path) -> None:
    text = text_of(shown(tmp_path, "--all-nodes"))
    report = json.loads(play(tmp_path / "cluster.json", "--all-nodes", "-o", "json").stdout)
    for run in report["now"]:
        for each in run["nodes"]:
            assert f"{each['name']} {each['result']} {len(each['steps'])}" in text
            for blocker in each["blockers"]:
                assert f"{blocker['reason']} {blocker['remedy']}" in text
            for evicted in each["steps"]:
                assert evicted["pod"] in text
        for dark in run["dark"]:
            assert f"Deployment shop/{dark['workload']['name']} for {dark['steps']} step" in text
    assert "pods that fit nowhere" in text


def test_it_compares_with_the_repairs(tmp_path: Path) -> None:
    text = text_of(shown(tmp_path, "--all-nodes"))
    assert "After the repairs of the policy: " in text
    assert "keeps a ready pod" in text
    without = text_of(shown(tmp_path, "--all-nodes", "--no-repairs"))
    assert "After the repairs" not in without
    assert "Repairs of not played" in without


def test_it_tells_which_pods_wait_only_until_drained_nodes_are_back(tmp_path: Path) -> None:
    parts = A, B, deployment("web", ["a", "b"], cpu="3")
    waits, fits_nowhere = (
        text_of(play(write_snapshot(tmp_path, *parts), "a", "--no-repairs", "-o", "html", *more).stdout)
        for more in ([], ["--keep-cordoned"])
    )
    assert "and no pod would fit nowhere. 1 pod would wait until drained nodes are back." in waits
    assert "Pods that wait until drained nodes are back" in waits
    assert "and 1 pod would fit nowhere." in fits_nowhere
    assert "Pods that wait" not in fits_nowhere


def test_it_says_what_was_played(tmp_path: Path) -> None:
    text = text_of(shown(tmp_path, "--node", "a", "--force", "--surge", "1"))
    assert "What happens if nodes of prod are drained" in text
    assert "Options --force --surge 1" in text
    assert "Cluster prod, Kubernetes v1.37.2" in text
    assert "Repairs of the default repairs" in text


def test_failures_have_a_row_each(tmp_path: Path) -> None:
    text = text_of(shown(tmp_path, "--all-nodes", "--fail", "zone"))
    assert "What happens if nodes of prod fail" in text
    assert "zone east 3" in text
    assert "if zone east fails, until others replace its pods" in text


def test_what_is_not_known_is_named(tmp_path: Path) -> None:
    file = write_snapshot(tmp_path, A, B, deployment("web", ["a", "b"]), unread="poddisruptionbudgets.policy")
    text = text_of(play(file, "--node", "a", "-o", "html").stdout)
    assert "What is not known" in text
    assert "the budgets could not all be read: Forbidden: no rights" in text


def test_what_chance_decides_is_marked() -> None:
    perhaps = PendingPod("shop/web-1", WEB, "full", certain=False)
    text = text_of(page(told(NodeOutcome("a", Becomes.DRAINS, (step(1),), pending=(perhaps,)))))
    assert "full (may happen: the choices of the scheduler or the order of the evictions decide)" in text


@pytest.mark.parametrize(
    ("found", "fate"),
    [
        (step(1), Fate.READY),
        (step(1, ready=False), Fate.STARTS),
        (step(1, to=""), Fate.NOWHERE),
        (step(1, to="", successor=""), Fate.GONE),
    ],
)
def test_a_step_has_a_fate(found: Step, fate: Fate) -> None:
    assert fate_of(found) is fate


def test_a_row_tells_what_it_shows_to_those_who_hear_it() -> None:
    outcome = NodeOutcome("a", Becomes.BLOCKED, (step(1), step(2, to="")), (Blocker("shop/x", WEB, "no", ""),))
    drawn = rendered(row_of(outcome, longest=2))
    assert 'aria-label="2 evictions in 2 rounds: 1 ready elsewhere, 1 without a node; 1 pod would stay"' in drawn
    assert re.findall(r"<i class=(\"?[\w ]+)", drawn) == ["ready", '"nowhere a']


def test_a_row_with_many_evictions_shows_the_worst_of_several() -> None:
    steps = tuple(step(number, to="" if number == 500 else "b") for number in range(1, 1001))
    drawn = rendered(row_of(NodeOutcome("a", Becomes.DRAINS, steps), longest=1000))
    assert drawn.count("<i ") == MOST_CELLS
    assert len(re.findall(r"nowhere", drawn.partition(">")[2])) == 1


def test_a_large_page_leaves_out_the_evictions_and_stays_small() -> None:
    steps = tuple(step(number) for number in range(1, 21))
    blocked = (Blocker("shop/web-1", WEB, "no " * 30, "do " * 30, ("shop/web",)),)
    pods = tuple(
        PendingPod(f"shop/web-{each}", Key("shop", "Deployment", f"w{each}"), "full " * 20) for each in range(800)
    )
    nodes = [NodeOutcome(f"node-{each}", Becomes.BLOCKED, steps, blocked, pods) for each in range(500)]
    dark = tuple(Dark(Key("shop", "Deployment", f"w{each}"), 3, each + 1) for each in range(2000))
    run = Part("", Outcome(tuple(nodes), dark))
    large = page(Told(Origin("prod"), (run,), (run,), repairs=5))
    assert len(large.encode()) < html.MOST_BYTES
    assert "id=evictions" not in large
    assert "And 1,600 more, which -o json lists." in large


def test_a_page_that_would_be_too_large_leaves_out_the_evictions(monkeypatch: pytest.MonkeyPatch) -> None:
    outcome = told(NodeOutcome("a", Becomes.DRAINS, (step(1),)))
    assert "id=evictions" in page(outcome)
    monkeypatch.setattr(html, "MOST_BYTES", 100)
    assert "id=evictions" not in page(outcome)


def test_markup_in_names_stays_text() -> None:
    hostile = Key(MARKUP, "Deployment", MARKUP)
    outcome = told(NodeOutcome(MARKUP, Becomes.UNKNOWN, (step(1),), unknown=(MARKUP,)), dark=(Dark(hostile, 1, 1),))
    assert MARKUP not in page(outcome)
    assert re.sub(r"\s+", " ", MARKUP).strip() in text_of(page(outcome))
