"""Credentials are in Secrets, not in manifests.

## What it expects
No variable of a container, including init containers, has a literal value if its name suggests a credential: password,
secret, token, api key, private key and the like, as the last word or before what it belongs to (`PASSWORD_DB`). The
same applies to options and variables in the command line (`--requirepass`), to options, JSON, YAML and properties
within a value (`-Ddb.password=...` in `JAVA_OPTS`), and to what a script prints into a file or a pipe. A reference to
another variable, the location of a secret, a template, a path, a switch, a keyword or an empty value is not a
credential. Nor is the name of a Secret, except as a password; a key with which an application signs (`JWT_SECRET`) may
be a phrase such as `my-secret-key`, too. Values that are known to be credentials are found by their form, under any
name: private keys, logins in URLs and connection strings, and tokens that are designed to be recognized.

## Why it matters
More people may read workloads than may read Secrets. A value in a manifest is in every copy of it, in logs and in
version control, and must be replaced everywhere at once.

## Repair and its risk
None. The credential must be moved into a Secret, and changed, because it has been exposed. No report ever shows it.

## Example
```yaml
secretLiterals: {action: Audit}
```
"""

from __future__ import annotations

from collections.abc import Iterator

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
from productionpolicy.kube.programs.arguments import named_values, settings_within, values_within
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import Workload

_REMEDY = "move it into a Secret, reference that by valueFrom.secretKeyRef, and replace it, because it has been exposed"


class SecretLiteralsParameters(AuditedParameters, frozen=True, kw_only=True):
    """Manifests contain no credentials."""


def audit(workload: Workload, _parameters: SecretLiteralsParameters, _around: Surroundings) -> Iterator[Finding]:
    """Find credentials in the manifest."""
    for container in workload.template.containers:
        yield from _in_variables(container)
        yield from _in_command_line(container)


def _in_variables(container: Container) -> Iterator[Finding]:
    for variable in container.variables:
        if variable.value is not None and _is_exposed(variable):
            yield Finding(
                path=f"{variable.path}.value",
                message=f"variable {variable.name} of container {container.name} contains a credential in plain text",
                remedy=_REMEDY,
            )


def _in_command_line(container: Container) -> Iterator[Finding]:
    by_form = [each.path for each in container.words if _contains(each.text)]
    by_name = [path for path, name, value in named_values(container) if holds_credential(name, value)]
    for word in container.words:
        if word.path in {*by_form, *by_name}:
            yield Finding(
                path=word.path,
                message=f"the command line of container {container.name} contains a credential in plain text",
                remedy=_REMEDY,
            )


def _is_exposed(variable: Variable) -> bool:
    """Return whether a variable is or contains a credential, by its name, its form, or a name within its value."""
    text = variable.value or ""
    named = ((variable.name, text), *values_within(text), *settings_within(text))
    return is_credential(text) or any(holds_credential(name, value) for name, value in named)


def _contains(text: str) -> bool:
    """Return whether a part of a command line contains a credential, by its form or with its name."""
    return is_credential(text) or any(holds_credential(name, value) for name, value in values_within(text))


SECRET_LITERALS = Expectation(
    name="secretLiterals",
    title="No credentials in manifests",
    severity=Severity.CRITICAL,
    category=Category.SECURITY,
    parameters=SecretLiteralsParameters,
    production=Action.AUDIT,
    development=Action.AUDIT,
    applies=always,
    audit=audit,
    heuristic=True,
    reads_values=True,
)
