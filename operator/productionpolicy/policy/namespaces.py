"""Namespaces: who governs them, how far, and when."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from productionpolicy.kube.fields import Fields
from productionpolicy.kube.identity import MODE_LABEL, POLICY_LABEL, ROLLOUT_WINDOWS
from productionpolicy.policy.spec import InvalidPolicy, Policy, read_windows
from productionpolicy.policy.windows import Calendar, Window

AUDIT = "Audit"
OFF = "Off"


class Namespace(Struct, frozen=True):
    """A namespace, as far as it says who governs it."""

    name: str
    policy: str | None = None
    mode: str | None = None
    """What its mode label says: AUDIT, OFF, or something else, which counts as AUDIT; None where it has none."""
    deleting: bool = False
    windows: tuple[Window, ...] | None = None
    """The rollout windows of its annotation; none at all where that is not valid; None without an annotation."""
    fault: str = ""
    """Why the annotation is not valid."""

    @property
    def read_only(self) -> bool:
        """Whether nothing is written there."""
        return self.mode is not None

    @property
    def off(self) -> bool:
        """Whether nothing is judged there either."""
        return self.mode == OFF

    def calendar(self, policy: Policy) -> Calendar:
        """Return when the repairs of a policy may restart pods there."""
        return policy.calendar if self.windows is None else replace(policy.calendar, narrowed=self.windows)


def read_namespace(name: str, raw: Mapping[str, Any]) -> Namespace:
    """Return what a raw namespace says."""
    metadata = Fields(raw).mapping("metadata")
    labels = metadata.text_map("labels")
    windows, fault = _read_windows(metadata.text_map("annotations").get(ROLLOUT_WINDOWS))
    return Namespace(
        name=name,
        policy=labels.get(POLICY_LABEL) or None,
        mode=labels.get(MODE_LABEL),
        deleting="deletionTimestamp" in metadata,
        windows=windows,
        fault=fault,
    )


def _read_windows(text: str | None) -> tuple[tuple[Window, ...] | None, str]:
    """Return the windows of a namespace, and what is wrong with them: what nobody can read must not widen anything."""
    try:
        return (read_windows(text) or None if text is not None else None), ""
    except InvalidPolicy as error:
        return (), str(error)
