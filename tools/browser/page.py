"""A page in a headless Chromium, driven through the DevTools protocol over two pipes."""

from __future__ import annotations

import base64
import fcntl
import json
import os
import signal
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from select import select
from typing import Any

from browser.programs import ensure

FLAGS = (
    "--headless",
    "--no-sandbox",  # its sandbox does not start as root; the pages are those that this project writes
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--no-first-run",
    "--disable-extensions",
    "--disable-background-networking",
    "--disable-component-update",
    "--font-render-hinting=none",
)
FONTS = Path("/etc/fonts/fonts.conf")
PATIENCE = 60.0
"""Seconds to wait for an answer."""


class BrowserFailed(Exception):
    """The browser has refused a command, or no longer answers; the message says which command."""


class _Connection:
    """The two pipes: commands and answers, each ended by a zero byte."""

    def __init__(self, commands: int, answers: int) -> None:
        self._commands, self._answers = commands, answers
        self._unread = b""
        self._numbers = count(1)
        self.events: list[dict[str, Any]] = []

    def call(self, method: str, *, session: str | None = None, **parameters: Any) -> dict[str, Any]:
        """Give a command, and return its result."""
        number = next(self._numbers)
        command = {"id": number, "method": method, "params": parameters, **({"sessionId": session} if session else {})}
        os.write(self._commands, json.dumps(command).encode() + b"\0")
        while (answer := self._next(method)).get("id") != number:
            self.events.append(answer)
        if "error" in answer:
            raise BrowserFailed(f"{method}: {answer['error']['message']}")
        result: dict[str, Any] = answer["result"]
        return result

    def wait_for(self, event: str) -> None:
        """Wait until an event has happened."""
        while not any(each.get("method") == event for each in self.events):
            self.events.append(self._next(event))

    def _next(self, awaited: str) -> dict[str, Any]:
        while b"\0" not in self._unread:
            ready, _, _ = select([self._answers], [], [], PATIENCE)
            received = os.read(self._answers, 1 << 20) if ready else b""
            if not received:
                raise BrowserFailed(f"no answer to {awaited}")
            self._unread += received
        message, _, self._unread = self._unread.partition(b"\0")
        answer: dict[str, Any] = json.loads(message)
        return answer


class Page:
    """An open page."""

    def __init__(self, connection: _Connection, session: str) -> None:
        self._connection, self._session = connection, session
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._call(f"{domain}.enable")
        self._call("Performance.enable", timeDomain="threadTicks")

    def show(
        self, page: Path | str, *, width: int = 1280, height: int = 900, dark: bool = False, paper: bool = False
    ) -> None:
        """Load a page, and wait until it is loaded.

        Args:
            page: its file, or its address.
            width: the width of the window, in pixels.
            height: its height.
            dark: whether the reader prefers dark colors.
            paper: whether the page is styled as it is printed.
        """
        self.resize(width=width, height=height)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self._call("Emulation.setEmulatedMedia", media="print" if paper else "", features=[scheme])
        self._connection.events.clear()
        self._call("Page.navigate", url=page if isinstance(page, str) else page.resolve().as_uri())
        self._connection.wait_for("Page.loadEventFired")

    def follow(self, link: str) -> None:
        """Click on a link, which a CSS selector names, and wait until the page that it leads to is loaded."""
        self._connection.events.clear()
        self.evaluate(f"document.querySelector({json.dumps(link)}).click()")
        self._connection.wait_for("Page.loadEventFired")

    def resize(self, *, width: int, height: int) -> None:
        """Give the window a size, in pixels."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._call("Emulation.setDeviceMetricsOverride", **size)

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression of JavaScript, or what its promise brings."""
        answer = self._call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise BrowserFailed(json.dumps(answer["exceptionDetails"])[:2000])
        return answer["result"].get("value")

    def press(self, key: str) -> None:
        """Press and release a key, such as `Tab`."""
        code = {"Tab": 9, "Enter": 13}[key]
        text = {"Enter": "\r"}.get(key, "")
        for kind in ("keyDown", "keyUp"):
            parameters = {"type": kind, "key": key, "code": key, "windowsVirtualKeyCode": code, "text": text}
            self._call("Input.dispatchKeyEvent", **parameters)

    def picture(self) -> bytes:
        """Return what the window shows, as PNG."""
        return base64.b64decode(self._call("Page.captureScreenshot", format="png")["data"])

    def paper(self) -> bytes:
        """Return what a printer would get, as PDF."""
        return base64.b64decode(self._call("Page.printToPDF", printBackground=False)["data"])

    @property
    def busy(self) -> float:
        """How many seconds of processor time the pages have taken so far; other programs do not count."""
        metrics = {each["name"]: each["value"] for each in self._call("Performance.getMetrics")["metrics"]}
        return float(metrics["TaskDuration"])

    @property
    def messages(self) -> list[str]:
        """What the page has written to the console, with its exceptions, and what the browser complains of."""
        self.evaluate("0")
        named = {"Runtime.consoleAPICalled", "Runtime.exceptionThrown", "Log.entryAdded"}
        return [json.dumps(each["params"]) for each in self._connection.events if each.get("method") in named]

    @property
    def requests(self) -> list[str]:
        """What it has loaded, or has tried to load."""
        self.evaluate("0")
        sent = (each for each in self._connection.events if each.get("method") == "Network.requestWillBeSent")
        return [each["params"]["request"]["url"] for each in sent]

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        return self._connection.call(method, session=self._session, **parameters)


