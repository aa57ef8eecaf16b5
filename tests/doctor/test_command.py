"""`productionpolicy doctor` without a cluster."""

from __future__ import annotations

import json
from pathlib import Path

from click.testing import CliRunner

from productionpolicy.cli.doctor import command


def kubeconfig(folder: Path, server: str) -> str:
    file = folder / "config"
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "local", "cluster": {"server": server}}],
        "users": [{"name": "me", "user": {"token": "a-token"}}],
        "contexts": [{"name": "local", "context": {"cluster": "local", "user": "me"}}],
        "current-context": "local",
    }
    file.write_text(json.dumps(content))
    return str(file)


def test_a_context_that_does_not_exist_is_one_clear_error(tmp_path: Path) -> None:
    arguments = ["--kubeconfig", kubeconfig(tmp_path, "http://127.0.0.1:1"), "--context", "prod"]
    run = CliRunner().invoke(command, arguments)
    assert run.exit_code == 2
    assert "has no context prod" in run.stderr


def test_groups_need_a_user(tmp_path: Path) -> None:
    arguments = ["--kubeconfig", kubeconfig(tmp_path, "http://127.0.0.1:1"), "--as-group", "admins"]
    run = CliRunner().invoke(command, arguments)
    assert run.exit_code == 2
    assert "--as-group needs --as" in run.stderr
