"""`python -m bench` measures the operator with many workloads on a control plane of its own."""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

from bench import bare, libraries, workloads
from bench.field import Field, prepared
from bench.figures import Figures, Written, printed
from bench.idle import peak
from bench.load import Load
from bench.operated import operate
from bench.options import scaled
from control_plane.patience import insist
from control_plane.session import carry_out, say
from testbed.client import Client

Write = Callable[[Field, Sequence[dict[str, Any]]], Awaitable[list[Load]]]
"""Writes what policies ask for, one after another."""


def _run(folder: Path, options: argparse.Namespace) -> None:
    printed(asyncio.run(_measured(folder, scale=options.scale)))


def _parser() -> argparse.ArgumentParser:
    told = "Measure how fast the operator repairs many workloads, beside the bare writes, and what it costs."
    parser = scaled("bench", told, scale=2000)
    parser.epilog = "Beside N Deployments there are N/5 StatefulSets and 2 N Services, in N/20 namespaces."
    return parser


async def _measured(folder: Path, *, scale: int) -> Figures:
    with prepared(folder / "operated", scale=scale) as field:
        rate = await _seeded(field)
        operated = operate(field)
        kubernetes = str(Client(field.plane).send("GET", "/version")["gitVersion"])
        made = field.inspect(changes=2)
        say("a Kopf operator that does nothing watches them")
        idle = await asyncio.to_thread(peak, field)
    say("a Kopf operator that judges nothing makes the same writes")
    unjudged = await _written(folder / "unjudged", libraries.write, scale=scale, made=made)
    say("a bare client makes the same writes")
    alone = await _written(folder / "bare", bare.write, scale=scale, made=made)
    return Figures(
        scale,
        field.size,
        kubernetes,
        created_per_second=rate,
        operated=operated,
        unjudged=unjudged,
        bare=alone,
        idle_rss_bytes=idle,
    )


async def _written(folder: Path, write: Write, *, scale: int, made: list[tuple[str, Any]]) -> Written:
    """Return what it takes to write on a fresh server what the operator has written."""
    spec = workloads.policy()["spec"]
    with prepared(folder, scale=scale) as field:
        await _seeded(field)
        repair, change = await write(field, (spec, spec | workloads.CHANGED))
        insist(field.inspect(changes=2) == made, f"the writes in {folder.name} differ from the operator's")
    return Written(repair, change)


async def _seeded(field: Field) -> float:
    say(f"creating {field.size} workloads on a fresh API server")
    return await field.seed()


if __name__ == "__main__":
    carry_out(_parser(), _run)
