"""Values as a person reads them, in the units of Grafana, and the ticks of an axis."""

from __future__ import annotations

import math

_COUNTS = ((1.0, ""), (1e3, "K"), (1e6, "M"), (1e9, "G"))
_SCALES = {
    "s": ((1e-6, " µs"), (1e-3, " ms"), (1.0, " s"), (60.0, " min"), (3600.0, " h")),
    "bytes": ((1.0, " B"), (2.0**10, " KiB"), (2.0**20, " MiB"), (2.0**30, " GiB")),
    "percentunit": ((0.01, "%"),),
    "percent": ((1.0, "%"),),
}
_SUFFIXES = {"reqps": " req/s", "short": "", "none": ""}
_HUNDRED = 100
_ROUNDING = 1e-9
_STEPS = (1, 2, 5, 10)
TICKS = 4
"""At most so many steps on an axis."""


def written(value: float, unit: str) -> str:
    """Return a value with its unit. A unit that is not known follows the number as it is."""
    scale = _SCALES.get(unit, _COUNTS)
    factor, prefix = next((each for each in reversed(scale) if abs(value) >= each[0]), scale[0])
    number = value / factor
    suffix = "" if unit in _SCALES else _SUFFIXES.get(unit, f" {unit}")
    if value == 0 and unit in {"s", "bytes"}:
        return "0"
    return f"{number:.0f}{prefix}{suffix}" if abs(number) >= _HUNDRED else f"{number:.3g}{prefix}{suffix}"


def ticks(most: float, *, unit: str) -> list[float]:
    """Return round values from 0 to `most` or just above it; to 1, if that is 0."""
    most = most or 1.0
    base = 2.0**20 if unit == "bytes" and most >= 2.0**20 else 1.0
    rough = most / base / TICKS
    magnitude = 10.0 ** math.floor(math.log10(rough))
    step = next(each for each in _STEPS if each * magnitude >= rough * (1 - _ROUNDING)) * magnitude * base
    return [step * each for each in range(math.ceil(most / step - _ROUNDING) + 1)]
