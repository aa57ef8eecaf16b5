"""`python -m generate` writes the generated files; `--check` only says which are out of date."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import yaml

from chart.files import files as chart_files
from generate.clusterrole import ROLES
from monitoring import dashboard
from productionpolicy.cli.drains.json import Report as DrainReport
from productionpolicy.cli.formats.json import schema
from productionpolicy.cli.plans.json import Report as PlanReport
from productionpolicy.doctor.diagnosis import Report as DoctorReport
from productionpolicy.expectations import EXPECTATIONS, Expectation
from productionpolicy.expectations.expectation import Action
from productionpolicy.overview.cluster.api import Reply
from productionpolicy.policy.manual import manual
from productionpolicy.policy.schema import custom_resource_definition

ROOT = Path(__file__).parents[2]
CRD = ROOT / "crds" / "productionpolicies.yaml"
REPORT = ROOT / "docs" / "check.schema.json"
DOCTOR = ROOT / "docs" / "doctor.schema.json"
PLAN = ROOT / "docs" / "plan.schema.json"
DRAIN = ROOT / "docs" / "drain.schema.json"
SERVED = ROOT / "docs" / "page.schema.json"
PAGES = ROOT / "docs" / "expectations"
DASHBOARD = ROOT / "manifests" / "monitoring" / "dashboard.json"
_MADE_BY = "generated from the code by `make generate`; edit the code instead"


def generated() -> dict[Path, str]:
    """Return the text of every generated file by its path."""
    pages = {PAGES / f"{each.name}.md": _page(manual(each), name=each.name) for each in EXPECTATIONS}
    reports = {REPORT: schema(), PLAN: schema(PlanReport), DOCTOR: schema(DoctorReport), DRAIN: schema(DrainReport)}
    reports[SERVED] = schema(Reply)
    schemas = {path: _schema(each) for path, each in reports.items()}
    definition, drawn = _crd(), dashboard.text()
    roles = {each: each.text(made_by=_MADE_BY) for each in ROLES}
    copied = {f"clusterrole{each.ending}.yaml": text for each, text in roles.items()}
    chart = chart_files({"crd.yaml": definition, "dashboard.json": drawn, **copied})
    own = {
        CRD: definition,
        DASHBOARD: drawn,
        **{each.file: text for each, text in roles.items()},
        PAGES / "README.md": _index(),
    }
    return {**own, **schemas, **pages, **chart}


def stale() -> list[Path]:
    """Return the generated files that are missing or out of date."""
    return [path for path, text in generated().items() if not path.is_file() or path.read_text() != text]


def _crd() -> str:
    text = yaml.safe_dump(custom_resource_definition(), sort_keys=False, width=120, allow_unicode=True)
    return f"# {_MADE_BY}\n{text}"


def _schema(made: dict[str, object]) -> str:
    return json.dumps({"$comment": _MADE_BY, **made}, indent=2) + "\n"


def _page(text: str, *, name: str) -> str:
    title, _, rest = text.partition("\n")
    return f"<!-- {_MADE_BY} -->\n# {name}\n\n{title}\n{rest.rstrip()}\n"


def _index() -> str:
    rows = [
        f"| [{each.name}]({each.name}.md) | {each.title} | {each.category} | {each.severity} | {_repair(each)} "
        f"| {_at_admission(each)} | {each.production} | {each.development} |"
        for each in EXPECTATIONS
    ]
    columns = [
        "expectation",
        "what it requires",
        "category",
        "severity",
        "repair",
        "Warn, Deny",
        "Production",
        "Development",
    ]
    head = f"| {' | '.join(columns)} |\n|{'---|' * len(columns)}"
    actions = ", ".join(Action)
    return (
        f"<!-- {_MADE_BY} -->\n# Expectations\n\nEach is a field under `spec.expectations` of a ProductionPolicy. "
        f"The last two columns show its action ({actions}) in each profile.\n\n{head}\n" + "\n".join(rows) + "\n"
    )


def _repair(expectation: Expectation[Any]) -> str:
    if expectation.repair is None:
        return "none"
    if expectation.rides_along:
        return "yes, once pods restart anyway"
    return "yes, restarts pods" if expectation.amendment and expectation.amendment.restarts else "yes"


def _at_admission(expectation: Expectation[Any]) -> str:
    possible = [str(each) for each in (Action.WARN, Action.DENY) if each in expectation.parameters.actions]
    return ", ".join(possible) or "no"


def main() -> int:
    """Write, or check, and return the exit code."""
    parser = argparse.ArgumentParser(prog="generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if a file is out of date")
    arguments = parser.parse_args()
    behind = stale()
    for path in behind:
        print(f"{'out of date' if arguments.check else 'written'}: {path.relative_to(ROOT)}", file=sys.stderr)
    if arguments.check:
        return 1 if behind else 0
    for path, text in generated().items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
