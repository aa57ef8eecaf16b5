"""Pods can log in to the registries of their images.

## What it expects
A pod with an image from `privateRegistries` has imagePullSecrets, or its service account has. A service account that is
named, but not known, may have some; then there is no finding. Without `privateRegistries` there is nothing to judge.

## Why it matters
Such a pod starts on a node that already has the image, but not on a new one. This becomes apparent only when a node
fails.

## Repair and its risk
None. Only the owner knows which secret contains the login. If nodes log in by themselves, leave out their registry.

## Example
```yaml
imagePullSecrets: {action: Audit, privateRegistries: [registry.example, "docker.io/shop/*"]}
```
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from productionpolicy.expectations.expectation import (
    Action,
    AuditedParameters,
    Category,
    Expectation,
    Finding,
    Severity,
)
from productionpolicy.kube.images import Image, ImagePattern
from productionpolicy.kube.pods import DEFAULT_SERVICE_ACCOUNT
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import Workload


class ImagePullSecretsParameters(AuditedParameters, frozen=True, kw_only=True):
    """Pods can log in to the registries of their images."""

    private_registries: Annotated[
        tuple[ImagePattern, ...],
        Meta(max_length=64, description="Registries that require a login: globs that match their hosts, or images."),
    ] = ()


def applies(_workload: Workload, parameters: ImagePullSecretsParameters, _around: Surroundings) -> bool:
    """Judge nothing if the policy lists no private registry."""
    return bool(parameters.private_registries)


def audit(workload: Workload, parameters: ImagePullSecretsParameters, around: Surroundings) -> Iterator[Finding]:
    """Find pods that cannot log in to a private registry."""
    template = workload.template
    private = [each for each in template.containers if _is_private(each.image, parameters)]
    if private and not template.pull_secrets and not _account_may_log_in(workload, around):
        yield Finding(
            path=f"{template.path}.imagePullSecrets",
            message=f"the image of container {private[0].name} is private, and its pod cannot log in to the registry",
            remedy="add the secret of the registry to imagePullSecrets of the pod or of its service account",
        )


def _is_private(image: str | None, parameters: ImagePullSecretsParameters) -> bool:
    return bool(image) and Image.parse(image or "").comes_from(parameters.private_registries)


def _account_may_log_in(workload: Workload, around: Surroundings) -> bool:
    """Return whether the service account has or may have secrets; an unknown default account counts as without."""
    path = f"{workload.template.path}.serviceAccount"
    if not (workload.legible(path) and workload.legible(f"{path}Name")):
        return True
    if around.account is None:
        return workload.template.service_account != DEFAULT_SERVICE_ACCOUNT
    return bool(around.account.pull_secrets)


IMAGE_PULL_SECRETS = Expectation(
    name="imagePullSecrets",
    title="A login for private registries",
    severity=Severity.HIGH,
    category=Category.IMAGES,
    parameters=ImagePullSecretsParameters,
    production=Action.AUDIT,
    development=Action.AUDIT,
    applies=applies,
    audit=audit,
)
