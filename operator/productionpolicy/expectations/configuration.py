"""Configuration has a place of its own.

## What it expects
No container that runs beside the others, native sidecars among them, has more than `maxLiteralEnv` (20) variables with
a literal value, or a variable or argument with a text of more than `maxLiteralLines` (2) lines. Lines that are empty,
or only a comment or a bracket, do not count. A value that is made of other variables, and a command that is only
written over several lines, are not meant.

## Why it matters
Configuration within a workload cannot be shared, compared or reviewed by itself, and what differs between environments
drowns in what does not. A script in an argument is tested by nobody.

## Repair and its risk
None. What belongs together in a ConfigMap, and how changes of it reach the pods, is the owner's decision.

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

from productionpolicy.expectations.expectation import Action, AuditedParameters, Expectation, Finding, always
from productionpolicy.kube.pods import Container
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import Workload

_CONTINUED = re.compile(r"\\\n")
_REFERENCE = "$("
_BRACKETS = "{}[](), \t\r"


class ConfigurationParameters(AuditedParameters, frozen=True, kw_only=True):
    """Configuration stands in ConfigMaps, and not in workloads."""

    max_literal_env: Annotated[
        int, Meta(ge=0, le=1000, description="The greatest number of variables of a container with a literal value.")
    ] = 20
    max_literal_lines: Annotated[
        int, Meta(ge=1, le=1000, description="The greatest number of lines of a text in a variable or an argument.")
    ] = 2


def audit(workload: Workload, parameters: ConfigurationParameters, _around: Surroundings) -> Iterator[Finding]:
    """Find containers whose configuration stands in the workload."""
    for container in workload.template.long_running:
        yield from _many_variables(container, parameters)
        yield from _texts(container, parameters)


def _many_variables(container: Container, parameters: ConfigurationParameters) -> Iterator[Finding]:
    literal = sum(each.value is not None and _REFERENCE not in each.value for each in container.variables)
    if literal > parameters.max_literal_env:
        yield Finding(
            path=f"{container.path}.env",
            message=f"container {container.name} has {literal} literal variables where at most "
            f"{parameters.max_literal_env} are expected, so its configuration hides in the workload",
            remedy="move the variables into a ConfigMap, and refer to it by envFrom",
        )


def _texts(container: Container, parameters: ConfigurationParameters) -> Iterator[Finding]:
    for variable in container.variables:
        lines = _lines(variable.value or "")
        if lines > parameters.max_literal_lines:
            yield Finding(
                path=f"{variable.path}.value",
                message=f"variable {variable.name} of container {container.name} holds a text of {lines} lines",
                remedy="move the text into a ConfigMap, and refer to it by valueFrom.configMapKeyRef or mount it",
            )
    for word in container.words:
        lines = _lines(word.text)
        if lines > parameters.max_literal_lines:
            yield Finding(
                path=word.path,
                message=f"the command line of container {container.name} holds a text of {lines} lines",
                remedy="move the text into a ConfigMap and mount it, or into the image",
            )


def _lines(text: str) -> int:
    """Return how many lines of a text say something; a line that is continued is one with the next."""
    lines = (each.strip(_BRACKETS) for each in _CONTINUED.sub(" ", text).splitlines())
    return sum(bool(each) and not each.startswith("#") for each in lines)


CONFIGURATION = Expectation(
    name="configuration",
    title="Configuration in a place of its own",
    parameters=ConfigurationParameters,
    production=Action.AUDIT,
    development=Action.IGNORE,
    applies=always,
    audit=audit,
)
