"""What the operator tells, in logs, Events and conditions, is only text, whatever users and their webhooks wrote."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator
from contextlib import suppress
from typing import Any, cast

import pytest
import structlog

from productionpolicy.controller import logs
from productionpolicy.controller.clock import Clock
from productionpolicy.controller.cluster import Cluster
from productionpolicy.controller.events import LONGEST_MESSAGE, Events
from productionpolicy.kube.workloads import Workload, read_workload
from support.hostile import TEXTS
from support.manifests import container, deployment


@pytest.fixture
def restored() -> Iterator[None]:
    """Put logging back as it was."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    yield
    root.handlers[:], root.level = handlers, level
    structlog.reset_defaults()


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("chosen", logs.Format)
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_a_log_line_stays_one_line(text: str, chosen: logs.Format, capsys: pytest.CaptureFixture[str]) -> None:
    logs.configure(chosen, verbose=False)
    structlog.get_logger("test").warning("repair refused", error=text, workload=text)
    logging.getLogger("kopf").warning("a message of a library: %s", text)
    lines = capsys.readouterr().err.removesuffix("\n").split("\n")
    assert len(lines) == 2
    assert [each for each in lines if not each.replace("\x7f", "").isprintable()] == []


def fail(workload: Workload, text: str) -> None:
    raise ValueError(f"{workload.key}: {text}")


@pytest.mark.usefixtures("restored")
@pytest.mark.parametrize("chosen", logs.Format)
@pytest.mark.parametrize("text", TEXTS.values(), ids=TEXTS)
def test_an_error_shows_neither_secrets_nor_what_a_terminal_obeys(
    text: str, chosen: logs.Format, capsys: pytest.CaptureFixture[str]
) -> None:
    logs.configure(chosen, verbose=False)
    env = [{"name": "PASSWORD", "value": "hunter2"}]
    workload = read_workload(deployment(pod={"containers": [container(env=env, args=["--password=hunter2"])]}))
    try:
        fail(workload, text)
    except ValueError:
        structlog.get_logger("test").exception("judging failed")
    told = capsys.readouterr().err
    assert "ValueError" in told
    assert "hunter2" not in told
    assert [each for each in told.splitlines() if not each.isprintable()] == []


class Posted:
    """Keeps what is posted."""

    def __init__(self) -> None:
        self.events: list[dict[str, Any]] = []

    async def create_event(self, _namespace: str, event: dict[str, Any]) -> None:
        self.events.append(event)


@pytest.mark.parametrize("text", [*TEXTS.values(), "long " * 1000], ids=[*TEXTS, "long"])
async def test_an_event_holds_text_of_a_bearable_length(text: str) -> None:
    posted = Posted()
    events = Events(cast("Cluster", posted), clock=Clock())
    events.about_workload(read_workload(deployment()), reason="RepairRefused", message=text, warning=True)
    with suppress(TimeoutError):
        await asyncio.wait_for(events.run(), 0.05)
    (event,) = posted.events
    assert event["message"].isprintable()
    assert len(event["message"]) <= LONGEST_MESSAGE
    assert json.dumps(event).isprintable()
