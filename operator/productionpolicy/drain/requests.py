"""What a pod requests of a node, as the scheduler adds it up."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from decimal import ROUND_CEILING, Decimal

from productionpolicy.drain.cluster import Amounts
from productionpolicy.kube.fields import Fields
from productionpolicy.kube.quantity import Quantity

CPU, MEMORY, PODS = "cpu", "memory", "pods"
_SCORED_CPU, _SCORED_MEMORY = Decimal("0.1"), Decimal(200 * 1024 * 1024)
"""What a container without a request counts for when the scheduler orders nodes."""

Sums = Mapping[str, Decimal]


def requests_of(pod: Fields) -> Amounts:
    """Return the requests of a pod: cpu in millicores, all others in their base unit.

    The containers run together, and with them the sidecars. An init container runs alone with the sidecars before it.
    Requests of the pod as a whole replace those sums. The overhead of the runtime class comes on top.
    """
    return tuple(sorted((name, _whole(name, amount)) for name, amount in _total(pod, {}).items()))


def scored_requests(pod: Fields) -> tuple[int, int]:
    """Return the millicores and bytes that count when the scheduler orders nodes."""
    total = _total(pod, {CPU: _SCORED_CPU, MEMORY: _SCORED_MEMORY})
    return _whole(CPU, total.get(CPU, Decimal(0))), _whole(MEMORY, total.get(MEMORY, Decimal(0)))


def allocatable(status: Fields) -> dict[str, int]:
    """Return what a node offers; without allocatable, its capacity."""
    offered = _amounts(status.mapping("allocatable")) or _amounts(status.mapping("capacity"))
    return {name: _whole(name, amount) for name, amount in offered.items()}


def _total(pod: Fields, assumed: Sums) -> dict[str, Decimal]:
    running = _sum(_requested(each, assumed) for each in pod.items("containers"))
    starting: dict[str, Decimal] = {}
    sidecars: dict[str, Decimal] = {}
    for each in pod.items("initContainers"):
        own = _requested(each, assumed)
        if each.text("restartPolicy") == "Always":
            running, sidecars = _sum((running, own)), _sum((sidecars, own))
            starting = _greatest(starting, sidecars)
        else:
            starting = _greatest(starting, _sum((sidecars, own)))
    of_the_pod = {
        name: amount
        for name, amount in _requested(pod, {}).items()
        if name in {CPU, MEMORY} or name.startswith("hugepages-")
    }
    return _sum(({**_greatest(running, starting), **of_the_pod}, _amounts(pod.mapping("overhead"))))


def _requested(owner: Fields, assumed: Sums) -> dict[str, Decimal]:
    resources = owner.mapping("resources")
    return {**assumed, **_amounts(resources.mapping("limits")), **_amounts(resources.mapping("requests"))}


def _amounts(fields: Fields) -> dict[str, Decimal]:
    found: dict[str, Decimal] = {}
    for name in fields.names():
        try:
            found[name] = Quantity.parse(fields.raw(name)).amount
        except ValueError:
            fields.reject(name, expected="a quantity")
    return found


def _sum(amounts: Iterable[Sums]) -> dict[str, Decimal]:
    total: Counter[str] = Counter()
    for each in amounts:
        for name, amount in each.items():
            total[name] = amount + total[name]  # type: ignore[assignment]  # exact fractions, not only integers
    return dict(total)  # type: ignore[arg-type]  # the same


def _greatest(first: Sums, second: Sums) -> dict[str, Decimal]:
    none = Decimal(0)
    return {name: max(first.get(name, none), second.get(name, none)) for name in {*first, *second}}


def _whole(name: str, amount: Decimal) -> int:
    return int((amount * 1000 if name == CPU else amount).to_integral_value(rounding=ROUND_CEILING))
