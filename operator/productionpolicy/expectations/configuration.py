"""Configuration is in ConfigMaps, not in the workload.

## What it expects
No long-running container, including native sidecars but no other init containers, has more than `maxLiteralEnv` (20)
variables with a literal value, or a variable or argument with a text of more than `maxLiteralLines` (2) lines. Empty
lines, and lines with only a comment or a bracket, do not count. Values that are composed of other variables, and a
command that merely spans several lines, do not count either.

## Why it matters
Configuration within a workload cannot be shared, compared or reviewed separately, and the few differences between
environments are hard to see. Nobody tests a script in an argument.

## Repair and its risk
None. The owner decides what belongs into a ConfigMap, and how its changes reach the pods.

## Example
```yaml
configuration: {action: Audit, maxLiteralEnv: 20, maxLiteralLines: 2}
```
"""

from __future__ import annotations

import re
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
    always,
)
from productionpolicy.kube.credentials import holds_credential, is_credential
from productionpolicy.kube.pods import Container, Variable
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import Workload

_CONTINUED = re.compile(r"\\\n")
_REFERENCE = "$("
_BRACKETS = "{}[](), \t\r"


class ConfigurationParameters(AuditedParameters, frozen=True, kw_only=True):
    """Configuration is in ConfigMaps, not in workloads."""

    max_literal_env: Annotated[
        int, Meta(ge=0, le=1000, description="The maximum number of variables of a container with a literal value.")
    ] = 20
    max_literal_lines: Annotated[
        int, Meta(ge=1, le=1000, description="The maximum number of lines of a text in a variable or an argument.")
    ] = 2


def audit(workload: Workload, parameters: ConfigurationParameters, _around: Surroundings) -> Iterator[Finding]:
    """Find containers whose configuration is in the workload."""
    for container in workload.template.long_running:
        yield from _many_variables(container, parameters)
        yield from _texts(container, parameters)


def _many_variables(container: Container, parameters: ConfigurationParameters) -> Iterator[Finding]:
    literal = sum(each.value is not None and _REFERENCE not in each.value for each in container.variables)
    if literal > parameters.max_literal_env:
        yield Finding(
            path=f"{container.path}.env",
            message=f"container {container.name} has {literal} literal variables, and at most "
            f"{parameters.max_literal_env} are expected, so its configuration is hidden in the workload",
            remedy="move the variables into a ConfigMap, and reference it by envFrom",
        )


def _texts(container: Container, parameters: ConfigurationParameters) -> Iterator[Finding]:
    for variable in container.variables:
        lines = _lines(variable.value or "")
        if lines > parameters.max_literal_lines:
            yield Finding(
                path=f"{variable.path}.value",
                message=f"variable {variable.name} of container {container.name} contains a text of {lines} lines",
                remedy="move the text into a Secret, and reference it by valueFrom.secretKeyRef or mount it"
                if _is_secret(variable)
                else "move the text into a ConfigMap, and reference it by valueFrom.configMapKeyRef or mount it",
            )
    for word in container.words:
        lines = _lines(word.text)
        if lines > parameters.max_literal_lines:
            yield Finding(
                path=word.path,
                message=f"the command line of container {container.name} contains a text of {lines} lines",
                remedy="move the text into a Secret and mount it"
                if is_credential(word.text)
                else "move the text into a ConfigMap and mount it, or into the image",
            )


def _is_secret(variable: Variable) -> bool:
    text = variable.value or ""
    return is_credential(text) or holds_credential(variable.name, text)


def _lines(text: str) -> int:
    """Return how many lines of a text have content; a line that ends with a backslash counts with the next."""
    lines = (each.strip(_BRACKETS) for each in _CONTINUED.sub(" ", text).splitlines())
    return sum(bool(each) and not each.startswith("#") for each in lines)


CONFIGURATION = Expectation(
    name="configuration",
    title="Configuration in ConfigMaps",
    severity=Severity.INFO,
    category=Category.CONFIGURATION,
    parameters=ConfigurationParameters,
    production=Action.AUDIT,
    development=Action.IGNORE,
    applies=always,
    audit=audit,
    heuristic=True,
    reads_values=True,
)
