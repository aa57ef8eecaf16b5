"""The figures of a run, for the person who waited and for the documentation."""

from __future__ import annotations

from collections.abc import Mapping

from control_plane.installation import REPOSITORY
from in_cluster.story import Figures
from in_cluster.ways import WAYS
from pages.marks import Place
from testbed.tables import Table

PLACE = Place(REPOSITORY / "docs" / "operations.md", "make in-cluster")
ROWS = {
    "installed and ready after": ("installSeconds", "{:.1f} s"),
    "from the start of the container until the Pod is ready": ("readySeconds", "{:.0f} s"),
    "memory of the Pod": ("memoryMegabytes", "{:.0f} MB"),
    "a Deployment repaired after its namespace was labeled": ("repairSeconds", "{:.1f} s"),
    "back and working after its node died": ("backSeconds", "{:.0f} s"),
}


def size(image: Figures) -> str:
    """Return a sentence about the size of the image."""
    return f"The image has {image['unpackedMegabytes']:.0f} MB, {image['packedMegabytes']:.0f} MB compressed."


def rows(found: Mapping[str, Figures]) -> list[list[str]]:
    """Return the figures, with a column for each way."""
    return [[what, *(form.format(each[name]) for each in found.values())] for what, (name, form) in ROWS.items()]


def tell(image: Figures, found: Mapping[str, Figures]) -> None:
    """Show all figures."""
    _table(found).show(notes=[size(image)])


def write(image: Figures, found: Mapping[str, Figures]) -> None:
    """Write all figures into the documentation."""
    PLACE.write([size(image), "", *_table(found).markdown()])


def _table(found: Mapping[str, Figures]) -> Table:
    return Table(["", *(WAYS[way].name for way in found)], rows(found))
