"""The result in the documentation: figures, picture, and the passages that tell of them."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap

from control_plane.installation import REPOSITORY
from proof.outcome import Figures, Outcome, markdown, sentence
from proof.picture import draw

BEGIN = "<!-- written by `make proof` -->"
WIDTH = 120
END = "<!-- end of what is written -->"
RESULT = "result.json"
DOCUMENTATION = REPOSITORY / "docs" / "proof"
README = REPOSITORY / "README.md"
PAGE = REPOSITORY / "docs" / "proof.md"


class NoPlace(Exception):
    """A page has no place for a passage; the message says which."""


def publish(outcomes: Sequence[Outcome], *, into: Path, nodes: str) -> list[Figures]:
    """Write result and picture into a folder, and if that is the documentation's, the passages that tell of them."""
    into.mkdir(parents=True, exist_ok=True)
    scenarios = [each.figures() for each in outcomes]
    result = into / RESULT
    result.write_text(json.dumps({"nodes": nodes, "scenarios": scenarios}, indent=2) + "\n")
    files = [result, *draw(outcomes, into=into)]
    if into == DOCUMENTATION:
        files += [_rewrite(README, wrap(sentence(scenarios), WIDTH)), _rewrite(PAGE, markdown(scenarios))]
    _give_to_owner(files)
    return scenarios


def passage(page: Path) -> list[str]:
    """Return the lines that `make proof` wrote into a page."""
    return _parts(page)[1].strip().splitlines()


def _rewrite(page: Path, lines: Sequence[str]) -> Path:
    head, _, tail = _parts(page)
    page.write_text(f"{head}{BEGIN}\n\n" + "\n".join(lines) + f"\n\n{END}{tail}")
    return page


def _parts(page: Path) -> tuple[str, str, str]:
    head, begin, rest = page.read_text().partition(BEGIN)
    passage, end, tail = rest.partition(END)
    if not begin or not end:
        raise NoPlace(f"{page} lacks the marks between which the figures belong")
    return head, passage, tail


def _give_to_owner(files: Sequence[Path]) -> None:
    """Leave nothing in the repository that only root may change, where root has another's."""
    owner = REPOSITORY.stat()
    if os.geteuid() == 0:
        for file in files:
            os.chown(file, owner.st_uid, owner.st_gid)
