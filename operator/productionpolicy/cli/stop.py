"""`productionpolicy stop`: pause everything at once."""

from __future__ import annotations

from pathlib import Path

import click

from productionpolicy.cli.pausing import carried_out, kubeconfig_option, tell
from productionpolicy.controller import pausing

GOES_ON = """\
No repair is written because of these policies any more, and nothing is repaired, refused or warned of at admission.
What goes on:
- What was repaired stays repaired.
- Rollouts under way go on. One that fails is not put back.
- The operator judges, and writes the status of the policies.
- A policy that is created, or applied with `paused: false`, is not stopped.
To go on: productionpolicy resume"""


@click.command("stop", context_settings={"help_option_names": ["-h", "--help"]})
@kubeconfig_option
def command(kubeconfig: Path | None) -> None:
    """Pause every ProductionPolicy of a cluster.

    From then on neither the operator nor the API server writes, refuses or warns because of them. `productionpolicy
    resume` lets those go on that were paused by this command.
    """
    outcome = carried_out(pausing.stop, kubeconfig)
    tell(outcome, changed="Paused", left="Paused already")
    if outcome.changed or outcome.left:
        click.echo(GOES_ON)
