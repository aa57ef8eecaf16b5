"""Laws that hold for every kind of object that the operator puts beside workloads."""

from __future__ import annotations

import pytest

from productionpolicy.controller.resources import BY_KIND
from productionpolicy.expectations import OWNED
from productionpolicy.expectations.pod_disruption_budget import PodDisruptionBudgetParameters
from productionpolicy.kube.neighbours import read_neighbour
from productionpolicy.kube.owned import Ownable, is_made_for
from productionpolicy.kube.workloads import read_workload
from productionpolicy.repairs import OwnedObject
from support.manifests import Raw, deployment, stateful_set

LONGEST = 253
WEB = read_workload(deployment())
DESIRED: list[OwnedObject] = [PodDisruptionBudgetParameters().terms(WEB.kind)]
"""One of each kind."""

every_kind = pytest.mark.parametrize("wanted", DESIRED, ids=lambda each: each.called)


def live(wanted: OwnedObject, raw: Raw = deployment(), *, owners: bool = False) -> Ownable:  # noqa: B008  # never changed
    workload = read_workload(raw)
    given = wanted.as_owners(workload, is_taken=lambda _kind, _name: False)
    read = read_neighbour(wanted.kind, given if owners else wanted.manifest(workload, policy="default"))
    assert isinstance(read, Ownable)
    return read


def test_each_kind_is_the_repair_of_an_expectation_and_is_watched() -> None:
    assert {type(each) for each in DESIRED} == {*OWNED}
    assert {each.kind for each in OWNED} <= BY_KIND.keys()


@every_kind
def test_what_was_created_is_recognised_and_as_it_should_be(wanted: OwnedObject) -> None:
    assert is_made_for(WEB, live(wanted))
    assert wanted.met_by(live(wanted), WEB)
    assert live(wanted).terms == wanted.words()


@every_kind
def test_what_was_created_for_another_workload_is_not_taken_for_its_own(wanted: OwnedObject) -> None:
    assert not is_made_for(WEB, live(wanted, stateful_set()))


@every_kind
def test_nothing_in_a_file_says_that_an_object_is_the_operators(wanted: OwnedObject) -> None:
    given = live(wanted, owners=True)
    assert not given.made_by_operator
    assert given.name != live(wanted).name


@every_kind
@pytest.mark.parametrize("raw", [deployment(), deployment("w" * 253)], ids=["short", "cut"])
def test_each_name_that_is_taken_gives_another_one(wanted: OwnedObject, raw: Raw) -> None:
    names: list[str] = []
    for _ in range(3):
        made = wanted.as_owners(read_workload(raw), is_taken=lambda kind, name: kind == wanted.kind and name in names)
        names.append(made["metadata"]["name"])
    assert (len(set(names)), max(map(len, names)) <= LONGEST) == (3, True)
