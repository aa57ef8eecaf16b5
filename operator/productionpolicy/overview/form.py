"""How much a page says about each workload, so that a page of thousands still opens fast."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from productionpolicy.overview.entries import Entry

MOST_BYTES = 2_900_000
"""What a page may take before it says less about each workload."""


class Form(msgspec.Struct, frozen=True, kw_only=True):
    """The form of a page."""

    reasons: bool
    """Whether each finding has its reason and its remedy beside it; otherwise it links to them."""
    patches: bool
    """Whether each repair has its patch below it."""


FULL = Form(reasons=True, patches=True)
LINKED = Form(reasons=False, patches=True)
SHORT = Form(reasons=False, patches=False)


def fitting(entries: Iterable[Entry]) -> Iterator[Form]:
    """Yield the forms that may fit, the fullest first, and the shortest in any case."""
    listed = list(entries)
    patches = sum(map(_patches, listed))
    if patches + sum(map(_findings, listed)) <= MOST_BYTES:
        yield FULL
    if patches <= MOST_BYTES:
        yield LINKED
    yield SHORT


def fits(text: str) -> bool:
    """Return whether a page is small enough."""
    return len(text.encode()) <= MOST_BYTES


def _findings(entry: Entry) -> int:
    return sum(len(each.path) + len(each.message) + len(each.remedy) for each in entry.findings)


def _patches(entry: Entry) -> int:
    """Return the size of the patches as JSON, which takes a fraction of the time and never more space than YAML."""
    return len(msgspec.json.encode(entry.manifests))
