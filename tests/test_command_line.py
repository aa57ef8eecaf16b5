"""What a person reads who makes a mistake at the command line."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from productionpolicy.cli.run import command


def run(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-W", "error", "-m", "productionpolicy", *arguments]
    return subprocess.run(command, capture_output=True, text=True, env=environment, timeout=30, check=False)


def last_line(done: subprocess.CompletedProcess[str]) -> str:
    assert "Traceback" not in done.stderr
    return done.stderr.strip().splitlines()[-1]


def test_help_teaches() -> None:
    text = " ".join(run("run", "--help").stdout.split())
    assert "kubectl get productionpolicies" in text
    assert "kubectl apply -k manifests/" in text


def test_outside_of_a_cluster_it_asks_for_a_kubeconfig() -> None:
    done = run("run")
    assert done.returncode == 1
    assert last_line(done).endswith("pass --kubeconfig FILE, such as ~/.kube/config, or set KUBECONFIG")


@pytest.mark.parametrize("text", ["x: [", "a: 1", "", "\x00"], ids=["half a list", "no kubeconfig", "empty", "binary"])
def test_a_kubeconfig_that_cannot_be_read_is_named(tmp_path: Path, text: str) -> None:
    broken = tmp_path / "broken.kubeconfig"
    broken.write_text(text)
    done = run("run", "--kubeconfig", str(broken))
    assert done.returncode == 1
    assert f"cannot use the kubeconfig {broken}" in done.stderr
    last_line(done)


def test_a_kubeconfig_that_is_not_there_is_named(tmp_path: Path) -> None:
    done = run("run", "--kubeconfig", str(tmp_path / "none"))
    assert done.returncode == 2
    assert last_line(done) == f"Error: Invalid value for '--kubeconfig': File '{tmp_path / 'none'}' does not exist."


@pytest.mark.parametrize("address", ["99", "localhost", "localhost:http"])
def test_an_address_that_is_none_is_explained(address: str) -> None:
    done = run("run", "--probes-address", address)
    assert done.returncode == 2
    assert last_line(done).endswith(f"'{address}' is not in the form HOST:PORT, such as 127.0.0.1:8080")


@pytest.mark.parametrize(
    ("given", "address"),
    [
        ("8081", ("127.0.0.1", 8081)),
        ("0", ("127.0.0.1", 0)),
        ("0.0.0.0:8081", ("0.0.0.0", 8081)),
        (":8081", ("0.0.0.0", 8081)),
        ("[::1]:8081", ("::1", 8081)),
    ],
)
def test_pages_may_have_a_port_alone(given: str, address: tuple[str, int]) -> None:
    assert command.make_context("run", ["--page", given]).params["page"] == address


def test_pages_are_off_by_default() -> None:
    assert command.make_context("run", []).params["page"] is None


@pytest.mark.parametrize("address", ["", "http", "localhost:", "1.2"])
def test_an_address_of_pages_that_is_none_is_explained(address: str) -> None:
    done = run("run", "--page", address)
    assert done.returncode == 2
    assert last_line(done).endswith(f"'{address}' is not in the form [HOST:]PORT, such as 8081 or 127.0.0.1:8081")


@pytest.mark.parametrize(("option", "address"), [("--page", "99999"), ("--probes-address", "localhost:99999")])
def test_a_number_that_is_no_port_is_named(option: str, address: str) -> None:
    done = run("run", option, address)
    assert done.returncode == 2
    assert last_line(done).endswith("99999 is not a port: use a number from 0 to 65535")


@pytest.mark.parametrize(("option", "serves"), [("--probes-address", "probes"), ("--page", "pages")])
def test_a_port_that_is_taken_is_named(tmp_path: Path, option: str, serves: str) -> None:
    kubeconfig = tmp_path / "kubeconfig"
    kubeconfig.write_text(
        "{clusters: [{name: c, cluster: {server: 'http://127.0.0.1:1'}}], users: [{name: u, user: {token: t}}], "
        "contexts: [{name: x, context: {cluster: c, user: u}}], current-context: x}"
    )
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = run("run", "--kubeconfig", str(kubeconfig), "--probes-address", "127.0.0.1:0", option, address)
    assert done.returncode == 1
    assert last_line(done).startswith(f"Error: cannot serve {serves} on {address}: ")
    assert last_line(done).endswith(f"; choose another address with {option}")


def test_an_unknown_command_is_named() -> None:
    assert last_line(run("rum")) == "Error: No such command 'rum'."
