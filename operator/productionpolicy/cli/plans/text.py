"""Text for people: the changes of each workload, the patch that makes them, and what is left to a person."""

from __future__ import annotations

from textwrap import indent
from typing import TextIO

from rich.console import Console
from rich.text import Text

from productionpolicy.cli.formats.text import console_on, spaced, write_not_judged, write_unread
from productionpolicy.expectations import OWNED
from productionpolicy.kube.yaml import dumped
from productionpolicy.offline import Proposal, Proposed
from productionpolicy.offline.gathering import shown


def write(proposal: Proposal, out: TextIO) -> None:
    """Write the report as text."""
    console = console_on(out)
    for each in proposal.workloads:
        if each.changes or each.left:
            _write_workload(each, console)
    for unread in proposal.unreadable:
        write_unread(unread, console)
    for left_out in proposal.not_judged:
        write_not_judged(left_out, console)
    console.print(_total(proposal))


def _write_workload(workload: Proposed, console: Console) -> None:
    restarts = "restarts its pods" if workload.restarts else ""
    console.print(spaced((workload.title, "bold"), workload.place, (restarts, "yellow") if restarts else ""))
    for change in workload.changes:
        console.print(Text.assemble("  ", ("repair: ", "green"), shown(str(change))))
    if workload.waits:
        console.print(Text.assemble("  ", ("waits: ", "yellow"), workload.waits))
    for name, reason in workload.left.items():
        console.print(Text.assemble("  ", ("left to you: ", "yellow"), f"{name}: {reason}"))
    for each in workload.objects:
        if each.note:
            console.print(Text(f"  note: {each.note}"))
    manifests = (workload.patch, *(each.manifest for each in workload.objects))
    made = "---\n".join(dumped(each) for each in manifests if each)
    if made:
        console.print(Text(f"\n{indent(made, '    ')}".rstrip(), style="cyan"))
    console.print()


def _total(proposal: Proposal) -> Text:
    changed = proposal.changed
    counts = {
        "workloads": len(proposal.workloads),
        "to repair": len(changed),
        "of these with restarts": sum(each.restarts for each in changed),
        **({"that wait": sum(bool(each.waits) for each in changed)} if proposal.cluster else {}),
        **{f"{each.called} to create": proposal.number_of(each.kind) for each in OWNED},
        "repairs left to you": sum(len(each.left) for each in proposal.workloads),
        "unreadable documents": len(proposal.unreadable),
        "objects not judged": len(proposal.not_judged),
    }
    listed = ", ".join(f"{name}: {count}" for name, count in counts.items())
    return Text(listed)
