"""A connection to the service, and a request on it: little enough that each failure is the server's."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass
from http import HTTPStatus

Address = tuple[str, int]

_LENGTH = re.compile(rb"\r\ncontent-length: *([0-9]+)", re.IGNORECASE)
_END_OF_HEAD = b"\r\n\r\n"


class Failed(Exception):
    """There was no answer, or not the right one; the message says why in a word or two."""


class Closed(Failed):
    """The server closed the connection before the first byte of an answer."""


@dataclass(frozen=True, slots=True)
class Connection:
    """An open connection; not for two requests at a time."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    @classmethod
    async def open(cls, address: Address | None, *, source: str | None = None) -> Connection:
        """Connect.

        Args:
            address: where to; None if the service has no pod to serve it.
            source: the address of the client; None leaves it to the system.

        Raises:
            Failed: nobody accepts it.
        """
        if address is None:
            raise Failed("no pod")
        try:
            local = (source, 0) if source else None
            return cls(*await asyncio.open_connection(*address, local_addr=local))
        except OSError as error:
            raise Failed(_reason(error)) from error

    @property
    def closed(self) -> bool:
        """Whether the server is known to have closed it."""
        return self.reader.at_eof() or self.writer.is_closing()

    async def get(self, *, keep: bool) -> None:
        """Send a request and read its answer.

        Args:
            keep: whether the connection is to stay open for another.

        Raises:
            Closed: the connection was closed instead.
            Failed: the answer is not whole, or is an error.
        """
        manner = "keep-alive" if keep else "close"
        try:
            self.writer.write(f"GET / HTTP/1.1\r\nHost: service\r\nConnection: {manner}\r\n\r\n".encode())
            _check(await self._answer())
        except OSError as error:
            raise Closed(_reason(error)) from error
        except asyncio.IncompleteReadError as error:
            raise (Failed if error.partial else Closed)("cut off") from error

    def close(self) -> None:
        """Close it, without waiting for anything."""
        self.writer.close()

    async def _answer(self) -> bytes:
        head = await self.reader.readuntil(_END_OF_HEAD)
        found = _LENGTH.search(head)
        await self.reader.readexactly(int(found[1]) if found else 0)
        return head


def _check(head: bytes) -> None:
    status = int(head.split(maxsplit=2)[1])
    if status != HTTPStatus.OK:
        raise Failed(f"status {status}")


def _reason(error: OSError) -> str:
    match error:
        case ConnectionRefusedError():
            return "refused"
        case ConnectionResetError() | BrokenPipeError():
            return "cut off"
        case TimeoutError():
            return "no answer"
    return "unreachable"
