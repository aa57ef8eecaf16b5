"""The pages of the operator: what they say, that each leads to the next, and that they stay small."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import unescape
from urllib.parse import urljoin

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from productionpolicy.expectations import EXPECTATIONS
from productionpolicy.kube.identity import EXEMPT
from productionpolicy.kube.text import printable
from productionpolicy.kube.workloads import Workload
from productionpolicy.overview.cluster import Known, Snapshot, answer
from productionpolicy.overview.cluster.listing import NAMESPACES_PER_PAGE, WORKLOADS_PER_PAGE
from productionpolicy.verdict import Exempted, State
from productionpolicy.verdict.report import Reported
from productionpolicy.verdict.rollout_notes import FailedRollout
from support.hostile import TEXTS, hostile
from support.known import NOW, day, known, many, snapshot, with_drains
from support.manifests import container, deployment
from support.policies import only, policy

ORIGIN = "http://localhost:8081"
WEB = "/workloads/shop/Deployment/web"
MOST_BYTES = 500_000
FAILED = FailedRollout(("preStop",), at="2026-06-15T10:00:00Z", workload="aa", policy="bb", resumed="cc", pod="db-1")


def html(of: Snapshot, target: str = "/") -> str:
    made = answer(of, target)
    assert (made.status, made.type) == (200, "text/html; charset=utf-8")
    return made.body.decode()


def text_of(page: str) -> str:
    """Return what a reader sees, on one line."""
    body = page.partition("<body>")[2]
    return re.sub(r"\s+", " ", unescape(re.sub(r"<[^>]*>", " ", body)))


def told(of: Snapshot, target: str = "/") -> str:
    return text_of(html(of, target))


def shop() -> Snapshot:
    """Return two namespaces: one workload fulfills all that is asked of it."""
    asked = only("replicas", "preStop")
    sleeping = container(lifecycle={"preStop": {"sleep": {"seconds": 10}}})
    workloads = (
        known(deployment(pod={"containers": [sleeping]}), by=asked),
        known(deployment("api", replicas=1), by=asked),
        known(deployment("cart", metadata={"namespace": "bank"}), by=asked),
    )
    return snapshot(*workloads, by=asked)


def reworded(each: Known, *, workload: Workload | None = None, rolling: bool = False, **changes: object) -> Known:
    return Known(replace(each.report, **changes), workload or each.workload, rolling)


def test_the_first_page_has_the_totals() -> None:
    page = told(shop())
    assert "1 of 3 workloads has no findings." in page
    assert re.search(r"bank 0% 1 1 1 shop 50% 2 1 2", page)
    assert re.search(r"replicas Enough replicas to lose one 66% 2 1 0 0 0", page)


def test_figures_have_their_names() -> None:
    figures = re.findall(r"<dt>([^<]*)</?d[td][^>]*>([^<]*)", html(shop()).partition("class=figures")[2])
    numbers = dict(figures)
    assert {name: numbers[name] for name in ("compliance", "workloads", "with findings", "findings")} == {
        "compliance": "33%",
        "workloads": "3",
        "with findings": "2",
        "findings": "3",
    }


def test_compliance_is_counted_as_in_the_status() -> None:
    repairing = reworded(known(deployment()), state=State.REPAIRING, findings=(), rolling=True)
    of = snapshot(repairing, reworded(known(deployment("api")), state=State.EXEMPT, findings=()))
    assert of.policies[0].status.compliance == "50%"
    page = html(of)
    assert "2 of 2 workloads have no findings." in text_of(page)
    assert "<dt>compliance<dd>50%" in page
    assert f"<title>{NOW.date().isoformat()}: 1 of 2 workloads compliant</title>" in page


def test_a_workload_has_its_findings_with_reason_and_remedy() -> None:
    of = shop()
    (api,) = [each for each in of.workloads if each.key.name == "api"]
    for target in ("/workloads", "/workloads/shop/Deployment/api"):
        page = told(of, target)
        for each in api.report.findings:
            assert f"{each.path} {each.message} Remedy: {each.remedy}" in page
        assert "preStop (sleep 10s: web)" in page


def test_why_the_operator_does_not_repair_is_told() -> None:
    owned = deployment(metadata={"ownerReferences": [{"controller": True, "kind": "Release", "name": "x", "uid": "1"}]})
    each = known(owned, by=only("preStop"))
    assert each.report.findings[0].reason
    assert f"Not repaired: {each.report.findings[0].reason}" in told(snapshot(each), WEB)


def test_contested_repairs_name_who_undoes_them() -> None:
    each = reworded(
        known(deployment()), state=State.CONTESTED, contests=(("preStop", "argocd undid the repair 2 times"),)
    )
    for target in ("/", WEB):
        assert "preStop argocd undid the repair 2 times" in told(snapshot(each), target)
    assert "contested" in told(snapshot(each), "/workloads?state=contested")


def test_rollouts_in_progress_and_those_that_were_rolled_back_are_listed() -> None:
    started = {"rollout.productionpolicy.dev/started": "preStop,spread at 2026-06-15T10:59:00Z, after revision 3 [ab]"}
    rolling = known(deployment(metadata={"annotations": started}, replicas=3), rolling=True)
    failed = reworded(known(deployment("db")), state=State.FAILED, failed_rollout=FAILED)
    page = told(snapshot(rolling, failed))
    assert "1 in progress, 1 rolled back" in page
    assert "Deployment shop/web preStop, spread 2026-06-15T10:59:00Z 0 of 3 updated, 0 available" in page
    assert "Deployment shop/db preStop 2026-06-15T10:00:00Z delete the pod db-1" in page
    assert "It brings preStop, spread, and began at 2026-06-15T10:59:00Z." in told(snapshot(rolling), WEB)
    assert "was rolled back; it brought preStop. What is left to do: delete the pod db-1." in told(
        snapshot(failed), "/workloads/shop/Deployment/db"
    )


def test_repairs_in_place_are_listed() -> None:
    note = {"repairs.productionpolicy.dev/preStop": "sleep 10s: web", "repairs.productionpolicy.dev/policy": "default"}
    hook = container(lifecycle={"preStop": {"sleep": {"seconds": 10}}})
    each = known(deployment(metadata={"annotations": note}, pod={"containers": [hook]}))
    assert each.report.repaired == {"preStop"}
    assert "Repairs in place expectation repair preStop sleep 10s: web" in told(snapshot(each), WEB)


def test_only_exemptions_that_end_soon_are_on_the_first_page() -> None:
    ends = {"soon": "until=2026-07-01", "later": "until=2027-07-01", "never": "for ever"}
    workloads = [
        known(deployment(name, metadata={"annotations": {f"{EXEMPT}preStop": f"it reads {until}"}}))
        for name, until in ends.items()
    ]
    page = told(snapshot(*workloads))
    assert "Deployment shop/soon preStop 2026-07-01 it reads" in page
    assert "3 exemptions in effect, ending within 30 days: 1." in page
    assert "shop/later preStop" not in page
    assert "shop/never preStop" not in page


@pytest.mark.parametrize(
    ("rollout", "expected"),
    [
        ({}, "at any time"),
        ({"windows": [{"from": "10:00", "to": "12:00"}]}, "now, a window is open"),
        ({"windows": [{"from": "02:00", "to": "05:00"}]}, "from 2026-06-16 02:00 UTC"),
        (
            {"windows": [{"from": "02:00"}], "freezes": [{"from": "2026-06-10", "to": "2026-06-20"}]},
            "from 2026-06-21 02:00 UTC, frozen until 2026-06-20",
        ),
    ],
)
def test_the_next_window_of_a_policy_is_told(rollout: dict[str, object], expected: str) -> None:
    by = policy(spec={"rollout": rollout})
    assert f" Enforce Production {expected} " in told(snapshot(known(deployment(), by=by), by=by))


def test_a_policy_that_writes_nothing_says_so() -> None:
    for spec, mode in (({"mode": "Audit"}, "Audit"), ({"paused": True}, "paused")):
        by = policy(spec=spec)
        assert f" {mode} Production never in this mode " in told(snapshot(known(deployment(), by=by), by=by))


def test_audits_of_drains_are_told_with_links_to_the_workloads_in_question() -> None:
    of = with_drains(shop())
    page = told(of)
    assert "of 5 nodes, 1 cannot be drained, for 2 it is not known." in page
    assert "node-1 Deployment shop/web why do" in page
    assert "Deployment shop/gone zone zone-a until it is back" in page
    assert len(list(followed(of))) > 3
    assert "Drains" not in told(shop())


def test_conditions_are_told() -> None:
    assert "default Ready True Valid it is valid" in told(shop())


def test_the_last_days_are_a_chart_and_a_table() -> None:
    days = (day(2, workloads=4, compliant=1, findings=9), day(1, workloads=4, compliant=2, findings=7))
    page = html(snapshot(*many(3), days=days))
    assert page.count("<rect") == 6
    assert "<title>2026-06-13: 1 of 4 workloads compliant</title>" in page
    assert "Since yesterday: workloads -1, compliant -2, findings +8." in text_of(page)
    assert re.search(r"2026-06-15 0% 3 3 15 2026-06-14 50% 4 2 7 2026-06-13 25% 4 3 9", text_of(page))


def test_a_gap_in_the_days_is_named() -> None:
    page = told(snapshot(*many(1), days=[day(4, workloads=1, compliant=0, findings=5)]))
    assert "Nothing has changed since 2026-06-11." in page


def test_the_days_of_several_policies_add_up() -> None:
    one, other = snapshot(*many(2), days=[day(1, workloads=2, compliant=2, findings=0)]), snapshot(*many(1))
    both = replace(one, policies=(*one.policies, *other.policies))
    assert re.search(r"2026-06-15 0% 3 3 15 2026-06-14 100% 2 0 0", told(both))


def test_one_policy_can_be_shown_alone() -> None:
    strict = only("replicas", spec={"mode": "Audit"})
    mine, others = snapshot(known(deployment(), by=strict), by=strict), shop()
    both = replace(others, policies=(*others.policies, replace(mine.policies[0], name="strict")))
    page = told(both, "/?policy=strict")
    assert "Production readiness by policy strict" in page
    assert "0 of 0 workloads have no findings." in page


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("", ["bank/cart", "shop/api", "shop/web"]),
        ("?namespace=bank", ["bank/cart"]),
        ("?expectation=replicas", ["shop/api"]),
        ("?expectation=preStop&namespace=shop", ["shop/api"]),
        ("?state=compliant", ["shop/web"]),
        ("?policy=default&state=contested", []),
    ],
)
def test_lists_show_what_is_asked_for(query: str, names: list[str]) -> None:
    page = html(shop(), f"/workloads{query}")
    assert re.findall(r"(?:<strong>|>)Deployment (\w+/\w+)(?:</strong>|</a>)", page) == names


def links(page: str) -> set[str]:
    return {unescape(each) for each in re.findall(r"<a href=\"?([^\" >]*)", page)}


def followed(of: Snapshot, *, origin: str = f"{ORIGIN}/") -> Iterator[str]:
    """Follow all links from the first page, as a browser does, and yield the pages."""
    todo, seen = [origin], {origin}
    while todo:
        address = todo.pop()
        assert address.startswith(origin)
        made = answer(of, f"/{address.removeprefix(origin)}")
        assert made.status == 200, (address, made.body[-500:])
        if made.type.startswith("text/html"):
            page = made.body.decode()
            yield page
            found = {urljoin(address, each).partition("#")[0] for each in links(page)} - seen
            seen |= found
            todo += sorted(found)


@pytest.mark.parametrize("origin", [f"{ORIGIN}/", f"{ORIGIN}/api/v1/namespaces/x/services/y:page/proxy/"])
def test_every_link_leads_to_a_page(origin: str) -> None:
    of = snapshot(*many(WORKLOADS_PER_PAGE + 5, namespaces=3), days=[day(1, workloads=1, compliant=1, findings=0)])
    assert len(list(followed(of, origin=origin))) > WORKLOADS_PER_PAGE


@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_hostile_text_stays_text_on_every_page(text: str) -> None:
    workloads = [known(each) for each in hostile(text)[:3]]
    pages = list(followed(snapshot(*workloads)))
    assert len(pages) > 8
    for page in pages:
        assert "<script" not in page
        assert all(each.isprintable() for each in page.split("\n"))
    assert any(printable(text.split("\n", maxsplit=1)[0]) in unescape(page) for page in pages)


def test_pages_of_thousands_of_workloads_stay_small() -> None:
    of = snapshot(*many(5000, namespaces=NAMESPACES_PER_PAGE + 1))
    for target in ("/", "/namespaces", "/namespaces?page=2", "/workloads", "/workloads?page=50"):
        assert len(html(of, target)) < MOST_BYTES
    assert "Page 1 of 50 Next" in told(of, "/workloads")
    assert "Page 50 of 50 Previous" in told(of, "/workloads?page=50")
    assert told(of, "/workloads?page=51").count("Deployment ns-") == WORKLOADS_PER_PAGE


def test_a_workload_with_thousands_of_findings_and_long_texts_does_not_make_pages_large() -> None:
    finding = Reported("replicas", "x" * 200_000, "y" * 200_000, "z" * 200_000)
    reason = Exempted("preStop", "r" * 200_000, "2026-06-20")
    large = reworded(
        known(deployment()), findings=(finding,) * 20_000, exemptions=(reason,) * 100, changes=("c" * 200_000,) * 100
    )
    of = snapshot(large)
    for target in ("/", "/workloads", WEB, "/api/v1/workloads"):
        assert len(answer(of, target).body) < 3_000_000
    assert "20,000 findings" in told(of, "/workloads")
    assert "Not listed: 19,950 findings." in told(of, "/workloads")
    assert "Not listed: 19,500 findings." in told(of, WEB)


def test_pages_list_every_workload_once() -> None:
    of = snapshot(*many(250, namespaces=7))
    names = [
        each
        for page in ("1", "2", "3")
        for each in re.findall(r"<strong>Deployment (ns-\d/web-\d+)", html(of, f"/workloads?page={page}"))
    ]
    assert (len(names), len(set(names))) == (250, 250)


def test_an_operator_that_is_not_ready_says_so() -> None:
    for target in ("/", "/workloads", "/namespaces"):
        page = told(replace(shop(), fault="listing"), target)
        assert "The operator is not ready (listing), so this page may be incomplete." in page


def test_a_cluster_without_policies_says_what_to_do() -> None:
    empty = Snapshot(NOW)
    assert "kubectl label namespace NAME productionpolicy.dev/policy=POLICY" in told(empty)
    assert "kubectl label namespace NAME productionpolicy.dev/policy=POLICY" in told(empty, "/workloads")
    assert "0 namespaces with workloads." in told(empty, "/namespaces")


@pytest.mark.parametrize(
    ("target", "status", "advice"),
    [
        ("/nothing", 404, "There is no page “/nothing”."),
        ("/workloads/shop/Deployment/wbe", 404, "did you mean web?"),
        ("/workloads/shop/StatefulSet/web", 404, "there is a Deployment of this name"),
        ("/workloads?namespace=shpo", 404, "did you mean shop?"),
        ("/workloads?expectation=prestop", 404, "did you mean preStop?"),
        ("/workloads?state=broken", 400, "state is one of contested, failed, repairing"),
        ("/workloads?page=0", 400, "page is a number from 1 to 1000000, not “0”"),
        ("/workloads?pgae=2", 400, "takes policy, namespace, expectation, state, page, not “pgae”"),
        ("/?policy=nobody", 404, "there is no ProductionPolicy “nobody”"),
        ("/namespaces?x=1&" + "&".join(f"a{each}=1" for each in range(40)), 400, "the query cannot be read"),
        ("/../../etc/passwd", 404, "There is no page “/../../etc/passwd”."),
        ("//evil.example/", 404, "There is no page"),
        ("http://evil.example/", 404, "There is no page"),
        ("", 404, "There is no page"),
        ("*", 404, "There is no page"),
    ],
)
def test_what_is_not_there_is_answered_with_what_is(target: str, status: int, advice: str) -> None:
    made = answer(shop(), target)
    page = text_of(made.body.decode())
    assert made.status == status
    assert advice.lower() in page.lower()
    assert "/api/v1/workloads/NAMESPACE/KIND/NAME" in page


TARGETS = st.one_of(
    st.text(max_size=60),
    st.builds("/{}/{}?{}={}".format, st.sampled_from(["workloads", "api/v1"]), st.text(), st.text(), st.text()),
    st.builds("/workloads/{}/{}/{}".format, st.text(), st.text(), st.text()),
    st.builds(
        "/workloads?{}={}".format, st.sampled_from(["policy", "namespace", "expectation", "state", "page"]), st.text()
    ),
)


@settings(max_examples=150, deadline=None)
@given(TARGETS)
def test_any_target_has_an_answer(target: str) -> None:
    made = answer(SHOP, target)
    assert made.status in (200, 400, 404)
    assert b"<script" not in made.body


SHOP = shop()


def test_each_expectation_can_be_asked_for() -> None:
    assert {answer(SHOP, f"/workloads?expectation={each.name}").status for each in EXPECTATIONS} == {200}
