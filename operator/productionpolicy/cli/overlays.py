"""Kustomizations whose workloads come from a base elsewhere: which files it consists of, and what repairs them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from datetime import date
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from productionpolicy.cli import component, files, sources
from productionpolicy.offline import KUSTOMIZATIONS, Kustomization, Proposal, propose, read_kustomization
from productionpolicy.offline.judgement import WANTED
from productionpolicy.policy import Policy

REPAIRS = "repairs"
"""The folder in an overlay with the component that repairs what comes from its base."""


class Overlay(Struct, frozen=True):
    """A kustomization that uses files elsewhere."""

    path: Path
    """The kustomization itself."""
    base: tuple[str, ...]
    """The files elsewhere that it uses, directly or through other kustomizations."""
    altered_by: tuple[str, ...] = ()
    """What may change the resources, so that they cannot be judged without kustomize: kustomizations and fields."""

    @property
    def component(self) -> Path:
        """The folder of the component that repairs its workloads."""
        return self.path.parent / REPAIRS


def overlays(paths: Sequence[str], roots: Collection[Path]) -> Iterator[Overlay]:
    """Return the kustomizations among the arguments that use files elsewhere."""
    for path in sources.kustomizations(paths):
        read = list(_used(path, roots, seen=set()))
        base = tuple(dict.fromkeys(str(each) for each, kustomization in read if kustomization is None))
        if base:
            altered = (f"{name} in {each}" for each, found in read if found for name in _altering(each, found))
            yield Overlay(path, base, tuple(altered))


def proposed(overlay: Overlay, *, policy: Policy, today: date) -> Proposal:
    """Return the repairs of the workloads that come from elsewhere. What is in the overlay counts as next to them."""
    beside, _ = sources.found([str(overlay.path.parent)], without=overlay.component)
    documents = (each for path in (*overlay.base, *beside) for each in sources.read(path, wanted=WANTED))
    proposal = propose(documents, policy=policy, today=today)
    return replace(proposal, workloads=tuple(each for each in proposal.workloads if each.file in overlay.base))


def _used(path: Path, roots: Collection[Path], seen: set[Path]) -> Iterator[tuple[Path, Kustomization | None]]:
    """Return a kustomization and what it uses elsewhere: kustomizations, each with its content, and other files."""
    if path.resolve() in seen:
        return
    seen.add(path.resolve())
    kustomization = read_kustomization(path.read_bytes())
    yield path, kustomization
    for resource in sorted(kustomization.resources):
        used = Path(path.parent, resource)
        if files.is_within(used, roots):
            continue
        if used.is_file():
            yield used, None
        for each in (Path(used, name) for name in KUSTOMIZATIONS):
            if each.is_file():
                yield from _used(each, roots, seen)


def _altering(path: Path, kustomization: Kustomization) -> Iterator[str]:
    ours = all(component.is_made_here(path.parent / each) for each in kustomization.components)
    yield from sorted(kustomization.altering - ({"components"} if ours else set()))
