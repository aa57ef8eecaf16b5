"""The CustomResourceDefinition of ProductionPolicy, generated from the typed spec so that the two always agree."""

from __future__ import annotations

from enum import Enum
from typing import Any

import msgspec
from msgspec import inspect

from productionpolicy.expectations import Rule
from productionpolicy.kube.identity import GROUP, KIND, PLURAL, VERSION
from productionpolicy.policy.spec import LONGEST_NAME, Spec
from productionpolicy.policy.status import Status

Schema = dict[str, Any]

INT_OR_STRING = "x-kubernetes-int-or-string"
COUNT = "A number such as 2, or a percentage such as '25%'. "
"""Prefix of the description of an int-or-string."""

_COLUMNS = (
    ("Workloads", "integer", ".status.workloads.total", 0, "Workloads that this policy governs."),
    ("Compliant", "integer", ".status.summary.compliant", 0, "Workloads without any finding, including exempt ones."),
    ("Violating", "integer", ".status.summary.violating", 0, "Workloads with findings that no pending change fixes."),
    ("Failed", "integer", ".status.summary.failed", 0, "Workloads whose repair was refused, undone or rolled back."),
    ("Pending", "integer", ".status.summary.pending", 0, "Workloads that are being repaired or wait for their turn."),
    ("Repaired", "integer", ".status.repaired", 0, "Workloads whose repairs are in effect."),
    ("Compliance", "string", ".status.compliance", 0, "The share of compliant workloads."),
    ("Mode", "string", ".spec.mode", 0, "Enforce or Audit."),
    ("Ready", "string", '.status.conditions[?(@.type=="Ready")].status', 0, "Whether the policy is in use."),
    ("Namespaces", "integer", ".status.namespaces", 1, "Namespaces that select this policy."),
    ("Profile", "string", ".spec.profile", 1, "The default action of each expectation."),
    ("Enforced", "string", ".status.enforcedCompliance", 1, "The share that fulfills what is repaired or refused."),
    ("Exempt", "integer", ".status.workloads.exempt", 1, "Workloads that are compliant because of an exemption."),
    ("Contested", "integer", ".status.workloads.contested", 1, "Failed workloads whose repair another writer undoes."),
    (
        "Progressing",
        "string",
        '.status.conditions[?(@.type=="Progressing")].reason',
        1,
        "What is in progress, or why nothing is.",
    ),
    ("Age", "date", ".metadata.creationTimestamp", 0, "The age of this policy."),
)


