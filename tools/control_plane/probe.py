"""One request to a server, which is on this machine unless another address is given; no proxy plays a part."""

from __future__ import annotations

import http.client
import ssl
from contextlib import closing
from pathlib import Path

from control_plane.ports import LOOPBACK

SECONDS = 5


def body(port: int, path: str, *, authority: Path | None = None, token: str = "", host: str = LOOPBACK) -> bytes | None:
    """Return the body of the answer; None if there is none, or any but 200.

    Args:
        port: its port.
        path: what to get.
        authority: the certificate authority of the server; None speaks plain HTTP.
        token: the bearer token; empty sends none.
        host: its address.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with closing(connection(port, authority=authority, host=host)) as opened:
            opened.request("GET", path, headers=headers)
            answer = opened.getresponse()
            content = answer.read()
    except (OSError, http.client.HTTPException):
        return None
    return content if answer.status == http.HTTPStatus.OK else None


def post(port: int, path: str, content: str) -> None:
    """Send something to a server on this machine, without TLS.

    Raises:
        OSError: there is no server, or it answers with an error; the message is its own.
    """
    with closing(connection(port)) as opened:
        opened.request("POST", path, body=content, headers={"Content-Type": "application/json"})
        answer = opened.getresponse()
        said = answer.read()
    if answer.status != http.HTTPStatus.OK:
        raise OSError(f"POST {path}: {answer.status} {said.decode(errors='replace')}")


def connection(
    port: int, *, authority: Path | None = None, seconds: float = SECONDS, host: str = LOOPBACK
) -> http.client.HTTPConnection:
    """Return a connection to a server, which is opened by the first request.

    Args:
        port: its port.
        authority: the certificate authority of the server; None speaks plain HTTP.
        seconds: how long to wait for an answer.
        host: its address.
    """
    if authority is None:
        return http.client.HTTPConnection(host, port, timeout=seconds)
    context = ssl.create_default_context(cafile=authority)
    return http.client.HTTPSConnection(host, port, timeout=seconds, context=context)
