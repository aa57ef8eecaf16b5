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
        with closing(_connection(port, authority)) as connection:
            connection.request("GET", path, headers=headers)
            answer = connection.getresponse()
            content = answer.read()
    except (OSError, http.client.HTTPException):
        return None
    return content if answer.status == http.HTTPStatus.OK else None


def post(port: int, path: str, content: str) -> None:
    """Send something to a server on this machine, without TLS.

    Raises:
        OSError: there is no server, or it answers with an error; the message is its own.
    """
    with closing(_connection(port, None)) as connection:
        connection.request("POST", path, body=content, headers={"Content-Type": "application/json"})
        answer = connection.getresponse()
        said = answer.read()
    if answer.status != http.HTTPStatus.OK:
        raise OSError(f"POST {path}: {answer.status} {said.decode(errors='replace')}")


def _connection(port: int, authority: Path | None) -> http.client.HTTPConnection:
    if authority is None:
        return http.client.HTTPConnection(LOOPBACK, port, timeout=SECONDS)
    context = ssl.create_default_context(cafile=authority)
    return http.client.HTTPSConnection(LOOPBACK, port, timeout=SECONDS, context=context)
