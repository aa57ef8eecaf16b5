"""The options with which a command is told which cluster to use, and as whom, as in kubectl."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import wraps
from pathlib import Path
from typing import Any

import click

from productionpolicy.live.access import Access

_OPTIONS = (
    click.option(
        "--kubeconfig",
        metavar="FILE",
        type=click.Path(path_type=Path),
        help="The kubeconfig to use. Default: the files in KUBECONFIG, or else ~/.kube/config, or else the service "
        "account of the pod.",
    ),
    click.option("--context", metavar="NAME", help="The context of the kubeconfig. Default: its current context."),
    click.option("--as", "user", metavar="USER", help="Act as this user, such as system:serviceaccount:shop:default."),
    click.option("--as-group", "groups", metavar="GROUP", multiple=True, help="With --as: a group; may be repeated."),
)


def access_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give a command these options; it gets them as its first argument."""

    @wraps(command)
    def with_access(
        kubeconfig: Path | None, context: str | None, user: str | None, groups: Sequence[str], **others: Any
    ) -> Any:
        if groups and not user:
            raise click.UsageError("--as-group needs --as: there is no group without a user.")
        return command(Access(kubeconfig, context, user, groups), **others)

    for option in reversed(_OPTIONS):
        with_access = option(with_access)
    return with_access
