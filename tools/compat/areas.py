"""What the tests prove, by area: a column of the page each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from xml.etree import ElementTree as ET


class Area(StrEnum):
    """An area, by its title."""

    BACKGROUND = "Repair in the background"
    BUDGETS = "Disruption budgets"
    ADMISSION = "Repair at admission"
    VALIDATION = "Deny and Warn"
    OWNERS = "The owner wins"


OF_FILES = {
    "test_budgets": Area.BUDGETS,
    "test_admission": Area.ADMISSION,
    "test_admission_beta": Area.ADMISSION,
    "test_admission_effect": Area.ADMISSION,
    "test_admission_plan": Area.ADMISSION,
    "test_admission_judgement": Area.VALIDATION,
    "test_admission_validation": Area.VALIDATION,
    "test_matrix": Area.OWNERS,
    "test_owners_changes": Area.OWNERS,
}
"""By test module; all others are about repair in the background."""


@dataclass(frozen=True, slots=True)
class Count:
    """How the tests of an area ended."""

    passed: int = 0
    failed: int = 0
    not_served: int = 0

    def __add__(self, other: Count) -> Count:
        """Return both together."""
        return Count(self.passed + other.passed, self.failed + other.failed, self.not_served + other.not_served)

    def __str__(self) -> str:
        """Return what the page says: passed, not served, or what failed."""
        if not self.passed and not self.failed:
            return "not served"
        failed = f"**{self.failed} failed**, " if self.failed else ""
        return f"{failed}passed ({self.passed})" + (f", {self.not_served} not served" if self.not_served else "")


def counted(results: Path) -> dict[Area, Count]:
    """Read the results that pytest wrote as JUnit XML; without the file, as after an interruption, all are empty."""
    counts = dict.fromkeys(Area, Count())
    if not results.is_file():
        return counts
    for case in ET.parse(results).iter("testcase"):
        module = next((part for part in case.get("classname", "").split(".") if part.startswith("test_")), "")
        area = OF_FILES.get(module, Area.BACKGROUND)
        counts[area] += _ended(case)
    return counts


def _ended(case: ET.Element) -> Count:
    if case.find("failure") is not None or case.find("error") is not None:
        return Count(failed=1)
    skipped = case.find("skipped")
    if skipped is None:
        return Count(passed=1)
    return Count(not_served=int("not served" in skipped.get("message", "")))
