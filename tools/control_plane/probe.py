"""One request to a server on this machine; no proxy plays a part."""

from __future__ import annotations

import http.client
import ssl
from contextlib import closing
from pathlib import Path

from control_plane.ports import LOOPBACK

SECONDS = 5


def body(port: int, path: str, *, authority: Path | None = None, token: str = "") -> bytes | None:
    """Return the body of the answer; None if there is none, or any but 200.

    Args:
        port: the port on the loopback address.
        path: what to get.
        authority: the certificate authority of the server; None speaks plain HTTP.
        token: the bearer token; empty sends none.
    """
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    try:
        with closing(connection(port, authority=authority)) as opened:
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
    with closing(connection(port, authority=None)) as opened:
        opened.request("POST", path, body=content, headers={"Content-Type": "application/json"})
        answer = opened.getresponse()
        said = answer.read()
    if answer.status != http.HTTPStatus.OK:
        raise OSError(f"POST {path}: {answer.status} {said.decode(errors='replace')}")


def connection(port: int, *, authority: Path | None, seconds: float = SECONDS) -> http.client.HTTPConnection:
    """Return a connection to a server on this machine, which is opened by the first request.

    Args:
        port: the port on the loopback address.
        authority: the certificate authority of the server; None speaks plain HTTP.
        seconds: how long to wait for an answer.
    """
    if authority is None:
        return http.client.HTTPConnection(LOOPBACK, port, timeout=seconds)
    context = ssl.create_default_context(cafile=authority)
    return http.client.HTTPSConnection(LOOPBACK, port, timeout=seconds, context=context)
