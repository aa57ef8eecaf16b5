"""The common part of `productionpolicy stop` and `productionpolicy resume`."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import click

from productionpolicy.cli.reaching import reaching
from productionpolicy.controller.cluster import Cluster, Gone
from productionpolicy.controller.pausing import PausingResult
from productionpolicy.live.access import Access
from productionpolicy.live.connection import target


def carried_out(action: Callable[[Cluster], Awaitable[PausingResult]], access: Access) -> PausingResult:
    """Apply an action to all policies of a cluster.

    Raises:
        CannotRead: the cluster cannot be reached, or its policies cannot be listed.
        ClickException: it has no policies.
    """
    with reaching(otherwise="no policy was changed"):
        try:
            return asyncio.run(_carried_out(action, access))
        except Gone as error:
            why = "this cluster does not serve ProductionPolicies: the CustomResourceDefinition is not installed"
            raise click.ClickException(f"{why}, so no policy is in effect") from error


def tell(outcome: PausingResult, *, changed: str, left: str) -> None:
    """Print which policies were changed and which were left.

    Raises:
        ClickException: a policy could not be written.
    """
    for title, names in ((changed, outcome.changed), (left, outcome.left), ("Not paused", outcome.idle)):
        if names:
            click.echo(f"{title}: {', '.join(names)}")
    if not (outcome.changed or outcome.left or outcome.idle or outcome.failed):
        click.echo("There is no ProductionPolicy.")
    if outcome.failed:
        raise click.ClickException(f"could not be written: {'; '.join(outcome.failed)}")


async def _carried_out(action: Callable[[Cluster], Awaitable[PausingResult]], access: Access) -> PausingResult:
    found = await target(access)
    async with found.connection.client() as api:
        return await action(Cluster(api, headers=access.headers))
