"""A cluster on which everything is installed as the documentation says."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from control_plane.installation import AWAIT_KIND
from control_plane.plane import ControlPlane

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ControlPlane]:
    """Install the manifests on a control plane; a warning of the API server would be an error."""
    with ControlPlane.start(tmp_path_factory.mktemp("control-plane")) as plane:
        plane.kubectl("apply", "--warnings-as-errors", "-k", str(ROOT / "manifests"))
        plane.kubectl(*AWAIT_KIND)
        yield plane
