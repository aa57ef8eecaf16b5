"""Credentials stand in Secrets, and not in manifests.

## What it expects
No variable of a container, init containers among them, has a literal value if its name says credential: password,
secret, token, api key, private key and the like, as the last word or before what it belongs to (`PASSWORD_DB`). The
same holds for options and variables in the command line (`--requirepass`). A reference to another variable, the place
of a secret, a template, a path, a switch, a key word or nothing at all is no credential. What is known to be one, under
any name, is found by its form: private keys, logins in URLs and connection strings, and tokens that are made to be
recognised.

## Why it matters
Who may read workloads is not who may read Secrets. What stands in a manifest is in every copy of it, in logs and in
version control, and has to be replaced everywhere at once.

## Repair and its risk
None. The credential has to be moved into a Secret, and changed: it has been seen. No report ever shows it.

## Example
```yaml
secretLiterals: {action: Audit}
```
"""

from __future__ import annotations

from collections.abc import Iterator

from productionpolicy.expectations.expectation import Action, AuditedParameters, Expectation, Finding, always
from productionpolicy.kube.credentials import holds_credential, is_credential
from productionpolicy.kube.pods import Container
from productionpolicy.kube.programs.arguments import named_values
from productionpolicy.kube.surroundings import Surroundings
from productionpolicy.kube.workloads import Workload

_REMEDY = "keep it in a Secret, refer to that by valueFrom.secretKeyRef, and replace it, since it has been seen"


class SecretLiteralsParameters(AuditedParameters, frozen=True, kw_only=True):
    """Manifests hold no credentials."""


def audit(workload: Workload, _parameters: SecretLiteralsParameters, _around: Surroundings) -> Iterator[Finding]:
    """Find credentials that stand in the manifest."""
    for container in workload.template.containers:
        yield from _in_variables(container)
        yield from _in_command_line(container)


def _in_variables(container: Container) -> Iterator[Finding]:
    for variable in container.variables:
        if variable.value is not None and (
            is_credential(variable.value) or holds_credential(variable.name, variable.value)
        ):
            yield Finding(
                path=f"{variable.path}.value",
                message=f"variable {variable.name} of container {container.name} holds a credential for all to read",
                remedy=_REMEDY,
            )


def _in_command_line(container: Container) -> Iterator[Finding]:
    by_form = [each.path for each in container.words if is_credential(each.text)]
    by_name = [path for path, name, value in named_values(container) if holds_credential(name, value)]
    for word in container.words:
        if word.path in {*by_form, *by_name}:
            yield Finding(
                path=word.path,
                message=f"the command line of container {container.name} holds a credential for all to read",
                remedy=_REMEDY,
            )


SECRET_LITERALS = Expectation(
    name="secretLiterals",
    title="No credentials in manifests",
    parameters=SecretLiteralsParameters,
    production=Action.AUDIT,
    development=Action.AUDIT,
    applies=always,
    audit=audit,
)
