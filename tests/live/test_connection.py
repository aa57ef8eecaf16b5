"""Which cluster is meant, as kubectl would understand it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from productionpolicy.controller.connection import NoConnection
from productionpolicy.live.access import Access
from productionpolicy.live.connection import target


def kubeconfig(folder: Path, *names: str, current: str = "") -> Path:
    file = folder / "config"
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": each, "cluster": {"server": f"https://{each}.example"}} for each in names],
        "users": [{"name": "me", "user": {"token": "a-token"}}],
        "contexts": [{"name": each, "context": {"cluster": each, "user": "me", "namespace": "shop"}} for each in names],
        "current-context": current,
    }
    file.write_text(json.dumps(content))
    return file


async def test_the_current_context_is_meant_unless_another_is_named(tmp_path: Path) -> None:
    file = kubeconfig(tmp_path, "test", "prod", current="prod")
    current, other = await target(Access(file)), await target(Access(file, context="test"))
    assert (current.context, current.namespace) == ("prod", "shop")
    assert current.connection.configuration.host == "https://prod.example"
    assert other.connection.configuration.host == "https://test.example"


async def test_a_context_that_does_not_exist_is_named_with_those_that_do(tmp_path: Path) -> None:
    with pytest.raises(NoConnection, match="has no context pord; pass --context NAME, one of prod, test"):
        await target(Access(kubeconfig(tmp_path, "test", "prod"), context="pord"))


async def test_without_a_current_context_one_has_to_be_named(tmp_path: Path) -> None:
    with pytest.raises(NoConnection, match="has no current context"):
        await target(Access(kubeconfig(tmp_path, "test")))


async def test_a_mistake_in_a_kubeconfig_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("apiVersion: v1\nclusters: [\n")
    with pytest.raises(NoConnection, match=r"config: it is not valid YAML \(line 3, column 1\): "):
        await target(Access(tmp_path / "config"))


async def test_a_folder_is_no_kubeconfig(tmp_path: Path) -> None:
    with pytest.raises(NoConnection, match="it is a folder; pass a file"):
        await target(Access(tmp_path))
