"""Firefox as it is installed, steered by the protocol that it speaks itself (WebDriver BiDi), without a driver.

Playwright's own Firefox is no package of any registry, and it asks an installed one for commands that its long-term
release lacks.
"""

from __future__ import annotations

import base64
import json
import os
import re
import socket
import struct
import subprocess
from collections.abc import Iterator
from contextlib import closing, contextmanager
from itertools import count
from pathlib import Path
from typing import Any

NAMES = ("firefox-esr", "firefox")
# No updates, no first-run pages: nothing is asked of a network.
QUIET = {
    "app.update.auto": False,
    "browser.shell.checkDefaultBrowser": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,#none/v1",
    "ui.prefersReducedMotion": 1,
}
PATIENCE = 60  # seconds


class Firefox:
    """One window. `complaints` holds errors and warnings of its pages, and each request that leaves the disk."""

    def __init__(self, address: tuple[str, int]) -> None:
        self._wire, self._numbers = Wire(address, "/session"), count(1)
        self.complaints: list[str] = []
        self.send("session.new", capabilities={})
        self.send("session.subscribe", events=["log.entryAdded", "network.beforeRequestSent"])
        self.window = self.send("browsingContext.create", type="window")["context"]  # the first has no focus
        self.send("browsingContext.activate", context=self.window)

    def send(self, method: str, **params: object) -> dict[str, Any]:
        """Send a command and wait for its answer; what happens meanwhile is noted."""
        number = next(self._numbers)
        self._wire.write(json.dumps({"id": number, "method": method, "params": params}))
        while (message := json.loads(self._wire.read())).get("id") != number:
            self._note(message)
        assert message["type"] == "success", message
        return dict(message["result"])

    def _note(self, message: dict[str, Any]) -> None:
        params = message.get("params", {})
        if message.get("method") == "log.entryAdded" and params["level"] in ("warn", "error"):
            self.complaints.append(f"{params['level']}: {params['text']}")
        asked = params.get("request", {}).get("url", "file:")
        if not re.match("(file|data|about|blob|resource|chrome):", asked):
            self.complaints.append(f"asked {asked}")

    def close(self) -> None:
        """Hang up."""
        self._wire.close()

    def open(self, address: str, *, width: int = 1400) -> None:
        """Go to an address and wait until all of it is loaded."""
        self.send("browsingContext.setViewport", context=self.window, viewport={"width": width, "height": 900})
        self.send("browsingContext.navigate", context=self.window, url=address, wait="complete")

    def run(self, script: str) -> Any:
        """The value of an expression of the page, once it is there if it is a promise."""
        told = self.send(
            "script.evaluate",
            expression=f"Promise.resolve({script}).then((value) => JSON.stringify(value ?? null))",
            target={"context": self.window},
            awaitPromise=True,
        )
        assert told["type"] == "success", told["exceptionDetails"]["text"]
        return json.loads(told["result"]["value"])

    def press(self, *keys: str) -> None:
        """Press and let go keys, one after the other."""
        actions = [{"type": kind, "value": key} for key in keys for kind in ("keyDown", "keyUp")]
        device = {"type": "key", "id": "keyboard", "actions": actions}
        self.send("input.performActions", context=self.window, actions=[device])


@contextmanager
def running(program: str, profile: Path) -> Iterator[Firefox]:
    """A Firefox without a screen, on a profile of its own, ended at the end."""
    lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});" for name, value in QUIET.items())
    (profile / "user.js").write_text("\n".join(lines))
    command = [program, "--headless", "--no-remote", "--profile", str(profile), "--remote-debugging-port", "0"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ, "HOME": str(profile)})
    with process:
        try:
            with closing(Firefox(_address(process))) as firefox:
                yield firefox
        finally:
            process.terminate()


def _address(process: subprocess.Popen[str]) -> tuple[str, int]:
    assert process.stderr is not None
    for line in process.stderr:
        if told := re.search(r"listening on ws://([\d.]+):(\d+)", line):
            return told[1], int(told[2])
    raise RuntimeError(f"Firefox ended with {process.wait()} before it listened")


class Wire:
    """A WebSocket (RFC 6455) that sends and receives whole texts."""

    def __init__(self, address: tuple[str, int], path: str) -> None:
        self._socket = socket.create_connection(address, timeout=PATIENCE)
        self._file = self._socket.makefile("rb")
        key = base64.b64encode(os.urandom(16)).decode()
        head = {"Host": f"{address[0]}:{address[1]}", "Upgrade": "websocket", "Connection": "Upgrade"}
        head |= {"Sec-WebSocket-Key": key, "Sec-WebSocket-Version": "13"}
        lines = "".join(f"{name}: {value}\r\n" for name, value in head.items())
        self._socket.sendall(f"GET {path} HTTP/1.1\r\n{lines}\r\n".encode())
        assert b" 101 " in self._file.readline()
        while self._file.readline().strip():
            pass

    def close(self) -> None:
        self._file.close()
        self._socket.close()

    def write(self, text: str) -> None:
        """One frame; a client's are masked, and Firefox takes a mask of zeros for none."""
        data = text.encode()
        length = len(data)
        if length < 126:
            size = bytes([0x80 | length])
        else:
            size = struct.pack("!BH", 0xFE, length) if length < 2**16 else struct.pack("!BQ", 0xFF, length)
        mask = os.urandom(4)
        masked = bytes(byte ^ mask[place % 4] for place, byte in enumerate(data))
        self._socket.sendall(b"\x81" + size + mask + masked)

    def read(self) -> str:
        """The next text, of however many frames."""
        text, last = b"", False
        while not last:
            first, size = self._file.read(2)
            if size > 125:
                size = int.from_bytes(self._file.read(2 if size == 126 else 8), "big")
            data = self._file.read(size)
            if first & 0x0F in (0, 1):  # a text or the rest of one, and no ping
                text, last = text + data, bool(first & 0x80)
        return text.decode()
