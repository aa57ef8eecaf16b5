"""`productionpolicy resume`: resume the policies that `productionpolicy stop` has paused."""

from __future__ import annotations

from pathlib import Path

import click

from productionpolicy.cli.pausing import carried_out, kubeconfig_option, tell
from productionpolicy.controller import pausing


@click.command("resume", context_settings={"help_option_names": ["-h", "--help"]})
@kubeconfig_option
def command(kubeconfig: Path | None) -> None:
    """Resume the ProductionPolicies of a cluster that `productionpolicy stop` has paused.

    Policies that were paused before, or in another way, stay paused.
    """
    tell(
        carried_out(pausing.resume, kubeconfig), changed="Resumed", left="Left paused, because stop did not pause them"
    )
