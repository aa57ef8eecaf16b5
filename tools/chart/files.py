"""The files of the chart that `make generate` writes."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from chart.schema import schema
from chart.values import Value, read
from pages.marks import Place

ROOT = Path(__file__).parents[2]
CHART = ROOT / "charts" / "productionpolicy"

COPIES: Mapping[str, tuple[str, ...]] = {
    "clusterrole-viewer.yaml": ("manifests/base/clusterrole-viewer.yaml",),
    "admission-repair.yaml": ("manifests/admission/repair/policy.yaml", "manifests/admission/repair/guard.yaml"),
    "admission-restraint.yaml": ("manifests/admission/restraint/policy.yaml",),
    "admission-validation.yaml": ("manifests/admission/validation/policy/policy.yaml",),
    "prometheusrule.yaml": ("manifests/monitoring/prometheusrule.yaml",),
}
"""The files of the chart that hold what others hold. Helm reads nothing outside of the folder of a chart."""


def files(copied: Mapping[str, str]) -> dict[Path, str]:
    """Return the text of each file by its path.

    Args:
        copied: the texts of further files that hold what others hold, by name.
    """
    values = read((CHART / "values.yaml").read_text())
    copies = {**copied, **{name: _copy(sources) for name, sources in COPIES.items()}}
    readme = Place(CHART / "README.md", "make generate")
    return {
        **{CHART / "files" / name: text for name, text in copies.items()},
        CHART / "values.schema.json": json.dumps(schema(values), indent=2) + "\n",
        readme.page: readme.with_lines(_table(values)),
    }


def _copy(sources: tuple[str, ...]) -> str:
    head = f"# copied from {' and '.join(sources)} by `make generate`; edit that file instead\n"
    return head + "---\n".join((ROOT / each).read_text() for each in sources)


def _table(values: list[Value]) -> list[str]:
    """Return the rows for the values that can be set, and one for each section, which says what it is about."""
    rows = [_section(each) if each.section else _row(each) for each in values]
    return ["| value | default | description |", "|---|---|---|", *rows]


def _section(value: Value) -> str:
    return f"| **{value.name}** | | {_cell(value.text)} |"


def _row(value: Value) -> str:
    return f"| `{value.name}` | `{_cell(json.dumps(value.default))}` | {_cell(value.text)} |"


def _cell(text: str) -> str:
    """Return text for a cell of a table."""
    return text.replace("|", "\\|")
