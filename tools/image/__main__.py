"""`python -m image` builds the image of the operator, and writes it into an archive."""

from __future__ import annotations

import argparse
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from control_plane.go_build import say
from image import base
from image.builders import BUILDERS, Builder, NotBuilt, Recipe, working
from image.contents import read
from release.places import version
from testbed.tables import megabytes

ROOT = Path(__file__).parents[2]
PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "NO_PROXY", "http_proxy", "https_proxy", "no_proxy")
_PINNED = re.compile(r"^ARG BASE=(\S+)$", re.MULTILINE)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args(arguments)
    tag, archive = options.tag or default_tag(), (options.archive or default_archive()).absolute()
    try:
        build(tag, archive=archive, chosen=options.base, program=options.program, cached=not options.no_cache)
    except NotBuilt as failure:
        print(f"error: {failure}", file=sys.stderr)
        return 1
    _tell(tag, archive)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m image",
        description="Build the image of the operator. Certificates of private authorities are taken from the file that "
        "SSL_CERT_FILE names; they do not become part of the image.",
    )
    names = list(dict.fromkeys(each.name for each in BUILDERS))
    parser.add_argument("--tag", default="", help="the name of the image (default: productionpolicy:VERSION)")
    parser.add_argument(
        "--base",
        default="",
        help=f"the base image; {base.SUITE}: make it from the packages of that release of Debian (default: the image "
        f"that the Dockerfile pins, or {base.SUITE} where no registry can be reached)",
    )
    parser.add_argument("--program", default="", choices=names, help="what builds it (default: the first that works)")
    parser.add_argument("--archive", type=Path, help="the archive to write (default: dist/productionpolicy-image.tar)")
    parser.add_argument("--no-cache", action="store_true", help="use no layers of an earlier build")
    return parser


def default_tag() -> str:
    """Return the name that the manifests use."""
    return f"productionpolicy:{version(ROOT)}"


def default_archive() -> Path:
    """Return where the archive is written."""
    return ROOT / "dist" / "productionpolicy-image.tar"


def build(tag: str, *, archive: Path, chosen: str = "", program: str = "", cached: bool = True) -> None:
    """Build the image and write it into an archive.

    Args:
        tag: its name.
        archive: the file to write.
        chosen: the base, as of the command line.
        program: the builder. Empty: the first that works.
        cached: whether layers of an earlier build may be used.

    Raises:
        NotBuilt: that is not possible; the message says what is missing.
    """
    builder = working(program)
    found = _base(builder, chosen)
    seconds, revision = _seconds(), _revision()
    labels = {"org.opencontainers.image.created": f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"}
    recipe = Recipe(
        context=ROOT,
        base=found,
        arguments={"VERSION": version(ROOT), **(_proxies() if builder.name == "docker" else {})},
        labels={**labels, **({"org.opencontainers.image.revision": revision} if revision else {})},
        certificates=_certificates(),
        seconds=seconds,
        cached=cached,
    )
    say(f"building {tag} with {builder.name} on {found}")
    archive.parent.mkdir(parents=True, exist_ok=True)
    builder.build(recipe, tag=tag)
    builder.save(tag, archive=archive)


def _base(builder: Builder, chosen: str) -> str:
    """Return the name of the base, once the builder has it."""
    if chosen == base.SUITE:
        return _from_packages(builder)
    wanted = chosen or pinned()
    problem = "" if builder.has(wanted) else builder.pull(wanted)
    if not problem:
        return wanted
    if chosen:
        raise NotBuilt(f"the base {chosen} cannot be pulled: {problem}")
    say(f"the base {wanted} cannot be pulled: {problem}")
    return _from_packages(builder)


def _from_packages(builder: Builder) -> str:
    try:
        builder.load(base.archive())
    except NotBuilt as failure:
        raise NotBuilt(f"{failure}. Or name a base that this machine has: make image BASE=<image>") from failure
    return base.NAME


def pinned() -> str:
    """Return the base that the Dockerfile pins."""
    [found] = _PINNED.findall((ROOT / "Dockerfile").read_text())
    return str(found)


def _certificates() -> Path | None:
    file = Path(os.environ.get("SSL_CERT_FILE", ""))
    return file if file.is_file() else None


def _proxies() -> dict[str, str]:
    return {name: os.environ[name] for name in PROXIES if name in os.environ}


def _seconds() -> int:
    """Return the time of the source: what SOURCE_DATE_EPOCH says, or that of the last commit."""
    return int(os.environ.get("SOURCE_DATE_EPOCH") or _git("log", "-1", "--format=%ct") or 0)


def _revision() -> str:
    commit = _git("rev-parse", "HEAD")
    return f"{commit}-dirty" if commit and _git("status", "--porcelain") else commit


def _git(*arguments: str) -> str:
    """Return what git prints; nothing outside of a repository."""
    try:
        done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return ""
    return done.stdout.strip() if done.returncode == 0 else ""


def _tell(tag: str, archive: Path) -> None:
    found = read(archive)
    print(f"{tag}  {found.identity}")
    print(f"  {megabytes(found.unpacked_bytes)}, {megabytes(found.packed_bytes)} compressed")
    print(f"  base: {found.labels['org.opencontainers.image.base.name']}")
    print(f"  archive: {archive}")


if __name__ == "__main__":
    sys.exit(main())
