"""Objects as YAML, for people and for files."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import yaml

_WORD = re.compile(r"[A-Za-z/][A-Za-z0-9./_-]+")
"""Text that every YAML parser reads as a string; some read `1e3` as a number and `y` as a boolean."""


class _Dumper(yaml.SafeDumper):
    """Writes YAML that every parser reads in the same way: no aliases, and quotes if they may matter."""

    def ignore_aliases(self, _value: Any) -> bool:
        """Return True: write repeated values in full."""
        return True


def _text(dumper: _Dumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style=None if _WORD.fullmatch(value) else '"')


_Dumper.add_representer(str, _text)


def dumped(made: Mapping[str, Any]) -> str:
    """Return an object as YAML."""
    return yaml.dump(made, Dumper=_Dumper, sort_keys=False, width=120)
