"""`python -m in_cluster.forward` passes connections on: pods reach the API server, which listens on loopback, by it."""

from __future__ import annotations

import asyncio
import sys
from contextlib import suppress

CHUNK = 1 << 16


async def _serve(address: str, port: int, *, to: int) -> None:
    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            other_reader, other_writer = await asyncio.open_connection("127.0.0.1", to)
            await asyncio.gather(_pass_on(reader, other_writer), _pass_on(other_reader, writer))

    server = await asyncio.start_server(connected, address, port)
    async with server:
        await server.serve_forever()


async def _pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    try:
        while chunk := await reader.read(CHUNK):
            writer.write(chunk)
            await writer.drain()
    finally:
        writer.close()


if __name__ == "__main__":
    asyncio.run(_serve(sys.argv[1], int(sys.argv[2]), to=int(sys.argv[3])))
