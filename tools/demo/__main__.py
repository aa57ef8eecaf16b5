"""`python -m demo` shows the operator at work on a control plane of its own, and fails if anything is not as told."""

from __future__ import annotations

import argparse
import contextlib
import os
import sys
import time
from pathlib import Path

from control_plane import session
from control_plane.installation import REPOSITORY
from control_plane.plane import ControlPlane
from control_plane.session import INTERRUPTED, complain, interrupt_once
from demo.narrator import Narrator
from demo.story import CHAPTERS, LAST, NAMESPACE, POLICY, Story
from demo.testbed import Testbed, tear_down

DEFAULT_FOLDER = REPOSITORY / ".demo"


def main() -> int:
    """Run the command and return its exit code."""
    options = _parser().parse_args()
    folder: Path = options.folder.absolute()
    left = ControlPlane.find(folder)
    if options.stop:
        return _stop(left, folder)
    if left is not None:
        return _refuse(left)
    interrupt_once()
    return _play(Testbed(folder, Narrator(), detached=options.keep), keep=options.keep)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m demo",
        description="Show the operator at work on a local control plane with four simulated nodes, in half a minute.",
    )
    parser.add_argument(
        "--keep",
        action="store_true",
        default=bool(os.environ.get("KEEP")),
        help="end with the repaired shop and keep everything running (default: if KEEP is set in the environment)",
    )
    parser.add_argument("--stop", action="store_true", help="stop what --keep has kept running")
    parser.add_argument(
        "--folder", type=Path, default=DEFAULT_FOLDER, help="the folder for its state and logs (default: .demo)"
    )
    return parser


def _play(testbed: Testbed, *, keep: bool) -> int:
    testbed.folder.mkdir(parents=True, exist_ok=True)
    try:
        with contextlib.chdir(REPOSITORY):  # the commands that are shown name files in it
            _tell(Story(testbed), keep=keep)
    except KeyboardInterrupt:
        testbed.abandon(logs=False)
        complain("interrupted; nothing is left running")
        return INTERRUPTED
    except session.FAILURES as failure:
        testbed.abandon(logs=True)
        complain(f"error: {_line(failure)}. What happened is in the logs in {testbed.folder / 'logs'}.")
        return 1
    except BaseException:
        testbed.abandon(logs=True)
        raise
    return 0


def _tell(story: Story, *, keep: bool) -> None:
    narrator, rows, begun = story.testbed.narrator, [], time.monotonic()
    narrator.say("productionpolicy: a shop with typical faults, a policy, and the result.")
    chapters = CHAPTERS if keep else (*CHAPTERS, LAST)
    for number, (title, chapter) in enumerate(chapters, start=1):
        narrator.chapter(f"{number}. {title}")
        started = time.monotonic()
        outcome = chapter(story)
        rows.append((title, outcome, f"{time.monotonic() - started:.1f}"))
    narrator.chapter("Summary")
    rows.append(("", "total", f"{time.monotonic() - begun:.1f}"))
    narrator.table(("CHAPTER", "THE RESULT", "SECONDS"), rows, numbers=("SECONDS",))
    if keep:
        _invite(story.testbed)
    else:
        story.testbed.stop()
        narrator.say("Each line that begins with ok was checked. Nothing is left running.")


def _invite(testbed: Testbed) -> None:
    """Tell how to look around, and how to end it."""
    narrator = testbed.narrator
    narrator.say("Everything keeps running. To look around:")
    narrator.lines(session.shell_settings(testbed.plane))
    for command in (
        "kubectl get productionpolicies -o wide",
        f"kubectl describe productionpolicy {POLICY}",
        f"kubectl get deployments,statefulsets,pdb -n {NAMESPACE}",
        f"kubectl get events -n {NAMESPACE} --field-selector reason=Repaired",
        f"kubectl edit deployment storefront -n {NAMESPACE}",
        "kubectl explain productionpolicy.spec",
    ):
        narrator.lines([command])
    narrator.say("To stop it:")
    narrator.lines([session.stop_command("demo", testbed.folder)])


def _stop(left: ControlPlane | None, folder: Path) -> int:
    if left is None:
        complain(f"No demo runs in {folder}.")
        return 0
    tear_down(left)
    complain(f"Stopped the demo in {folder}.")
    return 0


def _refuse(left: ControlPlane) -> int:
    command = session.stop_command("demo", left.site.folder)
    complain(f"error: a demo is already running in {left.site.folder}. Stop it with:\n  {command}")
    return 1


def _line(failure: Exception) -> str:
    """Return the first line of a message; what follows is the end of a log."""
    return str(failure).partition("\n")[0].rstrip(".")


if __name__ == "__main__":
    sys.exit(main())
