"""Images are pulled if their tag may have moved, and all images can be pulled.

## What it expects
An image whose tag moves (it has none, or one of `mutableTags`, and no digest) is pulled `Always`. By default, these
tags are `latest`, `main`, `master`, `nightly`, `canary`, `edge`, `dev`, `snapshot` and `unstable`. No image, including
those of init containers, is pulled `Never`, except with the profile Development or if `allowNever` allows it. If no
pull policy is set, the default of the API counts: `Always` for `latest` or no tag, otherwise `IfNotPresent`. For an
image that another program fills in, only `Never` is judged.

## Why it matters
If a moving tag is not pulled, each node runs the image that had the tag when it was first pulled there. An image that
is never pulled is only on the nodes onto which someone has loaded it: pods do not start on any other node.

## Repair and its risk
None. A pinned image is the better remedy (see imageTag), and only its owner knows which version to use.

## Example
```yaml
imagePullPolicy: {action: Audit, mutableTags: [latest, main]}
```
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Self

import msgspec
from msgspec import Meta

from productionpolicy.expectations.expectation import (
    Action,
    AuditedParameters,
    Category,
    Expectation,
    Finding,
    Severity,
)
from productionpolicy.kube.images import Image
from productionpolicy.kube.pods import Container
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import Workload

ALWAYS, NEVER = "Always", "Never"
MUTABLE_TAGS = ("latest", "main", "master", "nightly", "canary", "edge", "dev", "snapshot", "unstable")
"""The tags if a policy sets none. They are not written into each policy, which would only make it longer."""


class ImagePullPolicyParameters(AuditedParameters, frozen=True, kw_only=True):
    """Images with a moving tag are pulled for each start, and all images are pulled if they are missing."""

    mutable_tags: (
        Annotated[
            tuple[Annotated[str, Meta(min_length=1, max_length=128)], ...],
            Meta(
                max_length=64,
                description="Tags that move from one image to the next. Default: " + ", ".join(MUTABLE_TAGS) + ".",
            ),
        ]
        | None
    ) = None
    allow_never: Annotated[
        bool | None,
        Meta(description="Whether images may be pulled Never. Default: only with the profile Development."),
    ] = None

    def in_development(self) -> Self:
        """Allow images that developers load onto the nodes themselves."""
        return self if self.allow_never is not None else msgspec.structs.replace(self, allow_never=True)


def applies(workload: Workload, _parameters: ImagePullPolicyParameters, _around: Surroundings) -> bool:
    """Judge workloads with an image that no other program fills in, or that is pulled Never."""
    return any(each.image or each.pull_policy == NEVER for each in workload.template.containers)


def audit(workload: Workload, parameters: ImagePullPolicyParameters, _around: Surroundings) -> Iterator[Finding]:
    """Find images that are not pulled although they must be."""
    for container in workload.template.containers:
        image = Image.parse(container.image) if container.image else None
        policy = container.pull_policy or (image.default_pull_policy if image else None)
        if policy == NEVER and not parameters.allow_never:
            yield _found(container, "is pulled Never, so its pods start only on nodes onto which someone has loaded it")
        elif image and policy != ALWAYS and moves(image, parameters):
            yield _found(container, f"has a moving tag and is pulled {policy}, so nodes may run different versions")


def moves(image: Image, parameters: ImagePullPolicyParameters) -> bool:
    """Return whether the tag of an image moves from one image to the next."""
    mutable = MUTABLE_TAGS if parameters.mutable_tags is None else parameters.mutable_tags
    return image.digest is None and (image.tag is None or image.tag in mutable)


def _found(container: Container, message: str) -> Finding:
    return Finding(
        path=f"{container.path}.imagePullPolicy",
        message=f"the image of container {container.name} {message}",
        remedy="set imagePullPolicy to Always, or to IfNotPresent and name the image by a version tag or a digest",
    )


IMAGE_PULL_POLICY = Expectation(
    name="imagePullPolicy",
    title="Images pulled if they may have changed",
    severity=Severity.LOW,
    category=Category.IMAGES,
    parameters=ImagePullPolicyParameters,
    production=Action.AUDIT,
    development=Action.AUDIT,
    applies=applies,
    audit=audit,
)
