"""values.schema.json, by which Helm refuses values that it does not know or that are of another type."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from chart.values import Value
from monitoring.alerts import alerts

Schema = dict[str, Any]

_PORT = {"type": "integer", "minimum": 1, "maximum": 65535}
_DURATION = {"pattern": r"^([0-9]+(ms|s|m|h|d|w|y))*$"}
_OBJECTS = {"items": {"type": "object"}}
_TEXTS = {"additionalProperties": {"type": "string"}}
_NAMED: Schema = {
    "items": {"type": "object", "required": ["name"], "properties": {"name": {"type": "string", "minLength": 1}}}
}
_DNS_LABEL = r"^([a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?)?$"

_PLACED: Mapping[str, Schema] = {"namespace": {"pattern": _DNS_LABEL}, "labels": _TEXTS, "annotations": _TEXTS}
_RENDERED: Mapping[str, Schema] = {
    "renderMode": {"enum": ["skipIfMissing", "failIfMissing", "alwaysRender"]},
    **_PLACED,
}
_MONITOR: Mapping[str, Schema] = {
    **_RENDERED,
    "interval": _DURATION,
    "scrapeTimeout": _DURATION,
    "relabelings": _OBJECTS,
    "metricRelabelings": _OBJECTS,
}

KNOWN: Mapping[str, Schema] = {
    "image.repository": {"minLength": 1, "pattern": r"^[^@\s]+$"},
    "image.registry": {"pattern": r"^[^@\s]*[^/@\s]$|^$"},
    "image.tag": {"pattern": r"^([A-Za-z0-9_][A-Za-z0-9_.-]{0,127})?$"},
    "image.digest": {"pattern": r"^(sha256:[0-9a-f]{64})?$"},
    "image.pullPolicy": {"enum": ["", "Always", "IfNotPresent", "Never"]},
    "imagePullSecrets": {"items": {**_NAMED["items"], "additionalProperties": False}},
    "nameOverride": {"pattern": _DNS_LABEL},
    "fullnameOverride": {"pattern": _DNS_LABEL},
    "namespaceOverride": {"pattern": _DNS_LABEL},
    "commonLabels": _TEXTS,
    # YAML reads off as false.
    "admission.repair": {"type": ["string", "boolean"], "enum": ["auto", "v1", "v1beta1", "off", False]},
    "policies": {
        "items": {
            "type": "object",
            "additionalProperties": False,
            "required": ["name", "spec"],
            "properties": {
                "name": {"type": "string", "minLength": 1, "maxLength": 63},
                "spec": {
                    "type": "object",
                    "required": ["mode"],
                    "properties": {"mode": {"type": "string", "enum": ["Enforce", "Audit"]}},
                },
            },
        }
    },
    "serviceAccount.annotations": _TEXTS,
    "serviceAccount.labels": _TEXTS,
    "nodeSelector": _TEXTS,
    "tolerations": _OBJECTS,
    "topologySpreadConstraints": _OBJECTS,
    "podAnnotations": _TEXTS,
    "podLabels": _TEXTS,
    "nodeFailureSeconds": {"type": ["integer", "null"], "minimum": 0},
    "hostUsers": {"type": ["boolean", "null"]},
    "extraArgs": {"items": {"type": ["string", "number"]}},
    "extraEnv": _NAMED,
    "extraVolumes": _NAMED,
    "extraVolumeMounts": _NAMED,
    "extraObjects": {"items": {"type": ["object", "string"]}},
    "networkPolicy.apiServerPorts": {"items": _PORT},
    "networkPolicy.ingressFrom": _OBJECTS,
    "networkPolicy.extraEgress": _OBJECTS,
    "service.port": _PORT,
    "service.annotations": _TEXTS,
    "service.labels": _TEXTS,
    **{
        f"{section}.{name}": known
        for section, all_known in {
            "serviceMonitor": _MONITOR,
            "podMonitor": _MONITOR,
            "prometheusRule": _RENDERED,
            "grafanaDashboard": _PLACED,
        }.items()
        for name, known in all_known.items()
    },
    "prometheusRule.alertLabels": _TEXTS,
    "prometheusRule.disabledAlerts": {"items": {"enum": alerts()}},
    "prometheusRule.runbookUrl": {"pattern": r"^(https?://[^\s#]+)?$"},
}
"""What is known of a value beside the type of its default."""

OF_PARENTS: Mapping[str, Schema] = {
    "global": {"type": "object", "description": "Values that a parent chart shares with all its subcharts. Not used."},
    "enabled": {"type": "boolean", "description": "Whether a parent chart enables this subchart. Not used."},
}
"""What charts that depend on this one pass to it."""

_TYPES: Mapping[type, str] = {bool: "boolean", str: "string", int: "integer", list: "array", dict: "object"}


class NotAValue(Exception):
    """More is known of a value than that it exists; the message names it."""


def schema(values: Sequence[Value]) -> Schema:
    """Return the schema of all values.

    Raises:
        NotAValue: `KNOWN` names one that is not there.
    """
    names = {each.name for each in values}
    if unknown := sorted(KNOWN.keys() - names):
        raise NotAValue(f"{', '.join(unknown)}: values.yaml has no such value")
    properties = _held_by((), values)
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "type": "object",
        "additionalProperties": False,
        "properties": {**OF_PARENTS, **properties},
    }


def _held_by(path: tuple[str, ...], values: Sequence[Value]) -> Schema:
    return {each.path[-1]: _one(each, values) for each in values if each.path[:-1] == path}


def _one(value: Value, values: Sequence[Value]) -> Schema:
    if value.section:
        held = _held_by(value.path, values)
        return {"type": "object", "description": value.text, "additionalProperties": False, "properties": held}
    known = KNOWN.get(value.name, {})
    kind = {} if "type" in known else {"type": _TYPES[type(value.default)]}
    return {"description": value.text, **kind, **known}
