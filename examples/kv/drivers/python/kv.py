"""The implementation in Python: a server and a client of the protocol."""

from __future__ import annotations

import contextlib
import socket
import threading


class Gone(Exception):  # noqa: N818 - a name of the protocol
    """The other side has ended."""


class Server:
    """Keeps values for all who connect. What is sent is sent under the lock, so that all see one order."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._values: dict[str, str] = {}
        self._expiry: dict[str, threading.Timer] = {}
        self._watchers: dict[str, list[socket.socket]] = {}
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while True:
            client, _ = self._listener.accept()
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), client.makefile("rb") as requests:
            for line in requests:
                with self._lock:
                    client.sendall(f"{self._answer(_text(line), client)}\n".encode())

    def _answer(self, line: str, client: socket.socket) -> str:
        match line.split(" ", 2):
            case "SET", key, value:
                self._change(key, value)
            case "GET", key:
                return self._told(key)
            case "DEL", key:
                self._change(key, None)
            case "EXPIRE", key, milliseconds if key in self._values:
                self._let_expire(key, int(milliseconds) / 1000)
            case "WATCH", key:
                self._watchers.setdefault(key, []).append(client)
            case _:
                return "NONE"
        return "OK"

    def _told(self, key: str) -> str:
        return f"VALUE {self._values[key]}" if key in self._values else "NONE"

    def _change(self, key: str, value: str | None) -> None:
        self._expiry.pop(key, None)
        if value is not None:
            self._values[key] = value
        elif self._values.pop(key, None) is None:
            return
        for watcher in self._watchers.get(key, ()):
            with contextlib.suppress(OSError):
                watcher.sendall(f"{self._told(key)}\n".encode())

    def _let_expire(self, key: str, seconds: float) -> None:
        def expire() -> None:
            with self._lock:
                if self._expiry.get(key) is timer:  # it has not been set since
                    self._change(key, None)

        self._expiry[key] = timer = threading.Timer(seconds, expire)
        timer.daemon = True
        timer.start()


class Client:
    """A connection to a server."""

    def __init__(self, port: int) -> None:
        try:
            self._socket = socket.create_connection(("127.0.0.1", port))
        except OSError as error:
            raise Gone(f"nobody listens on port {port}: {error}") from error
        self._lines = self._socket.makefile("rb")
        self._turn = threading.Lock()

    def ask(self, request: str) -> str:
        """Return the answer to a request."""
        with self._turn:
            with contextlib.suppress(OSError):
                self._socket.sendall(f"{request}\n".encode())
            return self.line()

    def line(self) -> str:
        """Return the next line, such as a change of what is watched."""
        line = b""
        with contextlib.suppress(OSError):
            line = self._lines.readline()
        if not line:
            raise Gone("the other side has ended")
        return _text(line)


def _text(line: bytes) -> str:
    return line.decode().removesuffix("\n")
