"""`productionpolicy run`: the operator."""

from __future__ import annotations

import asyncio
import gc
import os
import sys
from pathlib import Path

import click

from productionpolicy.controller import logs
from productionpolicy.controller.connection import NoConnection
from productionpolicy.controller.listening import CannotServe
from productionpolicy.controller.operator import Options, operate

GARBAGE = (50_000, 20, 50)
"""Thresholds of Python's garbage collector for reference cycles, per generation. There are almost none, and with the
default thresholds the collection takes a quarter of the operator's CPU time."""

HIGHEST_PORT = 65535


class Address(click.ParamType[tuple[str, int]]):
    """An address in the form HOST:PORT.

    Args:
        host: the host of an address that is only a port; if it is None, every address needs a host.
    """

    def __init__(self, *, host: str | None = None) -> None:
        self.name = "[HOST:]PORT" if host else "HOST:PORT"
        self._host = host

    def convert(
        self, value: str | tuple[str, int], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, int]:
        """Return host and port. An empty host means all addresses."""
        if isinstance(value, tuple):
            return value
        host, colon, port = value.rpartition(":")
        if not colon and self._host is not None:
            host, colon = self._host, ":"
        if not colon or not port.isdecimal():
            examples = "8081 or 127.0.0.1:8081" if self._host else "127.0.0.1:8080"
            self.fail(f"{value!r} is not in the form {self.name}, such as {examples}", param, ctx)
        if int(port) > HIGHEST_PORT:
            self.fail(f"{port} is not a port: use a number from 0 to {HIGHEST_PORT}", param, ctx)
        return host.strip("[]") or "0.0.0.0", int(port)


@click.command("run", context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--kubeconfig",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The kubeconfig to use. Default: the file in KUBECONFIG, or else the service account of the pod; never "
    "~/.kube/config.",
)
@click.option(
    "--log-format",
    type=click.Choice([str(each) for each in logs.Format]),
    default=str(logs.Format.CONSOLE),
    show_default=True,
    help="json: one object per line, for programs. console: for people.",
)
@click.option(
    "--probes-address",
    type=Address(),
    default="127.0.0.1:8080",
    show_default=True,
    help="The address that serves /livez, /readyz and /metrics.",
)
@click.option(
    "--listing-interval",
    type=click.FloatRange(min=1),
    default=900.0,
    show_default=True,
    metavar="SECONDS",
    help="How often all objects are listed again, to find changes that the watches have missed.",
)
@click.option(
    "--pods-interval",
    type=click.FloatRange(min=1),
    default=300.0,
    show_default=True,
    metavar="SECONDS",
    help="How often governed namespaces are searched for pods without an owner; pods are not watched.",
)
@click.option(
    "--page",
    type=Address(host="127.0.0.1"),
    help="The address that serves pages and JSON about all workloads. Default: none. A port alone is reachable only "
    "from the same host, and with `kubectl port-forward`.",
)
@click.option("--verbose", is_flag=True, help="Log details for debugging.")
def command(  # noqa: PLR0913  # one per option
    kubeconfig: Path | None,
    log_format: str,
    probes_address: tuple[str, int],
    listing_interval: float,
    pods_interval: float,
    *,
    page: tuple[str, int] | None,
    verbose: bool,
) -> None:
    """Run the operator against a cluster.

    It watches the namespaces with the label productionpolicy.dev/policy, judges their workloads by the ProductionPolicy
    that the label names, repairs Deployments and StatefulSets, and reports in the status of the policy:

        kubectl get productionpolicies

    It needs the CustomResourceDefinition and the permissions in manifests/ (kubectl apply -k manifests/). On SIGTERM it
    completes writes that are in progress.
    """
    logs.configure(logs.Format(log_format), verbose=verbose)
    gc.set_threshold(*GARBAGE)
    host, port = probes_address
    try:
        options = Options(kubeconfig or _from_environment(), host, port, listing_interval, pods_interval, page)
        code = asyncio.run(operate(options))
    except (NoConnection, CannotServe) as error:
        raise click.ClickException(str(error)) from error
    sys.exit(code)


def _from_environment() -> Path | None:
    named = os.environ.get("KUBECONFIG")
    return Path(named) if named else None
