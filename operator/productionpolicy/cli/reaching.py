"""What a command says if it cannot read the cluster: one sentence with the reason and the remedy, and exit code 2."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import click

from productionpolicy.controller.cluster import RequestFailed, Unauthorized, Unreachable
from productionpolicy.controller.connection import NoConnection
from productionpolicy.live.snapshot import NoSnapshot


class CannotRead(click.ClickException):
    """The cluster, or the file of one, cannot be read; the message gives the reason and the remedy."""

    exit_code = 2


@contextmanager
def reaching(*, otherwise: str = "") -> Iterator[None]:
    """Turn what goes wrong on the way to the API server, or with the file of a cluster, into one sentence.

    Args:
        otherwise: what is not done then, such as "no policy was changed".

    Raises:
        CannotRead: something goes wrong.
    """
    try:
        yield
    except (NoConnection, NoSnapshot, RequestFailed) as error:
        raise CannotRead(": ".join(filter(None, (otherwise, _told(error))))) from error


def _told(error: NoConnection | NoSnapshot | RequestFailed) -> str:
    if isinstance(error, Unauthorized):
        return (
            f"the API server does not accept the credentials, which may have expired ({error}): log in again, or "
            "choose another user with --context or --kubeconfig"
        )
    if isinstance(error, Unreachable):
        return f"the API server does not answer: {error}. {error.remedy}"
    if isinstance(error, RequestFailed):
        return f"the cluster cannot be read: {error}"
    return str(error)
