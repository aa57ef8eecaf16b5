"""A file is judged as the objects in it are: the example files of all expectations, read as text."""

from __future__ import annotations

import json

import pytest

from productionpolicy.offline import judge, read_documents
from productionpolicy.offline.judgement import KINDS
from productionpolicy.verdict import audit
from support.checking import written
from support.examples import Example, examples
from support.world import TODAY


@pytest.mark.parametrize("example", examples(), ids=lambda each: each.name)
@pytest.mark.parametrize("form", ["yaml", "json"])
def test_a_file_is_judged_as_the_objects_in_it(example: Example, form: str) -> None:
    case = example.case(example.workload)
    objects = (example.workload, *example.others)
    text = written(*objects) if form == "yaml" else json.dumps({"kind": "List", "items": objects})
    assert case.policy is not None
    judged = judge(read_documents("-", text.encode(), kinds=KINDS), policy=case.policy, today=TODAY)
    found = next(each for each in judged.workloads if each.key == case.workload.key)
    assert [each for each in found.verdicts if each.expectation != "apiVersion"] == list(audit(case))
