"""YAML: first the patches, then the objects to create, each with a comment that says what it is for."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, TextIO

from productionpolicy.expectations import BY_NAME, OWNED
from productionpolicy.kube.yaml import dumped
from productionpolicy.offline import Proposal, Proposed, ProposedObject
from productionpolicy.offline.gathering import shown
from productionpolicy.repairs import OwnedObject


def write(proposal: Proposal, out: TextIO) -> None:
    """Write the documents: first all patches, then all objects, kind by kind."""
    made = [patch_of(each) for each in proposal.changed if each.patch]
    for owned in OWNED:
        made += objects_of(proposal, owned)
    out.write("---\n".join(made))


def patch_of(workload: Proposed) -> str:
    """Return the patch of a workload, with its changes in a comment."""
    changes = (shown(str(each)) for each in workload.changes if not BY_NAME[each.expectation].owned)
    return _under([workload.place or workload.title, *changes], workload.patch)


def objects_of(proposal: Proposal, owned: type[OwnedObject]) -> list[str]:
    """Return the objects of a kind to create, each with its workload in a comment."""
    return [_beside(each, thing) for each in proposal.changed for thing in each.objects_of(owned.kind)]


def _beside(workload: Proposed, thing: ProposedObject) -> str:
    comment = [", ".join(filter(None, (f"for {workload.title}", workload.place))), *filter(None, [thing.note])]
    return _under(comment, thing.manifest)


def _under(comment: Iterable[str], made: Mapping[str, Any]) -> str:
    return "".join(f"# {line}\n" for line in comment) + dumped(made)
