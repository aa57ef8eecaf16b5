"""What others do: change repaired workloads, and collect metrics."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from productionpolicy.controller.admission_policies import GUARD, REPAIR
from productionpolicy.doctor.diagnosis import Finding, State
from productionpolicy.doctor.facts import (
    Facts,
    NotSeen,
    Raw,
    Unseen,
    known,
    labels_of,
    name_of,
    namespace_of,
    served,
)
from productionpolicy.doctor.trial import undone
from productionpolicy.doctor.words import listed
from productionpolicy.kube.fields import Fields
from productionpolicy.kube.selectors import Selector

_TARGETS = {
    "": {"pods", "*", "*/*"},
    "apps": {"deployments", "statefulsets", "*", "*/*"},
}
_SCRAPE = "prometheus.io/scrape"


def writers(facts: Facts) -> Finding:
    """Judge by dry runs whether others undo repairs at admission."""
    if not facts.trials:
        return _nothing_tried(facts)
    lost = [_lost(each.namespace, *undone(each)) for each in facts.trials]
    told = list(filter(None, lost))
    if told:
        remedy = "exclude the governed namespaces there, or set the action of these expectations to Audit"
        return Finding(
            State.WRONG, f"another writer undoes repairs in a dry run: {listed(told)}{_suspects(facts)}", remedy
        )
    return Finding(State.OK, f"repairs outlast a dry run, in {listed(each.namespace for each in facts.trials)}")


def _lost(namespace: str, in_deployment: list[str], in_pod: list[str]) -> str:
    parts = [
        f"{', '.join(names)} of {kind}" for kind, names in (("Deployments", in_deployment), ("pods", in_pod)) if names
    ]
    return f"{namespace}: {' and '.join(parts)}" if parts else ""


def _nothing_tried(facts: Facts) -> Finding:
    known(facts.policies)
    known(facts.namespaces)
    return Finding(State.HINT, f"not tried: no policy governs a namespace{_suspects(facts)}")


def _suspects(facts: Facts) -> str:
    """Name what may change workloads at admission, as far as that can be seen."""
    try:
        names = [*map(_webhook, filter(_hooks, known(facts.webhooks))), *map(_policy, _foreign(facts))]
    except NotSeen as error:
        return f"; to see which one needs the right to {error.unseen.what}"
    return f"; these change workloads: {listed(names)}" if names else ""


def _webhook(raw: Raw) -> str:
    return f"mutatingwebhookconfiguration {name_of(raw)}"


def _policy(raw: Raw) -> str:
    return f"mutatingadmissionpolicy {name_of(raw)}"


def _hooks(configuration: Raw) -> bool:
    return any(_matches(rule) for hook in Fields(configuration).items("webhooks") for rule in hook.items("rules"))


def _foreign(facts: Facts) -> Iterator[Raw]:
    for each in served(facts.mutating):
        rules = Fields(each).below("spec", "matchConstraints").items("resourceRules")
        if name_of(each) not in (REPAIR.name, GUARD) and any(map(_matches, rules)):
            yield each


def _matches(rule: Fields) -> bool:
    groups, resources = rule.texts("apiGroups"), {*rule.texts("resources")}
    return any(group in groups or "*" in groups for group in _TARGETS if resources & _TARGETS[group])


def metrics(facts: Facts) -> Finding:
    """Judge whether something scrapes the metrics of the operator."""
    pods = known(facts.pods)
    if not pods:
        return Finding(State.HINT, "not checked: there is no pod of an operator")
    scraped = next(_scrapers(facts, pods), None)
    if scraped is not None:
        return Finding(State.OK, f"the metrics are scraped: {scraped}")
    if isinstance(facts.monitors, Unseen):
        raise NotSeen(facts.monitors)
    if isinstance(facts.services, Unseen):
        raise NotSeen(facts.services)
    remedy = "kubectl apply -k manifests/monitoring/, or with Helm: --set serviceMonitor.enabled=true"
    message = f"no ServiceMonitor, PodMonitor or annotation {_SCRAPE} selects the operator"
    return Finding(State.HINT, message, remedy)


def _scrapers(facts: Facts, pods: Sequence[Raw]) -> Iterator[str]:
    services = [] if isinstance(facts.services, Unseen) else [each for each in facts.services if _serves(each, pods)]
    for each in (*pods, *services):
        if Fields(each).mapping("metadata").text_map("annotations").get(_SCRAPE) == "true":
            yield f"{_SCRAPE} on {each.get('kind')} {namespace_of(each)}/{name_of(each)}"
    for monitor in () if isinstance(facts.monitors, Unseen) else facts.monitors:
        targets = services if monitor.get("kind") == "ServiceMonitor" else pods
        if any(_selects(monitor, each) for each in targets):
            yield f"{monitor.get('kind')} {namespace_of(monitor)}/{name_of(monitor)}"


def _serves(service: Raw, pods: Sequence[Raw]) -> bool:
    selector = Fields(service).mapping("spec").text_map("selector")
    return bool(selector) and any(Selector.of_labels(selector).matches(labels_of(each)) for each in pods)


def _selects(monitor: Raw, target: Raw) -> bool:
    spec = Fields(monitor).mapping("spec")
    where, selector = spec.mapping("namespaceSelector"), Selector.read(spec, "selector")
    namespaces = where.texts("matchNames") or (namespace_of(monitor),)
    here = where.boolean("any") or namespace_of(target) in namespaces
    return here and selector is not None and selector.matches(labels_of(target))
