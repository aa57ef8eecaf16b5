"""Names of container images."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated

from msgspec import Meta, Struct

from productionpolicy.kube.patterns import any_of

ImagePattern = Annotated[str, Meta(min_length=1, max_length=255)]
"""A glob of names of images, as a policy gives it."""

_HUB = "docker.io"
"""The registry of images whose name names none."""

_LIBRARY = "library"
"""The team of images in it whose name names none."""

_PART = r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*"
_HOST = r"(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::[0-9]+)?|[a-z0-9-]+:[0-9]+)/"
_NAME = rf"(?:{_HOST})?{_PART}(?:/{_PART})*"
_KNOWN_NAME = re.compile(_NAME)
_KNOWN = re.compile(
    rf"{_NAME}:?|(?:[^@]*/)?[^@/:]*:[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}}|[^@]*@[a-z0-9+._-]+:[0-9A-Fa-f]+"
)
"""A name that a registry can hold, or any name with a tag or digest that is written out."""

_PLACEHOLDER = re.compile(
    r"auto|.*:__[A-Za-z0-9_]+__|[^:@]*(?:placeholder|replace[-_]?(?:me|with))[^:@]*", re.IGNORECASE
)
"""References of a valid form that another program replaces; `auto` is for the injector of Istio."""

_VERSION = re.compile(
    r"(?<=[a-z])[-_]?\d[\d.]*(?:-(?:c\d+s?|(?:centos|rhel|ubi|el|fedora|alpine|debian|ubuntu|bookworm)[\d.]*))?$"
)
"""A version at the end of a name, as in `postgresql-16-c9s`."""


class Image(Struct, frozen=True):
    """A reference to an image: `registry:5000/team/name:tag@sha256:…`."""

    name: str
    tag: str | None = None
    digest: str | None = None

    @classmethod
    def parse(cls, reference: str) -> Image:
        """Split a reference. A colon before the last slash belongs to a registry's port."""
        named, _, digest = reference.partition("@")
        folder, slash, last = named.rpartition("/")
        name, _, tag = last.partition(":")
        return cls(name=f"{folder}{slash}{name}", tag=tag or None, digest=digest or None)

    @property
    def name_known(self) -> bool:
        """Whether nothing else fills in a part of the name."""
        return _KNOWN_NAME.fullmatch(self.name) is not None

    @property
    def default_pull_policy(self) -> str:
        """What the API server fills in for imagePullPolicy (core/v1)."""
        moves = self.tag == "latest" or (self.tag is None and self.digest is None)
        return "Always" if moves else "IfNotPresent"

    @property
    def full_name(self) -> str:
        """Its name as a container runtime completes it: `web` is `docker.io/library/web`."""
        host, slash, _ = self.name.partition("/")
        if slash and ("." in host or ":" in host or host == "localhost"):
            return self.name
        return f"{_HUB}/{self.name if slash else f'{_LIBRARY}/{self.name}'}"

    @property
    def registry(self) -> str:
        """The host from which it is pulled."""
        return self.full_name.partition("/")[0]

    def is_one_of(self, patterns: tuple[str, ...]) -> bool:
        """Say whether a glob matches its name, or the end of it, with or without a version there.

        `redis` matches `registry.example/cache/redis` and `cache/redis-7`, and so does `cache/redis`. A pattern with a
        colon is asked of name and tag.
        """
        tagged = tuple(each for each in patterns if ":" in each)
        names, with_tag = any_of(patterns), any_of(tagged)
        return any(names.match(each) or with_tag.match(f"{each}:{self.tag or ''}") for each in self._ends())

    def comes_from(self, places: tuple[str, ...]) -> bool:
        """Say whether a glob matches its registry, or its name with or without one."""
        pattern = any_of(places)
        return self.name_known and any(pattern.match(each) for each in (self.registry, self.full_name, self.name))

    def _ends(self) -> Iterator[str]:
        parts = self.name.split("/")
        for count in range(1, len(parts) + 1):
            end = "/".join(parts[-count:])
            yield end
            yield _VERSION.sub("", end)


def is_written(reference: str) -> bool:
    """Say whether a reference says which image is meant, and leaves that to no other program.

    Programs fill in what is empty, a placeholder in brackets (`${IMAGE}`, `<IMAGE>`), an address of another kind
    (`ko://...`), and any other name that no registry can hold. A tag behind such a name still counts if it is written.
    """
    text = reference.strip()
    return _KNOWN.fullmatch(text) is not None and _PLACEHOLDER.fullmatch(text) is None


@lru_cache(maxsize=4096)
def is_one_of(image: str, patterns: tuple[str, ...]) -> bool:
    """Say whether a glob matches the name of an image, as `Image.is_one_of` does; the same few are asked for again."""
    return Image.parse(image).is_one_of(patterns)
