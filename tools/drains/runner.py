"""Each cluster is made, drained and deleted, one after the other on one control plane.

Another process predicts what happens. For a large cluster that takes longer than the drains, so that it goes on while
the next clusters are drained.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict, dataclass
from multiprocessing import get_context
from pathlib import Path

import msgspec

from control_plane.patience import NeverHappened
from control_plane.plane import RequestFailed
from drains.bed import Bed
from drains.comparison import Compared, Prediction, differences
from drains.generator import Scenario, scenario
from drains.play import Result, Verdict, drained
from drains.prediction import predicted
from owners.manifests import Raw

EVERY_KUBECTL = 20
"""In one cluster of so many, kubectl drains the nodes."""

MOST_WAITING = 8
"""How many clusters that were drained may wait for their prediction."""


@dataclass(frozen=True, slots=True)
class _Played:
    """A cluster that was drained, while its prediction may still be made."""

    made: Scenario
    items: list[Raw]
    """What was there before."""
    prediction: asyncio.Future[Prediction]
    result: Result


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
    loop, waiting, failure = asyncio.get_running_loop(), deque[_Played](), None
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as predictor:
        for number in numbers:
            made = scenario(seed, number)
            try:
                await bed.make(made)
                items = await bed.snapshot()
                prediction = loop.run_in_executor(predictor, predicted, items, made.order, made.flags)
                result = await drained(bed, made, kubectl=kubectl(number))
                await bed.clear()
            except (NeverHappened, RequestFailed) as met:
                failure = met
                break
            waiting.append(_Played(made, items, prediction, result))
            while waiting and (waiting[0].prediction.done() or len(waiting) > MOST_WAITING):
                yield await _compared(waiting.popleft(), wrong)
        while waiting:
            yield await _compared(waiting.popleft(), wrong)
    if failure is not None:
        raise failure


async def _compared(played: _Played, wrong: Path | None) -> Compared:
    """Compare what happened with what was predicted, and keep both if they differ."""
    prediction, made = await played.prediction, played.made
    compared = _counted(made, prediction, played.result, played.items)
    if wrong and compared.differences:
        _keep(wrong / f"{made.seed}-{made.number}.json", made, played.items, (prediction, played.result, compared))
    return compared


def _counted(made: Scenario, prediction: Prediction, result: Result, items: list[Raw]) -> Compared:
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
