"""A reader at a real pseudo-terminal, key by key: what the tests of the guide share."""

import fcntl
import json
import os
import pty
import re
import select
import subprocess
import sys
import tempfile
import termios
import time
import unittest
import uuid
from pathlib import Path

from common.guide.fixture import HANDOUT, guide_environment, minimal, write_lab

PATIENCE = 20
ENTER = "\r"
CTRL_C = "\x03"
CTRL_D = "\x04"


def running(marker, where=bytes.__contains__):
    """The processes whose command line holds the marker, or starts with it."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                if where((entry / "cmdline").read_bytes(), marker.encode()):
                    found.append(int(entry.name))
            except OSError:
                pass
    return found


class Reader:
    """Starts the guide on a terminal of its own, presses keys, and waits for what should appear."""

    def __init__(self, root, *arguments, columns=80, lines=24, command=None, **environment):
        self.master, terminal = pty.openpty()
        termios.tcsetwinsize(terminal, (lines, columns))
        self.modes = termios.tcgetattr(terminal)
        self.terminal = terminal

        def take_terminal():
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            command or [sys.executable, "-m", "common.guide", "--root", str(root), "lab", "7", *arguments],
            stdin=terminal,
            stdout=terminal,
            stderr=terminal,
            env={**guide_environment(), **environment},
            start_new_session=True,
            preexec_fn=take_terminal,
        )
        self.raw = b""
        self.seen = 0  # up to where `expect` has looked

    @property
    def text(self):
        """All output so far, without escape sequences."""
        text = self.raw.decode("utf-8", "replace").replace("\r\x1b[K", "\n")  # where a prompt was wiped
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]|\r", "", text)

    def press(self, keys):
        os.write(self.master, keys.encode())

    def expect(self, text, or_end=False):
        """Waits until the text appears behind what was expected before; returns what came up to it.

        With `or_end` the guide may end instead: then None.
        """
        deadline = time.monotonic() + PATIENCE
        while (at := self.text.find(text, self.seen)) < 0:
            has_ended = self.process.poll() is not None  # before looking: what it said last is there then
            if select.select([self.master], [], [], 0.1)[0]:
                self.raw += os.read(self.master, 65536)
            elif has_ended and or_end:
                return None
            elif has_ended or time.monotonic() > deadline:
                raise AssertionError(f"`{text}` never appeared; since the last:\n{self.text[self.seen:]}")
        passage = self.text[self.seen : at + len(text)]
        self.seen = at + len(text)
        return passage

    def end(self):
        """Waits for the guide to end; returns its exit status."""
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            if time.monotonic() > deadline:
                raise AssertionError(f"the guide didn't end:\n{self.text[self.seen:]}")
            if select.select([self.master], [], [], 0.05)[0]:
                self.raw += os.read(self.master, 65536)
        return self.process.returncode

    def close(self):
        """Ends the guide in order: it is two processes, and the one that writes records outlives the other's SIGKILL."""
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.end()
            finally:
                self.process.kill()
                self.process.wait()
        for descriptor in (self.master, self.terminal):
            if descriptor is not None:
                os.close(descriptor)


class SessionTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = Path(directory.name)
        # No other process has this in its command line.
        self.marker = f"marker-{uuid.uuid4().hex}"
        write_lab(self.root, HANDOUT.replace("server.py", f"server.py {self.marker}"))

    def read(self, *arguments, **settings):
        reader = Reader(self.root, *arguments, **settings)
        self.addCleanup(reader.close)
        return reader

    def record(self, name):
        return json.loads((self.root / "results" / name).read_text())

    def lab(self, body):
        write_lab(self.root, minimal(body))

    def assert_gone(self):
        deadline = time.monotonic() + PATIENCE
        while running(self.marker) and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertEqual(running(self.marker), [])
