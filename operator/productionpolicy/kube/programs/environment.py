"""The variables of a container with which the kubelet expands its command and arguments."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from msgspec import Struct

from productionpolicy.kube.pods import Container

_REFERENCE = re.compile(r"\$(?:\$|\((?P<name>[^)]*)\)|[^$])", re.DOTALL)
"""What the kubelet reads as one step (third_party/forked/golang/expansion): `$$` is a dollar sign, and `$(NAME)` the
value of a variable. Anything else stays as it is."""

_MOST = 2**21
"""The usual maximum length of all arguments and variables of a program in bytes (execve(2)): more never runs."""

_LEADING = re.compile(r"\$\((?P<name>[-._A-Za-z][-._A-Za-z0-9]*)\)")


class Environment(Struct, frozen=True):
    """The variables of a container, as far as its manifest contains their values."""

    values: Mapping[str, str]
    unknown: frozenset[str]
    """The names of its variables whose values come from elsewhere."""
    complete: bool
    """Whether it has no other variables."""

    @classmethod
    def of(cls, container: Container) -> Environment:
        """Return the variables of a container. A value may refer to earlier ones (core/v1 EnvVar)."""
        values: dict[str, str] = {}
        room = _MOST
        for each in container.variables:
            if each.value is None:
                values.pop(each.name, None)
            else:
                values[each.name] = _expanded(each.value, values, room=room)
                room -= len(values[each.name]) - len(each.value)
        unknown = frozenset(each.name for each in container.variables if each.name not in values)
        return cls(values, unknown, complete=not container.variables_from)

    def expanded(self, texts: Iterable[str]) -> Iterator[str]:
        """Return texts with the known values in place of `$(NAME)`; a reference to any other name stays."""
        room = _MOST
        for each in texts:
            found = _expanded(each, self.values, room=room)
            room -= len(found) - len(each)
            yield found

    def hides(self, word: str) -> bool:
        """Return whether an expanded word begins with a variable whose value the manifest does not contain."""
        found = _LEADING.match(word)
        if found is None or found["name"] in self.values:
            return False
        return found["name"] in self.unknown or not self.complete


def _expanded(text: str, values: Mapping[str, str], *, room: int) -> str:
    """Return a text with values in place of references, as long as there is room for them."""

    def value(found: re.Match[str]) -> str:
        nonlocal room
        put = "$" if found[0] == "$$" else values.get(found["name"] or "", found[0])
        room -= len(put) - len(found[0])
        return put if room >= 0 else found[0]

    return _REFERENCE.sub(value, text)
