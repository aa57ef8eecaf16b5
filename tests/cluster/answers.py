"""Requests of owners, and what the API server says to them."""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass

import msgspec

from cluster.governing import as_written
from control_plane.credentials import ADMIN
from control_plane.plane import ControlPlane
from owners.manifests import Raw
from testbed.api import Api, connected
from testbed.client import path

_WARNING = re.compile(r'299 \S+ "(.*)"', re.DOTALL)
_OURS = re.compile(
    r".*?ValidatingAdmissionPolicy 'productionpolicy-\w+' with binding '[\w-]+'(?: denied request)?: (?P<findings>.*?)"
    r"(?: \| (?P<asking>this is required by .*))?",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API server said to a request."""

    status: int
    body: Raw
    warnings: tuple[str, ...] = ()

    @property
    def accepted(self) -> bool:
        """Whether it did what was asked."""
        return self.status < 300

    @property
    def refusal(self) -> str:
        """What our policy says of why it is refused; empty where it was not, or not by us."""
        return "" if self.accepted else _ours(self.body["message"], "findings")

    @property
    def warning(self) -> str:
        """What our policy warns of; empty where it does not."""
        return " ".join(filter(None, (_ours(each, "findings") for each in self.warnings)))

    @property
    def asking(self) -> str:
        """What our policy says of who asks for it, and how to be exempt."""
        told = self.warnings if self.accepted else (self.body["message"],)
        return " ".join(filter(None, (_ours(each, "asking") for each in told)))


def answered(plane: ControlPlane, raw: Raw, namespace: str) -> Answer:
    """Return what the API server says to the creation of an object, which it does not keep."""

    async def asked() -> Answer:
        async with connected(plane.site, user=ADMIN) as api:
            return await tried(api, raw, namespace)

    return asyncio.run(asked())


async def tried(api: Api, raw: Raw, namespace: str) -> Answer:
    """Return what the API server says to the creation of an object, without keeping it."""
    where = f"{api.server}{path(raw['kind'], namespace)}?dryRun=All"
    headers = {"Content-Type": "application/json"}
    async with api.session.post(where, data=msgspec.json.encode(as_written(raw, namespace)), headers=headers) as answer:
        warnings = tuple(_unquoted(each) for each in answer.headers.getall("Warning", []))
        content = await answer.read()
    known = answer.content_type == "application/json"
    return Answer(answer.status, msgspec.json.decode(content) if known else {"message": ""}, warnings)


def _unquoted(header: str) -> str:
    found = _WARNING.fullmatch(header)
    return found[1].replace('\\"', '"') if found else header


def _ours(text: str, part: str) -> str:
    found = _OURS.fullmatch(text)
    return found[part] or "" if found else ""
