"""Reads the facts from a cluster, with the rights of whoever asks. Nothing is judged here, and nothing is written."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Mapping, Sequence
from datetime import datetime
from typing import TypeVar

from productionpolicy.controller.admission_policies import MUTATING, VALIDATING, AdmissionKind
from productionpolicy.controller.cluster import (
    Cluster,
    Forbidden,
    Gone,
    Raw,
    RequestFailed,
    Unauthorized,
    Unreachable,
)
from productionpolicy.controller.resources import (
    DEFINITIONS,
    DEPLOYMENTS,
    MONITORS,
    MUTATING_WEBHOOKS,
    NAMESPACES,
    PODS,
    POLICIES,
    SERVICES,
    Resource,
)
from productionpolicy.controller.rights import DRAIN_RIGHTS, RIGHTS, Right
from productionpolicy.doctor.facts import (
    Facts,
    Listed,
    Served,
    Trial,
    Unseen,
    account_of,
    deleted_at,
    labels_of,
    mode_label,
    name_of,
    named,
    namespace_of,
    policy_label,
)
from productionpolicy.doctor.installation import CHART_LABEL, OPERATOR_LABEL
from productionpolicy.doctor.trial import bare, denied, pod_of, repaired, violating
from productionpolicy.kube.fields import Fields
from productionpolicy.kube.identity import GROUP, NAME, PLURAL, POLICY_LABEL
from productionpolicy.policy import InvalidPolicy, Policy, read_policy

AT_A_TIME = 8
"""Requests under way at the same time."""

_IMAGE = f"{NAME}:0"
"""The image that is tried where that of the operator is not known."""

_NO_RIGHT = re.compile(r"is forbidden: User .* cannot \w+ resource")

T = TypeVar("T")


async def read(cluster: Cluster, *, now: datetime, chosen: Sequence[str] = ()) -> Facts:
    """Read everything that the checks need.

    Args:
        cluster: the API server.
        now: the moment, for exemptions that end.
        chosen: the namespaces to look at; none for all that a policy governs.

    Raises:
        Unavailable: the API server does not answer.
    """
    version = await _seen(cluster.version(), "get /version")
    mutating, validating, webhooks, monitors = await asyncio.gather(
        _admission(cluster, MUTATING),
        _admission(cluster, VALIDATING),
        _all(cluster, MUTATING_WEBHOOKS),
        _monitors(cluster),
    )
    definition, deployments, policies, namespaces = await asyncio.gather(
        _seen(cluster.find(DEFINITIONS, f"{PLURAL}.{GROUP}"), f"get {DEFINITIONS.called}"),
        _operators(cluster),
        _all(cluster, POLICIES),
        _namespaces(cluster, chosen),
    )
    if isinstance(policies, Unseen) and chosen and not isinstance(namespaces, Unseen):
        policies = await _named_policies(cluster, namespaces)
    for_drains = DRAIN_RIGHTS if _audit_drains(policies) else ()
    pods, services, lacking, lacking_for_drains, trials = await asyncio.gather(
        _pods(cluster, deployments),
        _services(cluster, deployments),
        _lacking(cluster, deployments, RIGHTS),
        _lacking(cluster, deployments, for_drains),
        _trials(cluster, policies, namespaces, image=_image(deployments), now=now, chosen=chosen),
    )
    return Facts(
        now=now,
        version=version,
        definition=definition,
        deployments=deployments,
        pods=pods,
        services=services,
        monitors=monitors,
        lacking=lacking,
        lacking_for_drains=lacking_for_drains,
        policies=policies,
        namespaces=namespaces,
        chosen=tuple(chosen),
        mutating=mutating[0],
        mutating_bindings=mutating[1],
        mutating_version=mutating[2],
        validating=validating[0],
        validating_bindings=validating[1],
        webhooks=webhooks,
        trials=trials,
    )


async def _seen(request: Awaitable[T], what: str) -> T | Unseen:
    try:
        return await request
    except (Unauthorized, Unreachable):
        raise
    except Forbidden as error:
        # Admission answers with the same code, but then the reason is another.
        return Unseen(what, "" if _NO_RIGHT.search(str(error)) else str(error))
    except RequestFailed as error:
        return Unseen(what, str(error))


async def _all(cluster: Cluster, resource: Resource) -> Listed:
    """Return all objects of a kind; none where it is not served."""
    return await _served(cluster, resource) or ()


async def _served(cluster: Cluster, resource: Resource) -> Served:
    async def pages() -> tuple[Raw, ...] | None:
        try:
            return tuple([each async for page in cluster.pages(resource) for each in page])
        except Gone:
            return None

    return await _seen(pages(), f"list {resource.called}")


async def _admission(cluster: Cluster, kind: AdmissionKind) -> tuple[Served, Served, str]:
    """Return the policies of a kind, their bindings, and the version: the best one that is served."""
    for version in kind.versions:
        policies = await _served(cluster, kind.policies(version))
        if policies is not None:
            return policies, await _served(cluster, kind.bindings(version)), version
    return None, None, kind.versions[0]


async def _monitors(cluster: Cluster) -> Listed:
    found = [await _all(cluster, each) for each in MONITORS]
    unseen = next((each for each in found if isinstance(each, Unseen)), None)
    return unseen or tuple(monitor for each in found if not isinstance(each, Unseen) for monitor in each)


async def _operators(cluster: Cluster) -> Listed:
    """Return the Deployments with the label of the operator, or if there is none, with that of its Helm chart."""

    async def found() -> tuple[Raw, ...]:
        named_so = await cluster.matching(DEPLOYMENTS, f"{OPERATOR_LABEL}={NAME}")
        if named_so:
            return tuple(named_so)
        of_charts = await cluster.matching(DEPLOYMENTS, CHART_LABEL)
        return tuple(each for each in of_charts if labels_of(each).get(CHART_LABEL, "").startswith(f"{NAME}-"))

    return await _seen(found(), f"list {DEPLOYMENTS.called}")


async def _namespaces(cluster: Cluster, chosen: Sequence[str]) -> Listed:
    """Return the chosen namespaces, or all that name a policy."""
    if not chosen:
        found = await _seen(cluster.matching(NAMESPACES, POLICY_LABEL), "list namespaces")
        return found if isinstance(found, Unseen) else tuple(found)
    read_ones: list[Raw] = []
    for name in chosen:
        one = await _seen(cluster.find(NAMESPACES, name), f"get namespace {name}")
        if one is None:
            return Unseen(f"get namespace {name}", "there is no such namespace")
        if isinstance(one, Unseen):
            return one
        read_ones.append(one)
    return tuple(read_ones)


async def _named_policies(cluster: Cluster, namespaces: Sequence[Mapping[str, object]]) -> Listed:
    """Return the policies that namespaces name, for those who may get but not list them."""
    found: list[Raw] = []
    for name in sorted({policy_label(each) or "" for each in namespaces} - {""}):
        one = await _seen(cluster.find(POLICIES, name), f"get {POLICIES.called}")
        if isinstance(one, Unseen):
            return one
        found.extend([one] if one is not None else [])
    return tuple(found)


async def _pods(cluster: Cluster, deployments: Listed) -> Listed:
    if isinstance(deployments, Unseen):
        return deployments
    found: list[Raw] = []
    for each in deployments:
        labels = Fields(each).below("spec", "selector").text_map("matchLabels")
        selector = ",".join(f"{name}={value}" for name, value in labels.items())
        pods = await _seen(cluster.matching(PODS, selector, namespace_of(each)), f"list pods in {namespace_of(each)}")
        if isinstance(pods, Unseen):
            return pods
        found += pods
    return tuple(found)


async def _services(cluster: Cluster, deployments: Listed) -> Listed:
    if isinstance(deployments, Unseen):
        return deployments
    found: list[Raw] = []
    for namespace in sorted({namespace_of(each) for each in deployments}):
        services = await _seen(cluster.matching(SERVICES, "", namespace), f"list services in {namespace}")
        if isinstance(services, Unseen):
            return services
        found += services
    return tuple(found)


def _image(deployments: Listed) -> str:
    for each in () if isinstance(deployments, Unseen) else deployments:
        for container in Fields(each).below("spec", "template", "spec").items("containers"):
            return container.text("image") or _IMAGE
    return _IMAGE


def _audit_drains(policies: Listed) -> bool:
    """Return whether a policy asks for audits of drains."""
    found = () if isinstance(policies, Unseen) else map(_valid, policies)
    return any(each is not None and each.audits_drains for each in found)


async def _lacking(cluster: Cluster, deployments: Listed, rights: Sequence[Right]) -> tuple[Right, ...] | Unseen:
    """Return which of some rights the service accounts of the operators lack."""
    if isinstance(deployments, Unseen):
        return deployments
    accounts = sorted({account_of(each) for each in deployments})
    turns = asyncio.Semaphore(AT_A_TIME)

    async def lacks(right: Right, namespace: str, name: str) -> bool:
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
        async with turns:
            return not await cluster.allows(right, user=f"system:serviceaccount:{namespace}:{name}", groups=groups)

    pairs = [(right, account) for account in accounts for right in rights]
    asked = asyncio.gather(*(lacks(right, *account) for right, account in pairs))
    answers = await _seen(asked, "create subjectaccessreviews.authorization.k8s.io")
    if isinstance(answers, Unseen):
        return answers
    return tuple(dict.fromkeys(right for (right, _), lacking in zip(pairs, answers, strict=True) if lacking))


async def _trials(
    cluster: Cluster, policies: Listed, namespaces: Listed, *, image: str, now: datetime, chosen: Sequence[str]
) -> tuple[Trial, ...]:
    """Try a Deployment in one governed namespace for each policy, or in the chosen ones."""
    if isinstance(policies, Unseen) or isinstance(namespaces, Unseen):
        return ()
    places = [each for each in sorted(namespaces, key=_first) if deleted_at(each) is None]
    if not chosen:
        places = list({policy_label(each): each for each in reversed(places)}.values())
    by_name = [(each, named(policies, policy_label(each) or "")) for each in places]
    tried = [_try(cluster, raw, name_of(place), image=image, now=now) for place, raw in by_name if raw is not None]
    return tuple(each for each in await asyncio.gather(*tried) if each is not None)


def _first(namespace: Mapping[str, object]) -> tuple[bool, str]:
    """Sort namespaces: first those in which everything is repaired."""
    return mode_label(namespace) is not None, name_of(namespace)


async def _try(
    cluster: Cluster, raw: Mapping[str, object], namespace: str, *, image: str, now: datetime
) -> Trial | None:
    policy = _valid(raw)
    if policy is None:
        return None
    plain = bare(namespace, image=image)
    sent = repaired(plain, policy, today=now.date())
    wrong = violating(namespace, image=image)
    to_deny = tuple(denied(wrong, policy, today=now.date())) if policy.writes else ()
    in_pods, in_deployments = f"create pods in {namespace}", f"create {DEPLOYMENTS.called} in {namespace}"
    return Trial(
        policy=raw,
        namespace=namespace,
        admitted=await _seen(cluster.dry_run(DEPLOYMENTS, plain), in_deployments),
        sent=sent,
        kept=await _seen(cluster.dry_run(DEPLOYMENTS, sent), in_deployments),
        pod=await _seen(cluster.dry_run(PODS, pod_of(sent)), in_pods),
        to_deny=to_deny,
        violating=await _seen(cluster.dry_run(DEPLOYMENTS, wrong), in_deployments) if to_deny else None,
    )


def _valid(raw: Mapping[str, object]) -> Policy | None:
    try:
        return read_policy(raw)
    except InvalidPolicy:
        return None
