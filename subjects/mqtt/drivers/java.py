"""Builds a driver in Java, and keeps its loaded classes in an archive: a start from it takes two thirds.

    python drivers/java.py NAME

Maven fetches the library, and asks nobody for what it has; the JDK compiles. The archive is of what the driver loads
while it serves, or connects, once.
"""

import json
import socket
import subprocess
import sys
import tempfile
import threading
import tomllib
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

SECONDS = 60.0
SHARED = Path("drivers/contract/java")
JAR = "driver.jar"
LINE = 70
"""What a line of a manifest may have, the next one begins with a blank."""
CONNECT = bytes.fromhex("100d 0004 4d515454 04 02 003c 0001 61")
CONNACKS = {4: bytes.fromhex("2002 00 00"), 5: bytes.fromhex("2003 00 00 00")}
PUBLISHES = {4: bytes.fromhex("3004 0001 61 78"), 5: bytes.fromhex("3005 0001 61 00 78")}


class Talk:
    """A conversation with a driver."""

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process

    def ask(self, verb: str, **params: Any) -> Any:
        """Return the driver's answer to a request, whatever it is."""
        given, taken = self._process.stdin, self._process.stdout
        if given is None or taken is None:
            raise SystemExit("the driver has no pipes")
        request = {"jsonrpc": "2.0", "id": 1, "method": verb, "params": {"timeout": SECONDS} | params}
        body = json.dumps(request).encode()
        given.write(b"Content-Length: %d\r\n\r\n%b" % (len(body), body))
        given.flush()
        header = taken.readline()
        if not header:
            raise SystemExit(f"the driver ended over {verb}: see what it has said above")
        size = int(header.partition(b":")[2])
        taken.readline()
        return json.loads(taken.read(size))


def serve(talk: Talk) -> bool:
    """Have a broker take a client; returns whether it is a broker."""
    with closing(socket.create_server(("127.0.0.1", 0))) as reserved:
        port = reserved.getsockname()[1]
    with tempfile.TemporaryDirectory() as directory:
        if "error" in talk.ask("serve", port=port, directory=directory, durable=False):
            return False
        with socket.create_connection(("127.0.0.1", port), timeout=SECONDS) as client:
            client.sendall(CONNECT)
            client.recv(len(CONNACKS[4]))
        talk.ask("stop")
    return True


def connect(talk: Talk) -> None:
    """Have a client connect in both versions, and take a message."""
    given = {"client_id": "a", "clean": True, "keep_alive": 60}
    absent = {"will": None, "session_expiry": None, "receive_maximum": None}
    for version, connack in CONNACKS.items():
        with closing(socket.create_server(("127.0.0.1", 0))) as listener:
            answers = connack + PUBLISHES[version]
            threading.Thread(target=answer, args=(listener, answers), daemon=True).start()
            port = listener.getsockname()[1]
            talk.ask("connect", port=port, version=version, **given, **absent)
            talk.ask("receive", count=1, quiet=0)


def answer(listener: socket.socket, packets: bytes) -> None:
    """Be a broker for one client: whatever it sends, until it goes."""
    with suppress(OSError), listener.accept()[0] as peer:
        peer.recv(1 << 10)
        peer.sendall(packets)
        while peer.recv(1 << 10):
            pass


@contextmanager
def started(command: list[str], archive: Path) -> Iterator[Talk]:
    """Start a driver that leaves its archive when it ends."""
    others = [word for word in command[1:] if not word.startswith("-XX:SharedArchiveFile=")]
    words = [command[0], f"-XX:ArchiveClassesAtExit={archive}", *others]
    process = subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        yield Talk(process)
    finally:
        if process.stdin is not None:
            process.stdin.close()
        process.wait(SECONDS)


def fetch(folder: Path, jars: Path) -> list[Path]:
    """Have the library and what it takes beside the driver; returns all, in one order."""
    maven = ["mvn", "--quiet", "--batch-mode", f"--file={folder / 'pom.xml'}", "dependency:copy-dependencies"]
    # What is here already needs no registry: only where something is missing is one asked.
    silent = subprocess.DEVNULL
    if subprocess.run([*maven, "--offline"], stdout=silent, stderr=silent, check=False).returncode:
        subprocess.run(maven, stdout=sys.stderr, check=True)
    return sorted(jar for jar in jars.glob("*.jar") if jar.name != JAR)


def pack(folder: Path, jars: Path, libraries: list[Path]) -> None:
    """Compile the driver into a jar that finds the others."""
    with tempfile.TemporaryDirectory() as classes:
        search = ["-sourcepath", f"{SHARED}:{folder}", "-classpath", ":".join(map(str, libraries))]
        javac = ["javac", "--release", "17", "-encoding", "UTF-8", "-d", classes]
        subprocess.run([*javac, *search, SHARED / "driver" / "Driver.java"], check=True)
        manifest = Path(classes) / "manifest"
        names = "Class-Path: " + " ".join(jar.name for jar in libraries)
        lines = [names[at : at + LINE] for at in range(0, len(names), LINE)]
        manifest.write_text("Main-Class: driver.Driver\n" + "\n ".join(lines) + "\n", "utf-8")
        subprocess.run(["jar", "cfm", jars / JAR, manifest, "-C", classes, "driver"], check=True)


def main() -> None:
    """Build it, and make its archive."""
    name = sys.argv[1]
    folder = Path("drivers") / name
    jars = folder / "target" / "jars"
    pack(folder, jars, fetch(folder, jars))
    archive = folder / "target" / "driver.jsa"
    archive.unlink(missing_ok=True)
    with started(tomllib.loads(Path("harmony.toml").read_text())["platforms"][name]["command"], archive) as talk:
        if not serve(talk):
            connect(talk)


if __name__ == "__main__":
    main()
