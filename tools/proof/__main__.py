"""`python -m proof` counts the requests that deploys and drains cost a service, before and after its repair."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from control_plane import session
from control_plane.installation import REPOSITORY
from control_plane.patience import insist
from control_plane.session import complain
from proof import isolation, programs, requirements
from proof.experiment import Experiment
from proof.outcome import COLUMNS, Figures, rows, sentence
from proof.publication import DOCUMENTATION
from proof.scenarios import SCENARIOS
from proof.teller import Teller
from testbed.tables import Table

DEFAULT_FOLDER = REPOSITORY / ".proof"
LOST = 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(arguments)
    experiment = _experiment(options)
    if isolation.is_inside():
        return session.told(experiment.folder, lambda: _result(experiment))
    return session.in_folder(
        experiment.folder, lambda: _result(experiment) if experiment.portable else _isolated(arguments)
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m proof",
        description="Count the requests that a service loses in deploys and drains, before and after its repair. "
        f"Exit code {LOST}: some were lost after the repair.",
    )
    names = [each.name for each in SCENARIOS]
    parser.add_argument("--portable", action="store_true", help="simulate the nodes, which needs no root")
    parser.add_argument("--scenario", action="append", choices=names, help="only this one (default: all)")
    parser.add_argument("--sleep", type=int, metavar="SECONDS", help="of preStop (default: what the policy says)")
    parser.add_argument("--brief", action="store_true", help="end each scenario once all is done, be it early")
    parser.add_argument("--tries", type=int, default=1, help="as written, run it up to so often until requests fail")
    parser.add_argument(
        "--output", type=Path, help="for the result and the picture (default: docs/proof, if all is real)"
    )
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER, help="for state and logs (default: .proof)")
    return parser


def _experiment(options: argparse.Namespace) -> Experiment:
    folder: Path = options.folder.absolute()
    everything = not (options.portable or options.scenario or options.brief or options.sleep is not None)
    chosen = [each for each in SCENARIOS if each.name in (options.scenario or [each.name])]
    return Experiment(
        portable=options.portable,
        scenarios=[replace(each, seconds=0) for each in chosen] if options.brief else chosen,
        tries=options.tries,
        sleep_seconds=options.sleep,
        folder=folder,
        output=(options.output or (DOCUMENTATION if everything else folder)).absolute(),
    )


def _isolated(arguments: Sequence[str] | None) -> int:
    """Run this very command in namespaces of its own."""
    lacking = requirements.missing()
    insist(not lacking, f"{lacking}. `make proof PORTABLE=1` simulates them.")
    programs.ensure()  # inside there is no network to download from
    try:
        return isolation.run("proof", *(sys.argv[1:] if arguments is None else arguments))
    finally:
        Teller().hand_back()


def _result(experiment: Experiment) -> int:
    scenarios = experiment.carried_out(Teller())
    _tell(experiment, scenarios)
    if any(each["failedAfter"] for each in scenarios):
        complain(f"error: requests were lost after the repair. The logs are in {experiment.folder}.")
        return LOST
    wrong = any(each["wrongPredictions"] for each in scenarios)
    insist(not wrong, "the last drain went worse than `productionpolicy drain` had predicted; see above")
    return 0


def _tell(experiment: Experiment, scenarios: Sequence[Figures]) -> None:
    notes = [sentence(scenarios), f"Figures and picture are in {experiment.output}."]
    Table(COLUMNS, rows(scenarios), title=experiment.nodes).show(notes=notes)


if __name__ == "__main__":
    sys.exit(main())
