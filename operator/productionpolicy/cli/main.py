"""The command `productionpolicy`. Each command is loaded only when it is called, so that the light ones start fast."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import click

from productionpolicy.cli.reporting import written_out

COMMANDS = {
    "run": ("productionpolicy.cli.run", "Run the operator against a cluster."),
    "stop": ("productionpolicy.cli.stop", "Pause every policy of a cluster at once."),
    "resume": ("productionpolicy.cli.resume", "Let the policies go on that stop has paused."),
    "check": ("productionpolicy.cli.check", "Judge manifests as the operator would, without a cluster."),
    "explain": ("productionpolicy.cli.explain", "Explain an expectation, or list all."),
}


class LazyGroup(click.Group):
    """A group whose commands live in modules of their own."""

    def make_context(self, *arguments: Any, **extra: Any) -> click.Context:
        """Read the arguments, among them those that only print, such as --version."""
        with written_out():
            return super().make_context(*arguments, **extra)

    def list_commands(self, _context: click.Context) -> list[str]:
        """Return the names of the commands."""
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
    """Keep Kubernetes workloads production-ready, and never get in their owner's way."""
