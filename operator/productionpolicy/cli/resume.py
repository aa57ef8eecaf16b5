"""`productionpolicy resume`: resume the policies that `productionpolicy stop` has paused."""

from __future__ import annotations

import click

from productionpolicy.cli.access import access_options
from productionpolicy.cli.pausing import carried_out, tell
from productionpolicy.controller import pausing
from productionpolicy.live.access import Access


@click.command("resume", context_settings={"help_option_names": ["-h", "--help"]})
@access_options
def command(access: Access) -> None:
    """Resume the ProductionPolicies of a cluster that `productionpolicy stop` has paused.

    Policies that were paused before, or in another way, stay paused.

    The exit code is 0 if all others were resumed, 1 if not, and 2 if the cluster cannot be reached or read, or the
    command was used incorrectly.
    """
    tell(carried_out(pausing.resume, access), changed="Resumed", left="Left paused, because stop did not pause them")
