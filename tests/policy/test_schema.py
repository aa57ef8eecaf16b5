"""The CustomResourceDefinition: structural, described and defaulted everywhere."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from productionpolicy.expectations import EXPECTATIONS
from productionpolicy.kube.identity import GROUP, PLURAL
from productionpolicy.policy.schema import custom_resource_definition
from productionpolicy.policy.spec import Spec
from productionpolicy.policy.status import MOST_NAMESPACES, MOST_VIOLATIONS

Schema = dict[str, Any]

DEFINITION = custom_resource_definition()
VERSION = DEFINITION["spec"]["versions"][0]
ROOT = VERSION["schema"]["openAPIV3Schema"]
SPEC, STATUS = ROOT["properties"]["spec"], ROOT["properties"]["status"]
EXPECTED = SPEC["properties"]["expectations"]["properties"]

EMPTY = (
    *("additionalDataStores", "disabledDataStores", "additionalHelpers", "disabledHelpers", "additionalNeededAtStart"),
    *("disabledNeededAtStart", "additionalPrograms", "disabledPrograms", "additionalImages", "disabledImages"),
    *("additionalAllowed", "disabledAllowed", "additionalCommands", "disabledCommands", "privateRegistries"),
    *("rollout.windows", "rollout.windows[].days", "rollout.freezes"),
)
"""Lists that are empty by default, which the API server need not write into every policy."""

CONDITION_FIELDS = {"type", "status", "reason", "message", "lastTransitionTime", "observedGeneration"}


def fields(schema: Schema, path: str) -> Iterator[tuple[str, Schema]]:
    """Return every field below a schema with its path."""
    for name, below in schema.get("properties", {}).items():
        yield f"{path}.{name}", below
        yield from fields(below, f"{path}.{name}")
        if "items" in below:
            yield from fields(below["items"], f"{path}.{name}[]")


SPEC_FIELDS = list(fields(SPEC, "spec"))
ALL_FIELDS = [*SPEC_FIELDS, *fields(STATUS, "status")]

every_field = pytest.mark.parametrize(("path", "schema"), ALL_FIELDS, ids=[path for path, _ in ALL_FIELDS])


def test_it_is_the_resource_that_the_documentation_names() -> None:
    names, spec = DEFINITION["spec"]["names"], DEFINITION["spec"]
    assert (spec["group"], VERSION["name"], spec["scope"]) == ("productionpolicy.dev", "v1alpha1", "Cluster")
    assert (names["kind"], names["plural"], names["shortNames"]) == ("ProductionPolicy", "productionpolicies", ["pp"])
    assert DEFINITION["metadata"]["name"] == f"{PLURAL}.{GROUP}"
    assert VERSION["subresources"] == {"status": {}}


def test_its_columns_are_those_of_the_documentation() -> None:
    columns = [(each["name"].upper(), each.get("priority", 0)) for each in VERSION["additionalPrinterColumns"]]
    normal = [name for name, priority in columns if priority == 0]
    wide = [name for name, priority in columns if priority == 1]
    assert (" ".join(normal), " ".join(wide)) == (
        "WORKLOADS COMPLIANT VIOLATING FAILED PENDING REPAIRED COMPLIANCE MODE READY AGE",
        "NAMESPACES PROFILE ENFORCED EXEMPT CONTESTED PROGRESSING",
    )


def test_its_columns_show_fields_that_there_are() -> None:
    paths = [each["jsonPath"].removeprefix(".").partition("[")[0] for each in VERSION["additionalPrinterColumns"]]
    there = {path for path, _ in ALL_FIELDS} | {"metadata.creationTimestamp"}
    assert [path for path in paths if path not in there] == []


@every_field
def test_every_field_is_described_by_a_sentence(path: str, schema: Schema) -> None:
    description = schema.get("description", "")
    assert description, path
    assert (description[0] == description[0].upper(), description.endswith("."), "\n" in description) == (
        True,
        True,
        False,
    )


@every_field
def test_every_field_has_one_type(path: str, schema: Schema) -> None:
    assert ("type" in schema) != schema.get("x-kubernetes-int-or-string", False), path


@every_field
def test_every_list_says_of_what_and_every_list_of_the_spec_how_long(path: str, schema: Schema) -> None:
    if schema.get("type") == "array":
        assert "type" in schema["items"]
        assert "maxItems" in schema or path.startswith("status")


@pytest.mark.parametrize(("path", "schema"), ALL_FIELDS, ids=[path for path, _ in ALL_FIELDS])
def test_every_object_defaults_to_an_empty_one_so_that_cel_sees_the_defaults_in_it(path: str, schema: Schema) -> None:
    if schema.get("type") == "object" and "required" not in schema:  # which an empty one would lack
        assert schema["default"] == {}, path


_TERMS = ("maxUnavailable", "minAvailable", "statefulSetMaxUnavailable")


@pytest.mark.parametrize(("path", "schema"), SPEC_FIELDS, ids=[path for path, _ in SPEC_FIELDS])
def test_every_field_of_the_spec_has_a_default_but_those_that_the_code_decides(path: str, schema: Schema) -> None:
    undecided = {"spec.mode"} | {f"spec.expectations.{each.name}.action" for each in EXPECTATIONS}
    undecided |= {f"spec.expectations.podDisruptionBudget.{name}" for name in _TERMS}
    undecided |= {f"spec.expectations.imagePullPolicy.{name}" for name in ("allowNever", "mutableTags")}
    undecided |= {"spec.rollout.freezes[].from", "spec.rollout.freezes[].to"}
    assert ("default" in schema) == (path not in undecided and not path.endswith(EMPTY)), path


def test_no_list_of_more_than_a_few_is_written_into_every_policy_but_the_one_that_admission_reads() -> None:
    lists = {path: schema["default"] for path, schema in SPEC_FIELDS if isinstance(schema.get("default"), tuple)}
    assert [path for path, default in lists.items() if len(default) > 3] == ["spec.exemptContainers"]


def test_what_may_be_disabled_is_what_is_built_in() -> None:
    lists = {
        f"{each.name}.{name}": entries for each in EXPECTATIONS for name, entries in each.parameters.built_in.items()
    }
    assert sorted(lists) == [
        "persistence.data_stores",
        "sidecars.helpers",
        "sidecars.needed_at_start",
        "singleProcess.programs",
        "toolchainImage.allowed",
        "toolchainImage.commands",
        "toolchainImage.images",
    ]
    stores = EXPECTED["persistence"]["properties"]["disabledDataStores"]
    assert stores["items"]["enum"] == list(lists["persistence.data_stores"])


def test_a_field_that_is_a_number_or_a_percentage_says_so_for_kubectl_explain() -> None:
    counts = [schema for _, schema in SPEC_FIELDS if "x-kubernetes-int-or-string" in schema]
    assert counts
    assert all(each["description"].startswith("A number such as 2, or a percentage such as '25%'. ") for each in counts)


def test_only_the_mode_is_required() -> None:
    required = {path: schema["required"] for path, schema in SPEC_FIELDS if "required" in schema}
    assert (ROOT["required"], SPEC["required"], required) == (["spec"], ["mode"], {})


def test_enums_are_camel_case() -> None:
    values = [value for _, schema in SPEC_FIELDS for value in schema.get("enum", ())]
    assert values
    assert [value for value in values if not (value[0].isupper() and value.isalnum())] == []


REFUSABLE = ("podDisruptionBudget", "readinessProbe", "resources", "imageTag")


@pytest.mark.parametrize("expectation", EXPECTATIONS, ids=lambda each: each.name)
def test_an_action_is_one_that_the_expectation_knows(expectation: Any) -> None:
    at_admission = {"replicas": ["Warn"], **{name: ["Warn", "Deny"] for name in REFUSABLE}}
    repair = ["Repair"] if expectation.repair else []
    possible = ["Ignore", "Audit", *at_admission.get(expectation.name, []), *repair]
    assert EXPECTED[expectation.name]["properties"]["action"]["enum"] == possible


def test_there_is_one_field_for_each_expectation_in_their_order() -> None:
    assert list(EXPECTED) == [each.name for each in EXPECTATIONS]


def test_a_count_may_be_a_number_or_a_percentage() -> None:
    assert SPEC["properties"]["rollout"]["properties"]["maxConcurrent"]["anyOf"] == [
        {"type": "integer"},
        {"type": "string"},
    ]


def test_numbers_have_the_bounds_that_the_code_has() -> None:
    sleep = EXPECTED["preStop"]["properties"]["sleepSeconds"]
    assert (sleep["minimum"], sleep["maximum"], sleep["default"]) == (1, 3600, 10)
    assert EXPECTED["terminationGracePeriod"]["properties"]["shutdownSeconds"]["minimum"] == 1


def test_the_name_is_short_enough_for_a_label() -> None:
    assert [each["rule"] for each in ROOT["x-kubernetes-validations"]] == ["size(self.metadata.name) <= 63"]


def test_every_rule_has_a_message() -> None:
    rules = [rule for _, schema in SPEC_FIELDS for rule in schema.get("x-kubernetes-validations", ())]
    assert len(rules) == 6
    assert all(rule["rule"] and rule["message"] for rule in rules)


def test_the_defaults_of_the_schema_are_those_of_the_code() -> None:
    assert msgspec.convert(defaults(SPEC, mode="Enforce"), Spec) == msgspec.convert({"mode": "Enforce"}, Spec)


def defaults(schema: Schema, **given: Any) -> Any:
    """Return what the API server fills in."""
    filled = dict(given)
    for name, below in schema.get("properties", {}).items():
        if name not in filled and "default" in below:
            filled[name] = defaults(below) if below["default"] == {} else below["default"]
    return filled


def test_conditions_are_those_of_the_api() -> None:
    conditions = STATUS["properties"]["conditions"]
    assert set(conditions["items"]["properties"]) == CONDITION_FIELDS
    assert (conditions["x-kubernetes-list-type"], conditions["x-kubernetes-list-map-keys"]) == ("map", ["type"])


def test_details_of_the_status_are_capped() -> None:
    capped = {name: STATUS["properties"][name]["maxItems"] for name in ("byNamespace", "violations")}
    assert capped == {"byNamespace": MOST_NAMESPACES, "violations": MOST_VIOLATIONS}


def test_what_earlier_versions_wrote_into_a_policy_is_dropped_by_the_api_server() -> None:
    """It prunes fields that a schema does not know, unless the schema tells it to keep them."""
    keeping = [path for path, schema in SPEC_FIELDS if "x-kubernetes-preserve-unknown-fields" in schema]
    assert (keeping, DEFINITION["spec"].get("preserveUnknownFields", False)) == ([], False)
    assert "dataStores" not in EXPECTED["persistence"]["properties"]
