"""The files that a kustomization lists in addition to its resources: patches and settings, not whole objects."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from msgspec import Struct

from productionpolicy.kube.fields import Fields
from productionpolicy.offline.documents import decoded
from productionpolicy.offline.parsing import NotParsed, parse
from productionpolicy.offline.pieces import cut

KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
"""The file names by which kustomize finds a kustomization in a folder."""

_PATHS = ("patchesStrategicMerge", "configurations", "crds", "generators", "transformers", "validators")
"""Fields that are lists of paths."""
_WITH_PATH = ("patches", "patchesJson6902", "replacements")
_ALTERING = (
    "components",
    "patches",
    "patchesJson6902",
    "patchesStrategicMerge",
    "replacements",
    "replicas",
    "transformers",
)
"""Fields that may change anything in the resources, so that the resources alone cannot be judged."""
_GENERATORS = ("configMapGenerator", "secretGenerator")
_PATH = re.compile(r"[^\0\r\n]+")
"""A path has one line; an inline patch has several."""


class Kustomization(Struct, frozen=True):
    """The paths that a kustomization lists, as written there."""

    resources: frozenset[str] = frozenset()
    others: frozenset[str] = frozenset()
    """Patches, replacements, settings of kustomize, and the contents of ConfigMaps and Secrets. Components are not
    included, because they are kustomizations themselves."""
    components: frozenset[str] = frozenset()
    altering: frozenset[str] = frozenset()
    """The fields that may change anything in the resources."""


def read_kustomization(content: bytes) -> Kustomization:
    """Return the paths that a kustomization lists; none if it cannot be read."""
    try:
        found = [Fields(parse(each)) for each in cut("", decoded(content))]
    except (UnicodeDecodeError, NotParsed):
        return Kustomization()
    return Kustomization(
        resources=frozenset(path for each in found for path in _paths(each.texts("resources"))),
        others=frozenset(path for each in found for path in _paths(_others(each))),
        components=frozenset(path for each in found for path in _paths(each.texts("components"))),
        altering=frozenset(name for each in found for name in _ALTERING if each.raw(name)),
    )


def _others(fields: Fields) -> Iterator[str]:
    for name in _PATHS:
        yield from fields.texts(name)
    for name in _WITH_PATH:
        yield from filter(None, (each.text("path") for each in fields.items(name)))
    for name in _GENERATORS:
        yield from (path.rpartition("=")[2] for each in fields.items(name) for path in each.texts("files"))
    for chart in fields.items("helmCharts"):
        yield from filter(None, (chart.text("valuesFile"), *chart.texts("additionalValuesFiles")))
    yield from filter(None, [fields.mapping("openapi").text("path")])


def _paths(listed: Iterable[str]) -> Iterator[str]:
    return (each for each in listed if _PATH.fullmatch(each))