def custom_resource_definition() -> Schema:
    """Return the CustomResourceDefinition."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"{PLURAL}.{GROUP}"},
        "spec": {
            "group": GROUP,
            "scope": "Cluster",
            "names": {
                "kind": KIND,
                "listKind": f"{KIND}List",
                "plural": PLURAL,
                "singular": KIND.lower(),
                "shortNames": ["pp"],
            },
            "versions": [_version()],
        },
    }


def _version() -> Schema:
    return {
        "name": VERSION,
        "served": True,
        "storage": True,
        "subresources": {"status": {}},
        "additionalPrinterColumns": [_column(*each) for each in _COLUMNS],
        "schema": {"openAPIV3Schema": _root()},
    }


def _column(name: str, kind: str, path: str, priority: int, description: str) -> Schema:
    column: Schema = {"name": name, "type": kind, "jsonPath": path, "description": description}
    return {**column, "priority": priority} if priority else column


def _root() -> Schema:
    return {
        "type": "object",
        "description": "A ProductionPolicy declares what is expected of workloads. It applies to the namespaces that "
        f"select it with the label {GROUP}/policy. The operator judges their workloads, repairs them, and reports the "
        "result in the status.",
        "required": ["spec"],
        "properties": {
            "apiVersion": {"type": "string", "description": f"{GROUP}/{VERSION}."},
            "kind": {"type": "string", "description": f"{KIND}."},
            "metadata": {"type": "object"},
            "spec": structure(Spec),
            "status": structure(Status),
        },
        "x-kubernetes-validations": [
            {
                "rule": f"size(self.metadata.name) <= {LONGEST_NAME}",
                "message": f"the name must be at most {LONGEST_NAME} characters, because it is a label value",
            }
        ],
    }


def structure(struct: Any) -> Schema:
    """Return the schema of a struct; its docstring is the description."""
    info = inspect.type_info(struct)
    assert isinstance(info, inspect.StructType)
    schema: Schema = {"type": "object", "description": _sentence(struct)}
    required = [each.encode_name for each in info.fields if each.required]
    if required:
        schema["required"] = required
    schema["properties"] = {each.encode_name: _field(each, struct) for each in info.fields}
    rules: tuple[Rule, ...] = getattr(struct, "rules", ())
    if rules:
        schema["x-kubernetes-validations"] = [{"rule": each.cel, "message": each.message} for each in rules]
    return schema


def _sentence(struct: Any) -> str:
    if struct.__name__ == "Expectations":
        return "The expectations and their actions, with one field per expectation."
    return " ".join((struct.__doc__ or "").split())


def _field(field: inspect.Field, struct: Any) -> Schema:
    schema = _value(field.type)
    if field.name == "action" and hasattr(struct, "actions"):
        schema["enum"] = [str(each) for each in struct.actions]
    disabled = field.name.removeprefix("disabled_")
    if disabled in getattr(struct, "built_in", {}):
        schema["items"] = {"type": "string", "enum": list(struct.built_in[disabled])}
    default = _default(field)
    return schema if default is None else {**schema, "default": default}


def _default(field: inspect.Field) -> Any:
    """Return the default for the schema. Every object defaults to {}, so that CEL sees the nested defaults."""
    if isinstance(field.type, inspect.StructType) or _is_structured(field.type):
        return None if _optional(field) else {}
    if field.default in (msgspec.NODEFAULT, None, ()):  # an empty list would only add a line to every object
        return None
    return msgspec.to_builtins(field.default)


def _optional(field: inspect.Field) -> bool:
    return field.default is None or field.required


def _is_structured(kind: inspect.Type) -> bool:
    return isinstance(kind, inspect.Metadata) and isinstance(kind.type, inspect.StructType)


def _value(kind: inspect.Type) -> Schema:  # noqa: C901, PLR0911  # one return per kind of type
    match kind:
        case inspect.Metadata():
            return _described({**_value(kind.type), **(kind.extra_json_schema or {})})
        case inspect.StructType():
            return structure(kind.cls)
        case inspect.UnionType():
            return _union(kind)
        case inspect.EnumType():
            return {"type": "string", "enum": [str(each.value) for each in _members(kind.cls)]}
        case inspect.VarTupleType() | inspect.ListType():
            return _bounded({"type": "array", "items": _value(kind.item_type)}, kind, low="minItems", high="maxItems")
        case inspect.DictType():
            return {"type": "object", "additionalProperties": _value(kind.value_type)}
        case inspect.IntType():
            return _numbered(kind)
        case inspect.BoolType():
            return {"type": "boolean"}
        case inspect.StrType():
            return _text(kind)
        case inspect.DateType():
            return {"type": "string", "format": "date"}
        case inspect.DateTimeType():
            return {"type": "string", "format": "date-time"}
        case _:
            raise TypeError(f"no schema for {kind}")


def _described(schema: Schema) -> Schema:
    """Describe an int-or-string, because `kubectl explain` shows it as an object."""
    if INT_OR_STRING not in schema:
        return schema
    return {**schema, "description": f"{COUNT}{schema['description']}"}


def _union(kind: inspect.UnionType) -> Schema:
    """Return the schema of `X | None`, or of int-or-string, the only unions in the API."""
    members = [each for each in kind.types if not isinstance(each, inspect.NoneType)]
    if len(members) == 1:
        return _value(members[0])
    return {INT_OR_STRING: True, "anyOf": [{"type": "integer"}, {"type": "string"}]}


def _members(enum: type[Enum]) -> list[Any]:
    return list(enum)


def _numbered(kind: inspect.IntType) -> Schema:
    schema: Schema = {"type": "integer", "format": "int64"}
    bounds = {"minimum": kind.ge, "maximum": kind.le}
    return {**schema, **{name: bound for name, bound in bounds.items() if bound is not None}}


def _text(kind: inspect.StrType) -> Schema:
    schema = _bounded({"type": "string"}, kind, low="minLength", high="maxLength")
    return {**schema, "pattern": kind.pattern} if kind.pattern else schema


def _bounded(schema: Schema, kind: Any, *, low: str, high: str) -> Schema:
    bounds = {low: kind.min_length, high: kind.max_length}
    return {**schema, **{name: bound for name, bound in bounds.items() if bound is not None}}
