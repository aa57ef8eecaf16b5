"""The objects of a cluster as they would be after the repairs of a policy."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from productionpolicy.drain.cluster import Key
from productionpolicy.kube.merging import merged

Raw = Mapping[str, Any]


def repaired(items: Iterable[Raw], *, patches: Mapping[Key, Raw], created: Iterable[Raw]) -> Iterator[Raw]:
    """Return the objects after repairs.

    The pods of a patched workload have its new rules and no node: its rollout places them again.

    Args:
        items: the objects.
        patches: strategic merge patches of Deployments and StatefulSets. Of these, only the rules count that decide
            where pods run.
        created: the objects that are created.
    """
    found = list(items)
    rules = {key: rule for key, patch in patches.items() if (rule := _rules(patch))}
    owners = {_uid(each): _owner_key(each) for each in found if each.get("kind") == "ReplicaSet"}
    for each in found:
        rule = rules.get(_workload(each, owners), {}) if each.get("kind") == "Pod" else {}
        yield _moved(each, rule) if rule else each
    yield from created


def moves(patches: Mapping[Key, Raw]) -> bool:
    """Return whether patches decide where pods run, so that a drain is another one after them."""
    return any(map(_rules, patches.values()))


def _rules(patch: Raw) -> Raw:
    spec = patch.get("spec", {}).get("template", {}).get("spec", {})
    return {name: spec[name] for name in ("affinity", "topologySpreadConstraints") if name in spec}


def _uid(raw: Raw) -> str:
    return str(raw.get("metadata", {}).get("uid"))


def _workload(pod: Raw, owners: Mapping[str, Key]) -> Key:
    return owners.get(str(_controller(pod).get("uid"))) or _owner_key(pod)


def _owner_key(raw: Raw) -> Key:
    direct = _controller(raw)
    namespace = str(raw.get("metadata", {}).get("namespace", ""))
    return Key(namespace, str(direct.get("kind", "")), str(direct.get("name", "")))


def _controller(raw: Raw) -> Raw:
    owners: Iterable[Raw] = raw.get("metadata", {}).get("ownerReferences") or ()
    return next((each for each in owners if each.get("controller")), {})


def _moved(pod: Raw, rules: Raw) -> dict[str, Any]:
    kept = {name: value for name, value in pod.get("spec", {}).items() if name != "nodeName"}
    return {**pod, "spec": merged(kept, rules)}
