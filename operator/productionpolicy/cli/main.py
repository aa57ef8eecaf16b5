"""The command `productionpolicy`. It imports a subcommand only when called, so that light subcommands start fast."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from productionpolicy.cli.reporting import written_out

COMMANDS = {
    "run": ("productionpolicy.cli.run", "Run the operator against a cluster."),
    "stop": ("productionpolicy.cli.stop", "Pause every policy of a cluster at once."),
    "resume": ("productionpolicy.cli.resume", "Resume the policies that stop has paused."),
    "check": ("productionpolicy.cli.check", "Check manifests, or a live cluster, as the operator would."),
    "fix": ("productionpolicy.cli.fix", "Write the repairs into the YAML files themselves."),
    "drain": ("productionpolicy.cli.drain", "Predict what happens if nodes are drained or fail."),
    "doctor": ("productionpolicy.cli.doctor", "Check whether an installation is in order."),
    "explain": ("productionpolicy.cli.explain", "Explain an expectation, or list all of them."),
}


class LazyGroup(click.Group):
    """A group that imports each command from its own module."""

    def make_context(self, *arguments: Any, **extra: Any) -> click.Context:
        """Parse the arguments, including those that only print, such as --version."""
        with written_out():
            return super().make_context(*arguments, **extra)

    def list_commands(self, _context: click.Context) -> list[str]:
        """Return the names of the commands, in the order of the help."""
        return list(COMMANDS)

    def get_command(self, _context: click.Context, name: str) -> click.Command | None:
        """Import and return a command."""
        if name not in COMMANDS:
            return None
        command = import_module(COMMANDS[name][0]).command
        assert isinstance(command, click.Command)
        return command

    def format_commands(self, _context: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="productionpolicy")
def main() -> None:
    """Keep Kubernetes workloads production-ready without getting in the way of their owners."""
