"""The policy by which commands judge: from a file, from a profile, or limited to some expectations."""

from __future__ import annotations

from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any

import click
import msgspec

from productionpolicy.expectations import EXPECTATIONS, Action, Expectation
from productionpolicy.kube.identity import KIND
from productionpolicy.offline import Document, Unread, Wanted, read_documents
from productionpolicy.offline.gathering import shown
from productionpolicy.policy import InvalidPolicy, Mode, Policy, Profile, Spec, read_policy

PRODUCTION = Policy(name="", spec=Spec(mode=Mode.AUDIT))
"""The policy by default."""


class NoPolicy(ValueError):
    """A file does not contain exactly one valid policy; the message gives the reason."""


def policy_options(use: str = "to judge by") -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Add the options --policy and --profile to a command, which gets them as `policy_file` and `profile`.

    Args:
        use: what the policy is for, in the words of the help.
    """
    file = click.option(
        "--policy",
        "policy_file",
        metavar="FILE",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        help=f"The file with the ProductionPolicy {use}. Default: the defaults of the profile Production.",
    )
    profile = click.option(
        "--profile",
        type=click.Choice([str(each) for each in Profile]),
        help="The profile to judge by, instead of that of the policy.",
    )
    return lambda command: file(profile(command))


def chosen(file: Path | None, profile: str | None) -> Policy:
    """Return the policy that these options choose.

    Raises:
        BadParameter: the file contains no policy, several, or an invalid one.
    """
    try:
        policy = read_policy_file(file) if file else PRODUCTION
    except NoPolicy as error:
        raise click.BadParameter(str(error), param_hint="--policy") from error
    return with_profile(policy, profile)


def read_policy_file(path: Path) -> Policy:
    """Return the policy in a file.

    Raises:
        NoPolicy: the file contains none, several, or an invalid one.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise NoPolicy(f"{path} cannot be read: {error.strerror}") from error
    found = list(read_documents(str(path), content, wanted=Wanted(frozenset({KIND}))))
    if len(found) != 1:
        raise NoPolicy(f"{path} contains {len(found)} documents of kind {KIND}, but exactly one is required")
    return _policy(found[0], path)


def with_profile(policy: Policy, profile: str | None) -> Policy:
    """Return the policy with another profile, if one is given; its settings for single expectations still apply."""
    return _with(policy, profile=Profile(profile)) if profile else policy


def limited(policy: Policy, names: Collection[str], *, others: Action = Action.IGNORE, repair: bool = False) -> Policy:
    """Return a policy that judges only the expectations of these names, even those that it ignores.

    Args:
        policy: the policy.
        names: the expectations to judge.
        others: the action of all other expectations.
        repair: whether to repair what they can repair, even if the policy only audits it.
    """
    actions = {
        each.name: _action(policy, each, repair=repair) if each.name in names else others for each in EXPECTATIONS
    }
    given = policy.spec.expectations
    parameters = {
        name: msgspec.structs.replace(getattr(given, name), action=action) for name, action in actions.items()
    }
    return _with(policy, expectations=msgspec.structs.replace(given, **parameters))


def _policy(document: Document | Unread, path: Path) -> Policy:
    if isinstance(document, Unread):
        raise NoPolicy(shown(f"{path}:{document.line}: {document.message}"))
    try:
        return read_policy(document.raw)
    except InvalidPolicy as error:
        raise NoPolicy(shown(f"{path}: {error}")) from error


def _action(policy: Policy, expectation: Expectation[Any], *, repair: bool) -> Action:
    if repair and expectation.repair:
        return Action.REPAIR
    action = policy.action(expectation)
    return Action.AUDIT if action is Action.IGNORE else action


def _with(policy: Policy, **changes: object) -> Policy:
    return Policy(policy.name, msgspec.structs.replace(policy.spec, **changes), policy.uid, policy.generation)
