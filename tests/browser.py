"""Drive headless Chromium over its debugging pipe, with the standard library alone."""

from __future__ import annotations

import base64
import itertools
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
EXECUTABLE = next(filter(None, map(shutil.which, NAMES)), None)
FLAGS = ("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--remote-debugging-pipe")


class Page:
    """One tab. Every call waits for its answer; a fault in the browser raises RuntimeError."""

    def __init__(self, write: int, read: int) -> None:
        self._write, self._read, self._rest = write, read, b""
        self._numbers = itertools.count(1)
        self._session: str | None = None
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        self.call("Page.enable")

    def call(self, method: str, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params}
        if self._session:
            message["sessionId"] = self._session
        os.write(self._write, json.dumps(message).encode() + b"\0")
        answer = self._wait(lambda found: found.get("id") == number)
        if "error" in answer:
            raise RuntimeError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def _wait(self, wanted: Any) -> dict[str, Any]:
        while True:
            while b"\0" not in self._rest:
                piece = os.read(self._read, 1 << 20)
                if not piece:
                    raise RuntimeError("the browser ended")
                self._rest += piece
            line, _, self._rest = self._rest.partition(b"\0")
            found = json.loads(line)
            if wanted(found):
                return found

    def show(self, path: Path, width: int, dark: bool = False, height: int = 900, fragment: str = "") -> None:
        """Load a file at `width` CSS pixels, as a phone would below 600."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.call("Emulation.setEmulatedMedia", features=[scheme])
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.call("Emulation.setDeviceMetricsOverride", **size)
        self.go("about:blank")  # another fragment alone would load nothing
        self.go(path.resolve().as_uri() + fragment)

    def go(self, url: str) -> None:
        """Load an address."""
        self.call("Page.navigate", url=url)
        self._wait(lambda found: found.get("method") == "Page.loadEventFired")

    def run(self, script: str) -> Any:
        """Evaluate an expression, await it if it is a promise, and return its value."""
        found = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in found:
            raise RuntimeError(found["exceptionDetails"]["exception"].get("description", "script failed"))
        return found["result"].get("value")

    def press(self, key: str) -> None:
        """Press and release a key: a character, or a name such as ArrowDown."""
        text = {"text": key} if len(key) == 1 else {}
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, "ArrowUp": 38, "ArrowDown": 40, "Delete": 46}
        code = {"windowsVirtualKeyCode": codes[key]} if key in codes else {}
        self.call("Input.dispatchKeyEvent", type="keyDown", key=key, **text, **code)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, **code)

    def picture(self, path: Path, whole: bool = False) -> None:
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(shot["data"]))

    def pdf(self, path: Path) -> None:
        """Print with the sizes of the page's own style sheet."""
        path.write_bytes(base64.b64decode(self.call("Page.printToPDF", preferCSSPageSize=True)["data"]))


@contextmanager
def chromium(profile: Path) -> Iterator[Page]:
    """Yield a tab of a browser that lives as long as the block, without a network."""
    to_read, to_write = os.pipe()
    from_read, from_write = os.pipe()

    def connect() -> None:  # Chromium reads from 3 and writes to 4
        os.dup2(to_read, 3)
        os.dup2(from_write, 4)

    command = [str(EXECUTABLE), *FLAGS, f"--user-data-dir={profile}", "--proxy-server=127.0.0.1:9"]
    process = subprocess.Popen(
        command, stderr=subprocess.DEVNULL, preexec_fn=connect, pass_fds=(3, 4), start_new_session=True
    )
    os.close(to_read)
    os.close(from_write)
    try:
        yield Page(to_write, from_read)
    finally:
        process.kill()
        process.wait()
        os.close(to_write)
        os.close(from_read)
