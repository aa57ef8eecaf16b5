"""The columns: how an owner's manifests come into a cluster."""

from __future__ import annotations

import copy
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar

from helm.programs import HELM_3, HELM_4
from matrix.manifests import NAME, Manifests, identity
from matrix.shell import Refused, Shell
from owners.manifests import Raw

_DEPLOYMENT = f"deployment/{NAME}"


@dataclass(slots=True)
class Writer(ABC):
    """One owner, who writes in one way."""

    shell: Shell

    title: ClassVar[str]
    diff: ClassVar[tuple[str, ...] | None] = None
    """How `kubectl diff` asks what this writer asks: is it in sync? None where the writer does not ask."""

    @abstractmethod
    def write(self, before: Manifests, after: Manifests) -> None:
        """Bring the manifests into the cluster; what was there before is known."""

    def undo(self, before: Manifests, after: Manifests) -> None:  # noqa: ARG002  # others need them
        """Go back from `before` to `after`."""
        self.shell.kubectl("rollout", "undo", _DEPLOYMENT)

    def recreate(self, manifests: Manifests) -> None:
        """Delete the Deployment and bring it back."""
        self.shell.kubectl("delete", _DEPLOYMENT)
        self.write(tuple(each for each in manifests if each["kind"] != "Deployment"), manifests)

    def difference(self, manifests: Manifests) -> str:
        """Return why it is not in sync; empty if it is, or if this writer does not ask."""
        return "" if self.diff is None else self.shell.differs(*self.diff, stdin=manifests)


class Apply(Writer):
    """kubectl apply."""

    title = "apply"
    options: ClassVar[tuple[str, ...]] = ()
    diff: ClassVar[tuple[str, ...] | None] = ()

    def write(self, before: Manifests, after: Manifests) -> None:  # noqa: ARG002  # the cluster knows
        """Apply all of them."""
        self.shell.kubectl("apply", *self.options, "-f", "-", stdin=self.labelled(after))

    def difference(self, manifests: Manifests) -> str:
        """Ask with the labels that it writes."""
        return super().difference(self.labelled(manifests))

    def labelled(self, manifests: Manifests) -> Manifests:
        """Return the manifests with what the writer tells its own objects by."""
        return manifests


class ServerSideApply(Apply):
    """kubectl apply --server-side."""

    title = "apply --server-side"
    options = ("--server-side",)
    diff = ("--server-side",)


class GitOps(Apply):
    """What controllers do that apply what is in a repository."""

    def undo(self, before: Manifests, after: Manifests) -> None:
        """Revert the commit."""
        self.write(before, after)


class Flux(GitOps):
    """What Flux's kustomize-controller does: server-side apply, forced, with labels for its inventory."""

    title = "Flux"
    options = ("--server-side", "--force-conflicts", "--field-manager=kustomize-controller")
    diff = options
    marks: ClassVar[Mapping[str, str]] = {
        "kustomize.toolkit.fluxcd.io/name": "apps",
        "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
    }

    def labelled(self, manifests: Manifests) -> Manifests:
        """Return the manifests with the labels of a Kustomization."""
        return tuple(_marked(each, "labels", self.marks) for each in manifests)


class ArgoCD(GitOps):
    """What Argo CD does by default: client-side apply, with an annotation to track by."""

    title = "Argo CD"

    def labelled(self, manifests: Manifests) -> Manifests:
        """Return the manifests with the tracking annotation."""
        return tuple(
            _marked(each, "annotations", {"argocd.argoproj.io/tracking-id": _tracked(each)}) for each in manifests
        )


class ArgoCDServerSide(ArgoCD):
    """What Argo CD does with the sync option ServerSideApply=true."""

    title = "Argo CD, server-side"
    options = ("--server-side", "--force-conflicts", "--field-manager=argocd-controller")
    diff = options


