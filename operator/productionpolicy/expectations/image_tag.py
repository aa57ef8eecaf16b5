"""Images have a version.

## What it expects
Every image, including those of init containers, has a digest, or a tag that is not one of `disallowedTags` (`latest`).
An image that another program fills in is not judged: one of an image stream, `ko://...`, or a placeholder such as
`${IMAGE}` or `<IMAGE>`. A tag that follows a placeholder counts.

## Why it matters
An image without a version changes under the workload: two pods of one Deployment may run different code, and a rollback
restores nothing.

## Repair and its risk
None. Only the owner knows which version to use.

## Example
```yaml
imageTag: {action: Audit, disallowedTags: [latest, main]}
```
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated

from msgspec import Meta

from productionpolicy.expectations.expectation import (
    Action,
    Category,
    Expectation,
    Finding,
    RefusableParameters,
    Severity,
)
from productionpolicy.kube.images import Image
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import Workload


class ImageTagParameters(RefusableParameters, frozen=True, kw_only=True):
    """Images have a version: a digest, or a tag that does not move."""

    disallowed_tags: Annotated[
        tuple[Annotated[str, Meta(min_length=1, max_length=128)], ...],
        Meta(max_length=64, description="Tags that move from one image to the next."),
    ] = ("latest",)


def applies(workload: Workload, _parameters: ImageTagParameters, _around: Surroundings) -> bool:
    """Judge workloads with an image that no other program fills in."""
    return any(each.image for each in workload.template.containers)


def audit(workload: Workload, parameters: ImageTagParameters, _around: Surroundings) -> Iterator[Finding]:
    """Find images that may change without notice."""
    for container in workload.template.containers:
        fault = _fault(Image.parse(container.image), parameters) if container.image else None
        if fault:
            yield Finding(
                path=f"{container.path}.image",
                message=f"the image of container {container.name} has {fault}, so it may change without notice",
                remedy="name the image by a version tag or a digest",
            )


def _fault(image: Image, parameters: ImageTagParameters) -> str | None:
    if image.digest:
        return None
    if image.tag is None:
        return "neither tag nor digest"
    return f"the moving tag {image.tag}" if image.tag in parameters.disallowed_tags else None


IMAGE_TAG = Expectation(
    name="imageTag",
    title="Images with a version",
    severity=Severity.MEDIUM,
    category=Category.IMAGES,
    parameters=ImageTagParameters,
    production=Action.AUDIT,
    development=Action.IGNORE,
    applies=applies,
    audit=audit,
)