@contextmanager
def opened() -> Iterator[Page]:
    """Start a browser, yield an empty page, and stop the browser.

    Raises:
        NotAvailable: there is no Chromium, and no way to get it.
    """
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile, _started(ensure(), Path(profile)) as pipes:
        connection = _Connection(*pipes)
        target = connection.call("Target.createTarget", url="about:blank")["targetId"]
        session = connection.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        yield Page(connection, session)


@contextmanager
def _started(program: Path, profile: Path) -> Iterator[tuple[int, int]]:
    """Start Chromium, which reads commands from descriptor 3 and writes answers to descriptor 4."""
    theirs_in, ours_out = map(_high, os.pipe())
    ours_in, theirs_out = map(_high, os.pipe())
    command = [str(program), *FLAGS, "--remote-debugging-pipe", f"--user-data-dir={profile}", "about:blank"]
    nowhere = ((os.POSIX_SPAWN_OPEN, each, os.devnull, os.O_RDWR, 0) for each in range(3))
    pipes = ((os.POSIX_SPAWN_DUP2, theirs_in, 3), (os.POSIX_SPAWN_DUP2, theirs_out, 4))
    actions, environment = [*nowhere, *pipes], _environment(program, profile)
    process = os.posix_spawn(str(program), command, environment, file_actions=actions, setpgroup=0)
    os.close(theirs_in)
    os.close(theirs_out)
    try:
        yield ours_out, ours_in
    finally:
        os.close(ours_out)
        os.close(ours_in)
        os.killpg(process, signal.SIGKILL)  # a program of a package may be a script that starts the browser
        os.waitpid(process, 0)


def _high(descriptor: int) -> int:
    """Return the descriptor under a number that is not among those that Chromium expects."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, 10)
    os.close(descriptor)
    return moved


def _environment(program: Path, profile: Path) -> dict[str, str]:
    """Return the environment of Chromium; a machine without settings of fonts gets those of the unpacked package."""
    environment = {**os.environ, "HOME": str(profile), "LC_ALL": "C.UTF-8", "TZ": "UTC"}
    fonts = program.parent / "root" / "usr" / "share" / "fonts"
    if not FONTS.is_file() and fonts.is_dir():
        settings = profile / "fonts.conf"
        settings.write_text(f"<fontconfig><dir>{fonts}</dir><cachedir>{profile}</cachedir></fontconfig>")
        environment["FONTCONFIG_FILE"] = str(settings)
    return environment
