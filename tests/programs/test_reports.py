"""The reports on all examples, decoded into the types of the projects whose kinds they are."""

from __future__ import annotations

import subprocess

import msgspec
import pytest

from productionpolicy.reports import Form, report_on
from productionpolicy.verdict import evaluate
from reports.programs import DECODE
from support.examples import examples
from support.manifests import Raw
from support.policies import policy
from support.server import defaulted

AUDITING = policy(spec={"mode": "Audit"})


def reports(form: Form) -> list[Raw]:
    """Return the report on each example."""
    inputs = (each.inputs(defaulted(each.workload), governed_by=AUDITING) for each in examples())
    return [report_on(evaluate(each), form, most=100) for each in inputs]


def run(text: bytes) -> subprocess.CompletedProcess[str]:
    return subprocess.run([DECODE.ensure()], input=text.decode(), capture_output=True, text=True, check=False)


@pytest.mark.parametrize("form", Form, ids=lambda each: each.kind)
def test_the_types_of_their_projects_hold_them_without_a_remainder(form: Form) -> None:
    made = reports(form)
    done = run(b"\n".join(map(msgspec.json.encode, made)))
    assert (done.stderr, done.stdout.strip()) == ("", str(len(made)))


@pytest.mark.parametrize("form", Form, ids=lambda each: each.kind)
def test_a_field_that_a_type_lacks_is_noticed(form: Form) -> None:
    made = reports(form)[0]
    done = run(msgspec.json.encode({**made, "verdict": "fine"}))
    assert (done.returncode, done.stderr.strip()) == (1, 'report 1: unknown field "verdict"')