class Replace(Writer):
    """kubectl replace, which leaves nothing of what is not in the manifest."""

    title = "replace"

    def write(self, before: Manifests, after: Manifests) -> None:
        """Replace what was there, and create what is new."""
        known = {identity(each) for each in before}
        for verb, there in (("create", False), ("replace", True)):
            chosen = tuple(each for each in after if (identity(each) in known) is there)
            if chosen:
                self._persist(verb, chosen)

    def _persist(self, verb: str, chosen: Manifests) -> None:
        """kubectl replace reads and then writes, so it loses against whoever writes between, a controller included."""
        try:
            self.shell.kubectl(verb, "-f", "-", stdin=chosen)
        except Refused as refused:
            if "try again" not in str(refused):
                raise
            self.shell.kubectl(verb, "-f", "-", stdin=chosen)


class Patch(Writer):
    """kubectl patch with what has changed, as `kubectl edit` sends it."""

    title = "patch"

    def write(self, before: Manifests, after: Manifests) -> None:
        """Patch what was there, and create what is new."""
        known = {identity(each): each for each in before}
        created = tuple(each for each in after if identity(each) not in known)
        if created:
            self.shell.kubectl("create", "-f", "-", stdin=created)
        for each in after:
            if identity(each) in known:
                patch = difference(known[identity(each)], each)
                self.shell.kubectl("patch", each["kind"], each["metadata"]["name"], "-p", json.dumps(patch))


class Helm(Writer):
    """A Helm release of a chart that holds the manifests as they are."""

    program: ClassVar[Any]
    options: ClassVar[tuple[str, ...]] = ()

    def write(self, before: Manifests, after: Manifests) -> None:  # noqa: ARG002  # the release knows
        """Upgrade the release, or install it."""
        chart = self.shell.folder / "chart"
        (chart / "templates").mkdir(parents=True, exist_ok=True)
        (chart / "Chart.yaml").write_text(json.dumps({"apiVersion": "v2", "name": NAME, "version": "1.0.0"}))
        (chart / "templates" / "all.yaml").write_text("\n---\n".join(map(json.dumps, after)))
        self._helm("upgrade", "--install", *self.options, NAME, str(chart))

    def undo(self, before: Manifests, after: Manifests) -> None:  # noqa: ARG002  # the release knows
        """Roll the release back."""
        self._helm("rollback", NAME)

    def recreate(self, manifests: Manifests) -> None:
        """Uninstall and install the release."""
        self._helm("uninstall", NAME, "--wait")
        self.write((), manifests)

    def _helm(self, *arguments: str) -> None:
        self.shell.run(self.program.ensure(), "--namespace", self.shell.namespace, *arguments)


class Helm3(Helm):
    """Helm 3 compares the last release, the new one and what is live."""

    title = "Helm 3"
    program = HELM_3


class Helm4(Helm):
    """Helm 4 applies server-side, without force."""

    title = "Helm 4"
    program = HELM_4
    options = ("--server-side=true",)


WRITERS: tuple[type[Writer], ...] = (
    Apply,
    ServerSideApply,
    Replace,
    Patch,
    Helm3,
    Helm4,
    Flux,
    ArgoCD,
    ArgoCDServerSide,
)


def difference(before: Raw, after: Raw) -> Raw:
    """Return the strategic merge patch that makes the one of the other. Containers are merged by their names."""
    patch: Raw = dict.fromkeys(before.keys() - after.keys())
    for name, value in after.items():
        old = before.get(name)
        if old == value:
            continue
        if name == "containers" and old is not None:
            patch[name] = _of_containers(old, value)
        elif isinstance(old, dict) and isinstance(value, dict):
            patch[name] = difference(old, value)
        else:
            patch[name] = value
    return patch


def _of_containers(before: list[Raw], after: list[Raw]) -> list[Raw]:
    old = {each["name"]: each for each in before}
    gone = [{"name": name, "$patch": "delete"} for name in old.keys() - {each["name"] for each in after}]
    return [{**difference(old.get(each["name"], {}), each), "name": each["name"]} for each in after] + gone


def _marked(raw: Raw, where: str, marks: Mapping[str, str]) -> Raw:
    copied = copy.deepcopy(raw)
    copied["metadata"].setdefault(where, {}).update(marks)
    return copied


def _tracked(raw: Raw) -> str:
    group = raw["apiVersion"].rpartition("/")[0]
    return f"shop:{group}/{raw['kind']}:{NAME}/{raw['metadata']['name']}"
