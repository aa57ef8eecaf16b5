"""Names of container images."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Annotated

from msgspec import Meta, Struct

from productionpolicy.kube.patterns import any_of

ImagePattern = Annotated[str, Meta(min_length=1, max_length=255)]
"""A glob for image names, in a policy."""

_HUB = "docker.io"
"""The registry of images without one in their name."""

_LIBRARY = "library"
"""The repository prefix of Docker Hub images without one in their name."""

_WITHOUT_SHELL = re.compile(
    r"(?:^|[^a-z])distroless(?:[^a-z]|$)|^cgr\.dev/|(?:^|/)chainguard/|(?:^|/)scratch(?::[^/]*)?$"
    r"|:(?:[^/@]*[^a-z/@])?scratch(?:[^a-z/@][^/@]*)?(?:@|$)",
    re.IGNORECASE,
)
_WITH_SHELL = re.compile(
    r":(?:[^/@]*[^a-z/@])?(?:debug|dev)(?:[^a-z/@][^/@]*)?(?:@|$)|/(?:bash|busybox|wolfi-base)(?:[:@]|$)", re.IGNORECASE
)
"""Matches variants of such images that contain a shell."""


_BUSYBOX = re.compile(r"(?:^|[^a-z])(?:alpine|busybox)", re.IGNORECASE)
_BASH = re.compile(
    r"(?:^|[^a-z])(?:ubi|rhel|centos|fedora|rocky(?:linux)?|alma(?:linux)?|oraclelinux|amazonlinux|opensuse|archlinux"
    r"|amazoncorretto(?!.*debian))(?:[^a-z]|$)",
    re.IGNORECASE,
)
"""Matches distributions whose `sh` is bash."""
_PART = r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*"
_HOST = r"(?:[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+(?::[0-9]+)?|[a-z0-9-]+:[0-9]+)/"
_NAME = rf"(?:{_HOST})?{_PART}(?:/{_PART})*"
_KNOWN_NAME = re.compile(_NAME)
_KNOWN = re.compile(
    rf"{_NAME}:?|(?:[^@]*/)?[^@/:]*:[A-Za-z0-9_][A-Za-z0-9_.-]{{0,127}}|[^@]*@[a-z0-9+._-]+:[0-9A-Fa-f]+"
)
"""A valid image name, or any name with an explicit tag or digest."""

_PLACEHOLDER = re.compile(
    r"auto|.*:__[A-Za-z0-9_]+__|[^:@]*(?:placeholder|replaced?[-_]?(?:me|with|by)|to[-_]be[-_]replaced|change[-_]?me)[^:@]*"
    r"|(?:[^:@]*/)?your[-_][^:@]*",
    re.IGNORECASE,
)
"""Valid references that another program replaces; Istio's injector replaces `auto`."""

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
        """Return the parts of a reference. A colon before the last slash belongs to the port of a registry."""
        named, _, digest = reference.partition("@")
        folder, slash, last = named.rpartition("/")
        name, _, tag = last.partition(":")
        return cls(name=f"{folder}{slash}{name}", tag=tag or None, digest=digest or None)

    @property
    def name_known(self) -> bool:
        """Whether no other program fills in a part of the name."""
        return _KNOWN_NAME.fullmatch(self.name) is not None

    @property
    def default_pull_policy(self) -> str:
        """The default of the API for imagePullPolicy (core/v1)."""
        moves = self.tag == "latest" or (self.tag is None and self.digest is None)
        return "Always" if moves else "IfNotPresent"

    @property
    def full_name(self) -> str:
        """The full name, as container runtimes complete it: `web` is `docker.io/library/web`."""
        host, slash, _ = self.name.partition("/")
        if slash and ("." in host or ":" in host or host == "localhost"):
            return self.name
        return f"{_HUB}/{self.name if slash else f'{_LIBRARY}/{self.name}'}"

    @property
    def registry(self) -> str:
        """The host of the registry."""
        return self.full_name.partition("/")[0]

    def is_one_of(self, patterns: tuple[str, ...]) -> bool:
        """Return whether a glob matches its name, or the end of its name, with or without a version suffix.

        `redis` matches `registry.example/cache/redis` and `cache/redis-7`, and so does `cache/redis`. A pattern with a
        colon applies to name and tag.
        """
        tagged = tuple(each for each in patterns if ":" in each)
        names, with_tag = any_of(patterns), any_of(tagged)
        return any(names.match(each) or with_tag.match(f"{each}:{self.tag or ''}") for each in self._ends())

    def comes_from(self, places: tuple[str, ...]) -> bool:
        """Return whether a glob matches its registry, or its name with or without the registry."""
        pattern = any_of(places)
        return self.name_known and any(pattern.match(each) for each in (self.registry, self.full_name, self.name))

    def _ends(self) -> Iterator[str]:
        parts = self.name.split("/")
        for count in range(1, len(parts) + 1):
            end = "/".join(parts[-count:])
            yield end
            yield _VERSION.sub("", end)


def is_written(reference: str) -> bool:
    """Return whether a reference is complete, so that no other program fills it in.

    Programs fill in an empty reference, a placeholder in brackets (`${IMAGE}`, `<IMAGE>`), another scheme
    (`ko://...`), and any other invalid image name. An explicit tag after such a name still counts.
    """
    text = reference.strip()
    return _KNOWN.fullmatch(text) is not None and _PLACEHOLDER.fullmatch(text) is None


@lru_cache(maxsize=4096)
def is_one_of(image: str, patterns: tuple[str, ...]) -> bool:
    """Return whether a glob matches the name of an image, as `Image.is_one_of` does; cached, because names repeat."""
    return Image.parse(image).is_one_of(patterns)


@lru_cache(maxsize=4096)
def lacks_shell(image: str) -> bool:
    """Return whether the name of an image shows that it has neither a shell nor a sleep command."""
    return _WITHOUT_SHELL.search(image) is not None and _WITH_SHELL.search(image) is None


def says_busybox(image: str) -> bool:
    """Return whether the name or the tag of an image shows that its shell is that of busybox."""
    return _BUSYBOX.search(_less_registry(image)) is not None


def says_bash(image: str) -> bool:
    """Return whether the name or the tag of an image shows that its `sh` is bash."""
    return _BASH.search(_less_registry(image)) is not None


def _less_registry(image: str) -> str:
    parsed = Image.parse(image)
    return f"{parsed.full_name.partition('/')[2]}:{parsed.tag or ''}"
