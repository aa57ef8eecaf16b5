"""`productionpolicy stop`: pause every policy at once."""

from __future__ import annotations

import click

from productionpolicy.cli.access import access_options
from productionpolicy.cli.pausing import carried_out, tell
from productionpolicy.controller import pausing
from productionpolicy.live.access import Access

GOES_ON = """\
These policies write no more repairs, and no longer repair, refuse or warn at admission.
What continues:
- Existing repairs stay.
- Rollouts in progress continue. A rollout that fails is not rolled back.
- The operator judges workloads, and writes the status of the policies.
- A policy that is created, or applied with `paused: false`, is not stopped.
To resume: productionpolicy resume"""


@click.command("stop", context_settings={"help_option_names": ["-h", "--help"]})
@access_options
def command(access: Access) -> None:
    """Pause every ProductionPolicy of a cluster.

    While they are paused, the operator makes no repairs for them, and the API server does not repair, refuse or warn.
    Repairs that were made stay. `productionpolicy resume` resumes the policies that this command has paused.

    The exit code is 0 if every policy is paused, 1 if not, and 2 if the cluster cannot be reached or read, or the
    command was used incorrectly.
    """
    outcome = carried_out(pausing.stop, access)
    tell(outcome, changed="Paused", left="Already paused")
    if outcome.changed or outcome.left:
        click.echo(GOES_ON)
