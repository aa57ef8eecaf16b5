"""Notes on a workload about a rollout that the operator has caused: that it began, and that it failed."""

from __future__ import annotations

import re
from datetime import datetime

from msgspec import Struct

from productionpolicy.policy import Policy

_NAMES, _TIME, _DIGEST = r"([A-Za-z]+(?:,[A-Za-z]+)*)", r"([0-9T:-]+Z)", r"([0-9a-f]+)"
_STARTED = re.compile(rf"^{_NAMES} at {_TIME}, after revision (\S{{1,300}}) \[{_DIGEST}\]$")
_FAILED = re.compile(rf"^{_NAMES} of {_TIME} put back(?:, pod (\S+) is left)? \[{_DIGEST} {_DIGEST} {_DIGEST}\]$")


class Started(Struct, frozen=True):
    """A rollout that the operator has begun. The note outlives it: whether it is over, the workload's status tells."""

    expectations: tuple[str, ...]
    """Those whose repairs it brings."""
    at: str
    """When, by the API server's clock."""
    revision: str
    """What its controller calls the template of before."""
    template: str
    """A digest of the pod template that its owner asked for."""

    def note(self) -> str:
        """Return the words for the annotation."""
        return f"{','.join(self.expectations)} at {self.at}, after revision {self.revision} [{self.template}]"

    @classmethod
    def parse(cls, note: str) -> Started | None:
        """Return what an annotation tells; None where the operator did not write it."""
        found = _STARTED.match(note)
        if found is None or not _is_time(found[2]):
            return None
        names, at, revision, template = found.groups()
        return cls(tuple(names.split(",")), at=at, revision=revision, template=template)


class FailedRollout(Struct, frozen=True):
    """A rollout of the operator that failed and was put back."""

    expectations: tuple[str, ...]
    """Those whose repairs it brought."""
    at: str
    """When it began, by the API server's clock."""
    workload: str
    """The circumstances on the workload's side; when they change, it is tried again."""
    policy: str
    """The same on the policy's side."""
    resumed: str
    """When this changes at the policy, the failure no longer counts there."""
    pod: str = ""
    """A pod of a StatefulSet that its controller does not replace by itself."""

    def counts(self, policy: Policy) -> bool:
        """Say whether it is one of those that may stop the repairs of a policy."""
        return (self.policy, self.resumed) == (policy.edition, policy.resumption)

    def note(self) -> str:
        """Return the words for the annotation."""
        pod = f", pod {self.pod} is left" if self.pod else ""
        terms = f"[{self.workload} {self.policy} {self.resumed}]"
        return f"{','.join(self.expectations)} of {self.at} put back{pod} {terms}"

    @classmethod
    def parse(cls, note: str) -> FailedRollout | None:
        """Return what an annotation tells; None where the operator did not write it."""
        found = _FAILED.match(note)
        if found is None:
            return None
        names, at, pod, workload, policy, resumed = found.groups()
        return cls(tuple(names.split(",")), at=at, workload=workload, policy=policy, resumed=resumed, pod=pod or "")


def _is_time(text: str) -> bool:
    """Say whether it is a moment: anybody may write such a note."""
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True
