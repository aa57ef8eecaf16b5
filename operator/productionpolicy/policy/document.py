"""The base of all parts of the spec."""

from __future__ import annotations

from typing import ClassVar

import msgspec

from productionpolicy.expectations import Rule


class Document(msgspec.Struct, frozen=True, kw_only=True, rename="camel", forbid_unknown_fields=True):
    """A part of the spec."""

    rules: ClassVar[tuple[Rule, ...]] = ()
