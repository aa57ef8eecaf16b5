"""Addresses on which the operator listens."""

from __future__ import annotations

from aiohttp import web


class CannotServe(Exception):
    """The address cannot be used; the message says why."""


async def listen(runner: web.BaseRunner, address: tuple[str, int], *, serves: str, option: str) -> None:
    """Start a server.

    Args:
        runner: the server.
        address: host and port.
        serves: what it serves, for people.
        option: the option of the command line that sets the address.

    Raises:
        CannotServe: the address is in use, or does not exist here.
    """
    await runner.setup()
    host, port = address
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        advice = f"choose another address with {option}"
        raise CannotServe(f"cannot serve {serves} on {host}:{port}: {error.strerror}; {advice}") from error
