"""A file is judged as the objects in it are: the example files of all expectations, read as text."""

from __future__ import annotations

import json

import pytest

from productionpolicy.kube.workloads import read_workload
from productionpolicy.offline import judge, read_documents
from productionpolicy.offline.judgement import WANTED, Judgement
from productionpolicy.verdict import audit
from support.checking import written
from support.examples import Example, examples
from support.surroundings import NEWEST
from support.world import TODAY

EXAMPLES = examples()
DERIVED = [each for each in EXAMPLES if read_workload(each.workload).derived]
OTHERS = [each for each in EXAMPLES if each not in DERIVED and each.server == NEWEST]
"""Files are judged as by the newest server."""


@pytest.mark.parametrize("example", OTHERS, ids=lambda each: each.name)
@pytest.mark.parametrize("form", ["yaml", "json"])
def test_a_file_is_judged_as_the_objects_in_it(example: Example, form: str) -> None:
    inputs = example.inputs(example.workload)
    found = next(each for each in judged(example, form).workloads if each.key == inputs.workload.key)
    assert [each for each in found.verdicts if each.expectation != "apiVersion"] == list(audit(inputs))


@pytest.mark.parametrize("example", DERIVED, ids=lambda each: each.name)
@pytest.mark.parametrize("form", ["yaml", "json"])
def test_what_another_object_makes_is_not_judged_itself(example: Example, form: str) -> None:
    assert judged(example, form).workloads == ()


def judged(example: Example, form: str) -> Judgement:
    objects = (example.workload, *example.others)
    text = written(*objects) if form == "yaml" else json.dumps({"kind": "List", "items": objects})
    return judge(read_documents("-", text.encode(), wanted=WANTED), policy=example.policy, today=TODAY)
