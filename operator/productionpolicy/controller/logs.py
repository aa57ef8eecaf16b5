"""Logging: structlog, and the standard library's loggers of Kopf and others through the same renderer."""

from __future__ import annotations

import logging
import sys
import traceback
from enum import StrEnum
from typing import TextIO

import structlog

from productionpolicy.kube.text import printable


class Format(StrEnum):
    """How log lines look."""

    JSON = "json"
    CONSOLE = "console"


def configure(chosen: Format, *, verbose: bool) -> None:
    """Send all logs to standard error in one form."""
    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *_rendering(chosen)],
        )
    )
    logging.basicConfig(level=logging.DEBUG if verbose else logging.INFO, handlers=[handler], force=True)
    for name, level in {"kopf": logging.WARNING, "kopf.objects": logging.ERROR, "asyncio": logging.WARNING}.items():
        logging.getLogger(name).setLevel(level)
    logging.getLogger("kubernetes").setLevel(logging.WARNING)


def mute_libraries() -> None:
    """Mute Kopf and asyncio: they end with a flood of tracebacks, which says less than the operator's last line."""
    for name in ("kopf", "kopf.objects", "asyncio"):
        logging.getLogger(name).setLevel(logging.CRITICAL + 1)


def _rendering(chosen: Format) -> list[structlog.typing.Processor]:
    if chosen is Format.JSON:
        return [structlog.processors.format_exc_info, structlog.processors.JSONRenderer()]
    return [_plain, structlog.dev.ConsoleRenderer(colors=sys.stderr.isatty(), exception_formatter=_write_traceback)]


def _write_traceback(stream: TextIO, error: structlog.typing.ExcInfo) -> None:
    """Write a traceback without local variables, which structlog would show: they hold the secrets in objects."""
    lines = "".join(traceback.format_exception(*error)).splitlines()
    stream.write("\n" + "\n".join(map(printable, lines)))


def _plain(
    _logger: structlog.typing.WrappedLogger, _method: str, entry: structlog.typing.EventDict
) -> structlog.typing.EventDict:
    """Show no terminal what it would obey: answers of the API server hold what users and their webhooks wrote."""
    return {key: printable(value) if isinstance(value, str) else value for key, value in entry.items()}
