"""Chromium for tests of pages, by its debugging protocol over a pipe."""

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

DEADLINE = 60.0
"""Seconds until something that does not happen counts as broken."""

_HIGH = 10
"""Descriptors from here on do not collide with 3 and 4, which Chromium uses."""

_KEYS = {"Tab": 9, "Enter": 13, "Space": 32, "ArrowDown": 40, "ArrowRight": 39}

_TEXTS = {"Enter": "\r", "Space": " "}


class Browser:
    """A Chromium without a window.

    Args:
        profile: a directory that does not exist, for its files.
    """

    def __init__(self, profile: Path) -> None:
        commands, self._commands = _pipe()
        self._answers, answers = _pipe()
        options = (
            f"--headless --no-sandbox --disable-gpu --hide-scrollbars --remote-debugging-pipe --user-data-dir={profile}"
        )
        script = f'exec chromium "$@" 3<&{commands} 4>&{answers}'
        self._process = subprocess.Popen(
            ["bash", "-c", script, "bash", *options.split(), "about:blank"],  # noqa: S607
            pass_fds=(commands, answers),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            env={**os.environ, "HOME": str(profile.parent)},
        )
        os.close(commands)
        os.close(answers)
        self._buffer = b""
        self._number = 0

    def open(self, url: str, *, width: int = 1280, dark: bool = False, scripts: bool = True) -> "Page":
        """Open a page in a tab of its own, and wait until it has loaded."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        page = Page(self, self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"])
        page.resize(width)
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        page.call("Emulation.setEmulatedMedia", features=[theme])
        page.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        page.call("Runtime.enable")
        page.call("Log.enable")
        page.call("Page.enable")
        page.call("Page.navigate", url=url)
        self.wait("Page.loadEventFired", page.session)
        return page

    def call(self, method: str, session: str = "", **parameters: Any) -> Any:
        """Call a method of the protocol, and return its result."""
        self._number += 1
        number = self._number
        message = {"id": number, "method": method, "params": parameters, **({"sessionId": session} if session else {})}
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        for answer in self._messages():
            if answer.get("id") == number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]
            self.notice(answer)
        raise AssertionError(f"the browser has ended, or did not answer: {method}")

    def wait(self, event: str, session: str) -> None:
        """Wait for an event of a session."""
        for message in self._messages():
            self.notice(message)
            if message.get("method") == event and message.get("sessionId") == session:
                return
        raise AssertionError(f"there was no {event}")

    def notice(self, message: Any) -> None:
        """Keep what a page logs."""
        if page := Page.by_session.get(message.get("sessionId", "")):
            page.notice(message)

    def close(self) -> None:
        """End the browser."""
        with contextlib.suppress(AssertionError, OSError):
            self.call("Browser.close")
        os.close(self._commands)
        try:
            self._process.wait(DEADLINE)
        except subprocess.TimeoutExpired:
            self._process.kill()
        os.close(self._answers)

    def _messages(self) -> Iterator[Any]:
        until = time.monotonic() + DEADLINE
        while True:
            message, separator, rest = self._buffer.partition(b"\0")
            if separator:
                self._buffer = rest
                yield json.loads(message)
                continue
            ready, _, _ = select.select([self._answers], [], [], max(0, until - time.monotonic()))
            piece = os.read(self._answers, 1 << 20) if ready else b""
            if not piece:
                return
            self._buffer += piece


class Page:
    """A page in a tab.

    Attributes:
        logs: errors and warnings in its console, such as violations of its security policy.
    """

    by_session: "dict[str, Page]" = {}  # noqa: RUF012

    def __init__(self, browser: Browser, session: str) -> None:
        self._browser = browser
        self.session = session
        self.logs: list[str] = []
        self.by_session[session] = self

    def call(self, method: str, **parameters: Any) -> Any:
        """Call a method of the protocol for this page."""
        return self._browser.call(method, self.session, **parameters)

    def evaluate(self, expression: str) -> Any:
        """Return the value of an expression of JavaScript, or what its promise resolves to."""
        result = self.call("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in result, result["exceptionDetails"]
        return result["result"].get("value")

    def wait_for(self, condition: str) -> Any:
        """Wait until an expression is truthy, and return its value."""
        script = f"""new Promise((done, fail) => {{
            const until = Date.now() + {DEADLINE * 1000}, check = () => {{
                const value = {condition};
                if (value) done(value);
                else if (Date.now() > until) fail(new Error(document.body.innerText));
                else setTimeout(check, 20);
            }}; check(); }})"""
        return self.evaluate(script)

    def press(self, key: str) -> None:
        """Press and release a key."""
        details = {"key": " " if key == "Space" else key, "code": key, "windowsVirtualKeyCode": _KEYS[key]}
        text = {"text": _TEXTS[key]} if key in _TEXTS else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", **details, **text)
        self.call("Input.dispatchKeyEvent", type="keyUp", **details)

    def type(self, text: str) -> None:
        """Insert a text where the focus is, in place of what is selected."""
        self.call("Input.insertText", text=text)

    def choose_file(self, selector: str, file: Path) -> None:
        """Choose a file in an input."""
        root = self.call("DOM.getDocument")["root"]["nodeId"]
        node = self.call("DOM.querySelector", nodeId=root, selector=selector)["nodeId"]
        self.call("DOM.setFileInputFiles", files=[str(file)], nodeId=node)

    def resize(self, width: int, height: int = 900) -> None:
        """Set the size of the window, in pixels."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def screenshot(self, path: Path) -> None:
        """Write a picture of the whole page."""
        height = self.evaluate("document.documentElement.scrollHeight")
        width = self.evaluate("innerWidth")
        self.resize(width, height)
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot")["data"]))
        self.resize(width)

    def notice(self, message: Any) -> None:
        """Keep errors that the page logs."""
        parameters = message.get("params", {})
        if message["method"] == "Log.entryAdded" and parameters["entry"]["level"] in {"error", "warning"}:
            self.logs.append(f"{parameters['entry']['text']} {parameters['entry'].get('url', '')}")
        elif message["method"] == "Runtime.exceptionThrown":
            self.logs.append(str(parameters["exceptionDetails"].get("exception", {}).get("description")))
        elif message["method"] == "Runtime.consoleAPICalled" and parameters["type"] in {"error", "warning"}:
            self.logs.append(str(parameters["args"]))


def find_npm_package(name: str) -> Path | None:
    """Return the folder of a package of npm beside one of the programs' folders on the PATH; None if there is none."""
    folders = [Path(folder) for folder in os.environ.get("PATH", "").split(os.pathsep) if folder]
    found = (folder.parent / name for folder in folders if folder.name == ".bin")
    return next((folder for folder in found if folder.is_dir()), None)


def is_installed() -> bool:
    """Return whether there is a Chromium."""
    return shutil.which("chromium") is not None


def _pipe() -> tuple[int, int]:
    """Return a pipe, with numbers that are free in the browser."""
    ends = os.pipe()
    high = [fcntl.fcntl(end, fcntl.F_DUPFD_CLOEXEC, _HIGH) for end in ends]
    for end in ends:
        os.close(end)
    return high[0], high[1]
