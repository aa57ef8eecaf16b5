"""The issue forms follow the schema of GitHub."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

FOLDER = Path(__file__).parents[2] / ".github" / "ISSUE_TEMPLATE"
FORMS = sorted(each for each in FOLDER.glob("*.yml") if each.stem != "config")
NEEDS = {
    "markdown": {"value"},
    "input": {"label"},
    "textarea": {"label"},
    "dropdown": {"label", "options"},
    "checkboxes": {"label", "options"},
}
"""The required attributes of each kind of field."""


def form(file: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load(file.read_text())
    return loaded


def test_there_is_one_for_bugs_and_one_for_features() -> None:
    assert [each.stem for each in FORMS] == ["bug", "feature"]


@pytest.mark.parametrize("file", FORMS, ids=lambda file: file.stem)
def test_a_form_has_what_github_requires(file: Path) -> None:
    body = form(file)["body"]
    asked = [each for each in body if each["type"] != "markdown"]

    assert {"name", "description", "labels", "body"} == form(file).keys()
    for each in body:
        assert NEEDS[each["type"]] <= each["attributes"].keys()
        assert each.keys() <= {"type", "id", "attributes", "validations"}
    for unique in ([each["id"] for each in asked], [each["attributes"]["label"] for each in asked]):
        assert len(set(unique)) == len(unique)
    assert any(each.get("validations", {}).get("required") for each in asked)
