"""JUnit XML with a suite for each workload and a test for each expectation."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TextIO
from xml.etree.ElementTree import Element, ElementTree, SubElement, indent

from productionpolicy.offline import Judged, Judgement, Located, NotJudged, Unread
from productionpolicy.offline.gathering import place_of
from productionpolicy.verdict import Outcome

_UNREADABLE, _NOT_JUDGED = "unreadable", "not judged"


def write(judgement: Judgement, out: TextIO) -> None:
    """Write the report as JUnit XML."""
    tree = ElementTree(_root(judgement))
    indent(tree)
    out.write('<?xml version="1.0" encoding="utf-8"?>\n')
    tree.write(out, encoding="unicode")
    out.write("\n")


def _root(judgement: Judgement) -> Element:
    root = Element("testsuites", name="productionpolicy")
    for each in judgement.workloads:
        _add_workload(root, each)
    if judgement.unreadable:
        _add_unreadable(root, judgement.unreadable)
    if judgement.not_judged:
        _add_not_judged(root, judgement.not_judged)
    for name in ("tests", "failures", "errors", "skipped"):
        root.set(name, str(sum(int(suite.get(name, "0")) for suite in root)))
    return root


def _add_workload(root: Element, workload: Judged) -> None:
    suite = SubElement(root, "testsuite", _in_file(workload.file), name=workload.title)
    for verdict in workload.verdicts:
        where = ": ".join(filter(None, (workload.file, workload.title)))
        test = _test(suite, verdict.expectation, where, workload.file, workload.line)
        if verdict.outcome is Outcome.FAILED:
            _fail(test, workload, [each for each in workload.findings if each.expectation == verdict.expectation])
        elif verdict.outcome is not Outcome.PASSED:
            reason = workload.unknown.get(verdict.expectation)
            SubElement(test, "skipped", message=": ".join(filter(None, (str(verdict.outcome), reason))))
    _count(suite)


def _fail(test: Element, workload: Judged, findings: list[Located]) -> None:
    failure = SubElement(test, "failure", message=findings[0].message, type=findings[0].expectation)
    failure.text = "\n".join(
        ": ".join(filter(None, (place_of(workload.file, each.line), each.path, f"{each.message}; {each.remedy}")))
        for each in findings
    )


def _add_unreadable(root: Element, unreadable: Iterable[Unread]) -> None:
    suite = SubElement(root, "testsuite", name=_UNREADABLE)
    for each in unreadable:
        test = _test(suite, f"line {each.line}", each.file, each.file, each.line)
        SubElement(test, "error", message=each.message, type=_UNREADABLE).text = f"{each.file}:{each.line}"
    _count(suite)


def _add_not_judged(root: Element, left_out: Iterable[NotJudged]) -> None:
    suite = SubElement(root, "testsuite", name=_NOT_JUDGED)
    for each in left_out:
        test = _test(suite, each.title, each.file or _NOT_JUDGED, each.file, each.line)
        SubElement(test, "skipped", message=each.reason)
    _count(suite)


def _test(suite: Element, name: str, classname: str, file: str, line: int) -> Element:
    place = {**_in_file(file), "line": str(line)} if file else {}
    return SubElement(suite, "testcase", place, name=name, classname=classname)


def _in_file(file: str) -> dict[str, str]:
    """Return the attribute with the file; an object in a cluster has none."""
    return {"file": file} if file else {}


def _count(suite: Element) -> None:
    counts = {"tests": "testcase", "failures": "testcase/failure", "errors": "testcase/error"}
    for name, path in {**counts, "skipped": "testcase/skipped"}.items():
        suite.set(name, str(len(suite.findall(path))))
