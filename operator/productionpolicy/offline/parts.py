"""Parts of workloads: patches, which a tool merges into a whole, and which cannot be judged by themselves."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from productionpolicy.kube.fields import Fields
from productionpolicy.kube.workloads import LONG_RUNNING, template_of

PART = "it is only a part of a workload, such as a patch: judge the whole, for example the output of `kustomize build`"


def is_part(raw: Mapping[str, Any]) -> bool:
    """Say whether a workload lacks what the API server asks of each: an image, and a way to tell its pods.

    What cannot be read is taken to be there: it is reported in another way.
    """
    template = template_of(raw)
    runs = any("image" in each for each in template.mapping("spec").items("containers"))
    return not (runs and _tells_its_pods(raw, template)) and not template.problems


def _tells_its_pods(raw: Mapping[str, Any], template: Fields) -> bool:
    labelled = bool(template.mapping("metadata").text_map("labels"))
    return labelled or "selector" in Fields(raw).mapping("spec") or raw.get("kind") not in LONG_RUNNING
