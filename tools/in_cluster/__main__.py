"""`python -m in_cluster` builds the image and shows the operator as a Pod on real nodes, installed in several ways."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
import time
from pathlib import Path

from control_plane import session
from control_plane.installation import REPOSITORY
from control_plane.patience import insist
from demo.narrator import Narrator
from helm.programs import HELM_3, HELM_4
from image.__main__ import build, default_archive, default_tag
from image.contents import MEGABYTE, read
from in_cluster import results
from in_cluster.cluster import running
from in_cluster.story import Figures, Story
from in_cluster.ways import NEXT, WAYS
from proof import isolation, programs, requirements
from proof.images import renamed

DEFAULT_FOLDER = REPOSITORY / ".in-cluster"
ARCHIVE, OTHER = "image.tar", "next.tar"


def main() -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args()
    folder: Path = options.folder.absolute()
    if isolation.is_inside():
        return session.told(folder, lambda: _show(options.way[0], folder=folder))
    return session.in_folder(folder, lambda: _shown(options, folder=folder))


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m in_cluster",
        description="Build the image, and show the operator as a Pod on three real nodes, which needs root on Linux: "
        "what it may do, its probes and metrics, a repair, its log, an upgrade, a node that dies, and its removal. "
        "Exit code 1: something was not as expected, and the message gives the evidence.",
    )
    parser.add_argument("--way", action="append", choices=list(WAYS), help="how to install it (default: each in turn)")
    parser.add_argument("--archive", type=Path, help="an image that `python -m image` built (default: build one)")
    parser.add_argument("--write", action="store_true", help="write the figures into docs/operations.md")
    parser.add_argument("--folder", type=Path, default=DEFAULT_FOLDER, help="for state and logs (default: .in-cluster)")
    return parser


def _shown(options: argparse.Namespace, *, folder: Path) -> int:
    """Build what is needed, and go through the ways, each in namespaces of its own."""
    lacking = requirements.missing()
    insist(not lacking, lacking)
    programs.ensure()  # inside there is no network to download from
    for each in (HELM_3, HELM_4):
        each.ensure()
    figures = _image(options.archive, folder=folder)
    ways: list[str] = options.way or list(WAYS)
    for way in ways:
        session.clear_logs(folder)
        code = isolation.run("in_cluster", f"--way={way}", f"--folder={folder}")
        if code != 0:
            return code
    found = {way: json.loads((folder / f"{way}.json").read_text()) for way in ways}
    results.tell(figures, found)
    if options.write:
        results.write(figures, found)
    shutil.rmtree(folder, ignore_errors=True)
    return 0


def _image(given: Path | None, *, folder: Path) -> Figures:
    """Have the image in two archives, each under a name of its own, and return its sizes."""
    archive = given or default_archive()
    if given is None:
        build(default_tag(), archive=archive)
    contents = read(archive)
    shutil.copy(archive, folder / ARCHIVE)
    renamed(archive, into=folder / OTHER, tag=f"docker.io/library/productionpolicy:{NEXT}")
    return {
        "unpackedMegabytes": contents.unpacked_bytes / MEGABYTE,
        "packedMegabytes": contents.packed_bytes / MEGABYTE,
    }


def _show(way: str, *, folder: Path) -> int:
    """Go through one way, inside, and leave its figures in the folder."""
    narrator = Narrator()
    narrator.chapter(f"Installed with {WAYS[way].name}")
    started = time.monotonic()
    with running(folder, archives=[folder / ARCHIVE, folder / OTHER]) as cluster:
        narrator.aside(f"three nodes are ready after {time.monotonic() - started:.0f} s")
        figures = Story(cluster, WAYS[way], narrator.shown).told()
    (folder / f"{way}.json").write_text(json.dumps(figures))
    return 0


if __name__ == "__main__":
    sys.exit(main())
