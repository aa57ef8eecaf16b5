"""Parts of workloads: patches, which a tool merges into a whole, and which cannot be judged by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from productionpolicy.kube.workloads import template_of

PART = (
    "it lacks the image of a container, so it is only a part of a workload, such as a patch: judge the whole, for "
    "example the output of `kustomize build`"
)


def is_part(raw: Mapping[str, Any]) -> bool:
    """Say whether a workload lacks an image, without which the API server takes none.

    What cannot be read is taken to be there: it is reported in another way.
    """
    template = template_of(raw)
    containers = tuple(template.mapping("spec").items("containers"))
    whole = bool(containers) and all("image" in each for each in containers)
    return not whole and not template.problems
