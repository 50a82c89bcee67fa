"""million as its tests run it: halted while it holds connections, its report, its sockets, its limits."""

import contextlib
import os
import re
import resource
import signal
import socket
import subprocess
from pathlib import Path
from typing import Any

from common.testing.processes import BIN, Family, finish, read_line, start, wait_until

MILLION = BIN / "million"
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
TIME_WAIT, LISTEN = "06", "0A"


def figures(ended):
    """The report's lines by their names; of `opened` and `answered` the two numbers too."""
    lines = {name: text.strip() for name, text in (line.split(":", 1) for line in ended.out)}
    counts = [name for name in ("opened", "answered") if name in lines]
    return lines, {name: tuple(map(int, re.findall(r"\d+", lines[name])[:2])) for name in counts}


def sockets(state):
    """(local, remote) of the IPv4 sockets in this state, each (address, port), with the inode."""
    found = []
    for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        words = line.split()
        if words[3] == state:
            found.append((end(words[1]), end(words[2]), words[9]))
    return found


def end(word):
    address, port = word.split(":")
    return socket.inet_ntoa(bytes.fromhex(address)[::-1]), int(port, 16)


def descriptors(process):
    """Its open descriptors and what they are."""
    found = {}
    with contextlib.suppress(OSError):
        for link in Path(f"/proc/{process}/fd").iterdir():
            with contextlib.suppress(OSError):
                found[int(link.name)] = os.readlink(link)
    return found


def can_raise(limit):
    """True if a process with this hard limit may raise it."""

    def attempt():
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit + 1, limit + 1))

    try:
        subprocess.run(["true"], preexec_fn=attempt, check=True)
        return True
    except subprocess.SubprocessError:
        return False


def only(limit):
    return {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))}


class Running:
    """million, halted while it holds open connections, until told to go on. It can't get further than its report, which
    comes before the answers: nothing fits into its stdout. (It has few descriptors a process, where that limit holds: many
    take long to look at.)"""

    def __init__(self, *words, prefix=()):
        self.process: Any = None
        self.family = Family()
        out, full = os.pipe()
        os.set_blocking(full, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(full, b"\n" * 4096)
        os.set_blocking(full, True)
        self.process = start([*prefix, MILLION, *words], self.family, stdout=full, **only(256))
        self.process.stdout = os.fdopen(out, encoding="utf-8")
        os.close(full)

    def __enter__(self):
        if not read_line(self.process.stderr, 30):
            ended = self.go_on()
            raise AssertionError(f"opened too few to begin with: {ended.out} {ended.err}")
        self.process.send_signal(signal.SIGSTOP)
        wait_until(self.listeners)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.family.kill()
        self.process.communicate()

    def children(self):
        return [number for number in self.family.processes() if number != self.process.pid]

    def listeners(self):
        """Where its processes listen."""
        texts = {text for child in self.children() for text in descriptors(child).values()}
        inodes = {text[8:-1] for text in texts if text.startswith("socket:")}
        return [local for local, _, inode in sockets(LISTEN) if inode in inodes]

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)
        ended = finish(self.process, self.family, 60)
        ended.out = [line for line in ended.out if line]
        return ended
