"""The options of `productionpolicy check` that choose a cluster, and a part of it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import click
from msgspec import Struct

from productionpolicy.cli.conflicts import refuse
from productionpolicy.cli.label_selectors import LabelSelector, SelectorParameter
from productionpolicy.live.access import Access


class Options(Struct, frozen=True):
    """The options for clusters, as click gives them."""

    access: Access
    live: bool = False
    from_file: Path | None = None
    save: Path | None = None
    namespace: str | None = None
    all_namespaces: bool = False
    selector: LabelSelector | None = None
    governed: bool = False

    @property
    def of_cluster(self) -> bool:
        """Whether a cluster is judged, and not files."""
        return self.live or self.from_file is not None


def options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options for clusters to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def refuse_mismatch(given: Options, *, paths: Sequence[str], policy_file: Path | None) -> None:
    """Refuse options that conflict.

    Raises:
        UsageError: they do.
    """
    refuse(_conflicts(given, paths, policy_file))


def _conflicts(given: Options, paths: Sequence[str], policy_file: Path | None) -> Iterator[tuple[str, bool]]:
    saved, nothing = given.from_file is not None, not given.of_cluster
    yield "--live reads a cluster, and --from a file of one: use one of them.", given.live and saved
    yield "with --live or --from no files are judged: omit PATH.", given.of_cluster and bool(paths)
    yield "name the files to judge: PATH..., or judge a cluster with --live.", nothing and not paths
    for name in ("namespace", "all_namespaces", "selector", "governed"):
        yield f"{_FLAGS[name]} needs --live or --from FILE.", nothing and bool(getattr(given, name))
    yield "--save needs --live.", not given.live and given.save is not None
    for flag, value in given.access.flags.items():
        yield f"{flag} needs --live.", not given.live and bool(value)
    yield "-n names one namespace, and -A all of them: use one.", bool(given.namespace) and given.all_namespaces
    yield "--governed judges by the policies of the cluster: omit --policy.", given.governed and policy_file is not None


_FILE = click.Path(dir_okay=False, path_type=Path)
_FLAGS = {
    "namespace": "-n/--namespace",
    "all_namespaces": "-A/--all-namespaces",
    "selector": "-l/--selector",
    "governed": "--governed",
}
_OPTIONS = (
    click.option("--live", is_flag=True, help="Judge the cluster of the kubeconfig. It is only read."),
    click.option(
        "--from", "from_file", metavar="FILE", type=_FILE, help="Judge a cluster that --save has written to a file."
    ),
    click.option(
        "--save",
        metavar="FILE",
        type=_FILE,
        help="With --live: also write what was read to a file, without Secrets, ConfigMaps, and values of environment "
        "variables.",
    ),
    click.option("-n", "--namespace", metavar="NAME", help="The namespace to judge. Default: that of the context."),
    click.option("-A", "--all-namespaces", is_flag=True, help="Judge all namespaces."),
    click.option(
        "-l",
        "--selector",
        metavar="SELECTOR",
        type=SelectorParameter(),
        help="Judge only workloads with these labels, such as app=web,tier!=test.",
    ),
    click.option(
        "--governed",
        is_flag=True,
        help="Judge exactly what the operator governs, by the policies of the cluster.",
    ),
)
