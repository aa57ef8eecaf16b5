"""Kopf as the operator uses it, for programs that measure what it takes by itself."""

from __future__ import annotations

import kopf

from productionpolicy.controller import handlers
from productionpolicy.controller.clock import Clock
from productionpolicy.controller.connection import Connection
from productionpolicy.controller.resources import WATCHED
from productionpolicy.controller.watches import Watches


def registry(connection: Connection, note: handlers.Put) -> kopf.OperatorRegistry:
    """Return the operator's handlers, which pass all that it watches to `note`."""

    async def log_in() -> kopf.AiohttpSession:
        return await connection.session([Watches(WATCHED, clock=Clock()).trace()])

    return handlers.registry(note, log_in, WATCHED)
