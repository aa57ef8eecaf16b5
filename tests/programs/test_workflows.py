"""actionlint accepts the workflows, and they have least privilege and call `make`."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from control_plane import kubernetes
from workflows.programs import ACTIONLINT

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / ".github" / "workflows"
FILES = sorted(FOLDER.glob("*.yaml"))
RIGHTS = {
    "image": {"contents": "read", "packages": "write", "id-token": "write"},
    "chart": {"packages": "write", "id-token": "write"},
    "package": {"id-token": "write"},
    "notes": {"contents": "write"},
}
"""The jobs that may do more than read. All of them belong to the release."""


def workflow(name: str) -> dict[str, Any]:
    # YAML reads the key on as true.
    loaded: dict[str, Any] = yaml.load((FOLDER / f"{name}.yaml").read_text(), Loader=yaml.BaseLoader)
    return loaded


def jobs() -> list[tuple[str, dict[str, Any]]]:
    return [item for file in FILES for item in workflow(file.stem)["jobs"].items()]


def steps() -> list[dict[str, Any]]:
    return [step for _, job in jobs() for step in job["steps"]]


def linted(*files: Path) -> str:
    """Return the findings of actionlint, without those of optional programs."""
    command: list[str | Path] = [ACTIONLINT.ensure(), "-no-color", "-shellcheck=", "-pyflakes=", *files]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False).stdout


def test_actionlint_finds_nothing() -> None:
    assert [each.stem for each in FILES] == ["compat", "release", "test"]
    assert linted(*FILES) == ""


def test_actionlint_finds_a_mistake(tmp_path: Path) -> None:
    wrong = tmp_path / "wrong.yaml"
    wrong.write_text((FOLDER / "release.yaml").read_text().replace("steps.build.outputs", "steps.built.outputs"))

    assert 'property "built" is not defined' in linted(wrong)


@pytest.mark.parametrize("name", [each.stem for each in FILES])
def test_a_workflow_may_only_read_unless_a_job_declares_more(name: str) -> None:
    assert workflow(name)["permissions"] in ({}, {"contents": "read"})


def test_jobs_have_least_privilege_and_a_timeout() -> None:
    for name, job in jobs():
        assert job.get("permissions", {"contents": "read"}) == RIGHTS.get(name, {"contents": "read"})
        assert int(job["timeout-minutes"]) <= 180


def test_no_untrusted_text_is_expanded_into_a_script() -> None:
    for step in steps():
        assert re.findall(r"\$\{\{(?! matrix\.version )", step.get("run", "")) == []


def test_a_checkout_keeps_no_credentials() -> None:
    for step in steps():
        if step.get("uses", "").startswith("actions/checkout@"):
            assert step["with"]["persist-credentials"] == "false"


def test_an_action_is_named_by_a_version() -> None:
    for step in steps():
        if "uses" in step:
            assert re.fullmatch(r"[\w-]+/[\w-]+@(v\d+|release/v\d+|[0-9a-f]{40})", step["uses"])


def test_make_knows_what_the_workflows_ask_of_it() -> None:
    asked = {target for step in steps() for target in re.findall(r"make (?:--silent )?([a-z-]+)", step.get("run", ""))}
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE))

    assert asked == {"build", "chart", "compat", "in-cluster", "notes", "plugin", "test-fast"}
    assert asked <= targets


def test_compat_runs_on_every_supported_version() -> None:
    matrix = workflow("compat")["jobs"]["kubernetes"]["strategy"]["matrix"]

    assert matrix["version"] == [each.minor for each in kubernetes.releases()]


def test_nothing_is_published_before_the_tests_have_passed() -> None:
    release = workflow("release")["jobs"]

    def before(name: str) -> set[str]:
        needed = release[name].get("needs", [])
        direct = {needed} if isinstance(needed, str) else set(needed)
        return direct.union(*(before(each) for each in direct))

    for name in RIGHTS:
        assert {"prepare", "test"} <= before(name)
    assert before("notes") == release.keys() - {"notes"}
