"""The result in the documentation: figures, picture, and the passages that tell of them."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from textwrap import wrap

from control_plane.installation import REPOSITORY
from pages.marks import Place
from proof.outcome import Figures, Outcome, markdown, predictions_markdown, sentence
from proof.picture import draw

WIDTH = 120
RESULT = "result.json"
DOCUMENTATION = REPOSITORY / "docs" / "proof"
README = Place(REPOSITORY / "README.md", "make proof")
PAGE = Place(REPOSITORY / "docs" / "proof.md", "make proof")


def publish(outcomes: Sequence[Outcome], *, into: Path, nodes: str) -> list[Figures]:
    """Write result and picture into a folder, and if that is the documentation's, the passages that tell of them."""
    into.mkdir(parents=True, exist_ok=True)
    scenarios = [each.figures() for each in outcomes]
    result = into / RESULT
    predictions = [prediction for each in outcomes for prediction in each.predictions()]
    written = {"nodes": nodes, "scenarios": scenarios, "predictions": predictions}
    result.write_text(json.dumps(written, indent=2) + "\n")
    files = [result, *draw(outcomes, into=into)]
    if into == DOCUMENTATION:
        README.write(wrap(sentence(scenarios), WIDTH))
        PAGE.write([*markdown(scenarios), "", *predictions_markdown(predictions)])
        files += [README.page, PAGE.page]
    _give_to_owner(files)
    return scenarios


def _give_to_owner(files: Sequence[Path]) -> None:
    """Leave nothing in the repository that only root may change, where root has another's."""
    owner = REPOSITORY.stat()
    if os.geteuid() == 0:
        for file in files:
            os.chown(file, owner.st_uid, owner.st_gid)
