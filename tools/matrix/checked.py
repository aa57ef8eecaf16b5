"""The judgement of `productionpolicy check` on live objects, to hold against the operator's."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import yaml

from owners import manifests
from owners.manifests import Raw
from productionpolicy.offline import judge, read_documents
from productionpolicy.offline.judgement import WANTED
from productionpolicy.policy import read_policy
from productionpolicy.verdict import Outcome

POLICY = read_policy(manifests.policy("matrix"))


def violated(objects: Sequence[Raw]) -> frozenset[str]:
    """Return the expectations of which `check` finds violations."""
    text = yaml.dump_all(objects, Dumper=yaml.CSafeDumper)
    documents = read_documents("-", text.encode(), wanted=WANTED)
    judged = judge(documents, policy=POLICY, today=date.today())  # noqa: DTZ011  # no exemption ends here
    verdicts = (verdict for each in judged.workloads for verdict in each.verdicts)
    return frozenset(each.expectation for each in verdicts if each.outcome is Outcome.FAILED)
