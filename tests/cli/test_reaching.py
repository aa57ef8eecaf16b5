"""What is said if a cluster cannot be reached, by each of the commands that need one."""

from __future__ import annotations

import json
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from click.testing import CliRunner, Result

from productionpolicy.cli.main import main

COMMANDS = {
    "check": ["check", "--live", "-A"],
    "doctor": ["doctor"],
    "drain": ["drain", "--all-nodes"],
    "stop": ["stop"],
    "resume": ["resume"],
}
every_command = pytest.mark.parametrize("arguments", COMMANDS.values(), ids=COMMANDS)


class Certificate:
    """A certificate that signs itself, for a server on this machine or a client."""

    def __init__(self, folder: Path, name: str) -> None:
        self.file, self.key = folder / f"{name}.crt", folder / f"{name}.key"
        new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
        names = ["-subj", f"/CN={name}", "-addext", "subjectAltName=IP:127.0.0.1"]
        self._openssl(*new, *names, "-keyout", self.key, "-out", self.file)

    def expire(self) -> Certificate:
        """Let it have expired yesterday."""
        self._openssl("x509", "-in", self.file, "-signkey", self.key, "-days", "-1", "-out", self.file)
        return self

    def _openssl(self, *arguments: str | Path) -> None:
        subprocess.run(["openssl", *arguments], check=True, capture_output=True)


class Refusing(BaseHTTPRequestHandler):
    """Answers that nobody is known."""

    def do_GET(self) -> None:
        body = b'{"kind":"Status","message":"Unauthorized","code":401}'
        self.send_response(401)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: Any) -> None:
        """Log nothing."""


class Server(ThreadingHTTPServer):
    """A server whose failed handshakes are of no interest."""

    def handle_error(self, *_: Any) -> None:
        """Tell nothing."""


@contextmanager
def serving(certificate: Certificate, *, clients: Certificate | None = None) -> Iterator[str]:
    """Serve on this machine, and return the address.

    Args:
        certificate: of the server.
        clients: the certificate that clients must have; None if they need none.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate.file, certificate.key)
    if clients is not None:
        context.verify_mode = ssl.CERT_REQUIRED
        # Later, the client has sent its request when it is refused, and may see no more than that the server hangs up.
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.load_verify_locations(clients.file)
    with Server(("127.0.0.1", 0), Refusing) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
        thread = Thread(target=server.serve_forever, daemon=True)
        thread.start()
        yield f"https://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Certificate:
    return Certificate(tmp_path_factory.mktemp("server"), "server")


def kubeconfig(folder: Path, server: str, *, authority: Path | None = None, client: Certificate | None = None) -> Path:
    trusted = {"certificate-authority": str(authority)} if authority else {}
    shown = {"client-certificate": str(client.file), "client-key": str(client.key)} if client else {"token": "t"}
    content = {
        "apiVersion": "v1",
        "kind": "Config",
        "clusters": [{"name": "local", "cluster": {"server": server, **trusted}}],
        "users": [{"name": "me", "user": shown}],
        "contexts": [{"name": "local", "context": {"cluster": "local", "user": "me"}}],
        "current-context": "local",
    }
    (folder / "config").write_text(json.dumps(content))
    return folder / "config"


def error(arguments: list[str], config: Path) -> str:
    """Return the one sentence that a command says."""
    done: Result = CliRunner().invoke(main, [*arguments, "--kubeconfig", str(config)])
    assert (done.exit_code, done.stdout) == (2, "")
    [told] = done.stderr.splitlines()
    assert told.startswith("Error: ")
    return told


@every_command
def test_a_server_that_is_not_there(arguments: list[str], tmp_path: Path) -> None:
    told = error(arguments, kubeconfig(tmp_path, "https://127.0.0.1:1"))
    assert "the API server does not answer: GET " in told
    assert told.endswith(". Check the address in the kubeconfig, and the network")


@every_command
def test_a_name_that_does_not_exist(arguments: list[str], tmp_path: Path) -> None:
    told = error(arguments, kubeconfig(tmp_path, "https://cluster.invalid:6443"))
    assert "cluster.invalid" in told
    assert "Check the name of the server in the kubeconfig" in told


@every_command
def test_a_certificate_of_another_cluster(arguments: list[str], tmp_path: Path, certificate: Certificate) -> None:
    other = Certificate(tmp_path, "other")
    with serving(certificate) as address:
        told = error(arguments, kubeconfig(tmp_path, address, authority=other.file))
    assert "Check certificate-authority-data and the address in the kubeconfig" in told


@every_command
def test_a_client_certificate_that_has_expired(arguments: list[str], tmp_path: Path, certificate: Certificate) -> None:
    expired = Certificate(tmp_path, "expired").expire()
    with serving(certificate, clients=expired) as address:
        told = error(arguments, kubeconfig(tmp_path, address, authority=certificate.file, client=expired))
    assert told.endswith("which may have expired: log in again")


@every_command
def test_credentials_that_are_not_accepted(arguments: list[str], tmp_path: Path, certificate: Certificate) -> None:
    with serving(certificate) as address:
        told = error(arguments, kubeconfig(tmp_path, address, authority=certificate.file))
    assert "the API server does not accept the credentials, which may have expired (Unauthorized): log in again" in told


@pytest.mark.parametrize(
    ("name", "said"),
    [("stop", "no policy was changed"), ("resume", "no policy was changed"), ("doctor", "nothing could be checked")],
)
def test_it_is_said_what_is_not_done(name: str, said: str, tmp_path: Path) -> None:
    told = error(COMMANDS[name], kubeconfig(tmp_path, "https://127.0.0.1:1"))
    assert told.startswith(f"Error: {said}: the API server does not answer: ")


@every_command
def test_a_context_that_does_not_exist(arguments: list[str], tmp_path: Path) -> None:
    told = error([*arguments, "--context", "prod"], kubeconfig(tmp_path, "https://127.0.0.1:1"))
    assert told.endswith("has no context prod; pass --context NAME, one of local")
