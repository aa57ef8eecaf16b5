"""Each cluster is made, predicted, drained and deleted, one after the other on one control plane."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import asdict
from pathlib import Path

import msgspec

from drains.bed import Bed
from drains.comparison import Compared, Prediction, differences
from drains.generator import Scenario, scenario
from drains.play import Result, Verdict, drained
from drains.prediction import predicted
from owners.manifests import Raw

EVERY_KUBECTL = 20
"""In one cluster of so many, kubectl drains the nodes."""


def by_kubectl(number: int) -> bool:
    """Tell whether kubectl itself drains the nodes of a cluster."""
    return number % EVERY_KUBECTL == EVERY_KUBECTL - 1


async def results(
    bed: Bed,
    seed: int,
    numbers: Iterable[int],
    *,
    wrong: Path | None = None,
    kubectl: Callable[[int], bool] = by_kubectl,
) -> AsyncIterator[Compared]:
    """Yield how the prediction of each cluster compares with what happened.

    Args:
        bed: a control plane without a cluster.
        seed: of the clusters.
        numbers: which of them.
        wrong: the folder for the clusters whose prediction is wrong, with both; None keeps nothing.
        kubectl: whether kubectl drains the nodes of a cluster, rather than what does the same in steps.
    """
    for number in numbers:
        made = scenario(seed, number)
        await bed.make(made)
        items = await bed.snapshot()
        # It is made of what was read before, while the nodes are drained already.
        predicting = asyncio.create_task(asyncio.to_thread(predicted, items, made.order, made.flags))
        result = await drained(bed, made, kubectl=kubectl(number))
        prediction = await predicting
        compared = _compared(made, prediction, result, items)
        if wrong and compared.differences:
            _keep(wrong / f"{seed}-{number}.json", made, items, (prediction, result, compared))
        await bed.clear()
        yield compared


def _compared(made: Scenario, prediction: Prediction, result: Result, items: list[Raw]) -> Compared:
    """Count what was compared."""
    return Compared(
        made.seed,
        made.number,
        tuple(differences(prediction, result)),
        nodes=len(result.nodes),
        drained=sum(each.verdict is Verdict.DRAINED for each in result.nodes),
        said_drains=sum(each.verdict is Verdict.DRAINED for each in prediction.nodes),
        unknown=sum(each.verdict is None for each in prediction.nodes),
        pods=sum(each["kind"] == "Pod" for each in items),
        workloads=len(result.lit),
        dark=len(result.dark),
        said_dark=len(result.lit & prediction.dark),
        perhaps_dark=len(result.lit & prediction.perhaps_dark),
        perhaps_pending=sum(bool(each.perhaps_pending) for each in prediction.nodes),
        kubectl=result.kubectl,
    )


def _keep(file: Path, made: Scenario, items: list[Raw], told: tuple[Prediction, Result, Compared]) -> None:
    prediction, result, compared = told
    found = {
        "drain": {"order": made.order, "flags": asdict(made.flags)},
        "predicted": asdict(prediction),
        "happened": asdict(result),
        "compared": asdict(compared),
        "items": items,
    }
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(msgspec.json.format(msgspec.json.encode(found, enc_hook=sorted), indent=1))
