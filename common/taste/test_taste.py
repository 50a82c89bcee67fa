"""The first taste as a newcomer meets it: on a terminal, in a pipe, interrupted, with a server that fails."""

import os
import pty
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import termios
import unittest
from pathlib import Path

from common.testing.processes import BIN

LONGEST = r"{}: B, C and D waited ([0-9,.]+) ms at most\."


class Taste(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def command(self, programs=BIN):
        return [
            sys.executable,
            "-m",
            "common.taste",
            str(programs),
            "--results",
            str(self.folder / "results"),
        ]

    def run_on_terminal(self, **environment):
        """What it shows on a terminal of 80 columns."""
        inside, outside = pty.openpty()
        termios.tcsetwinsize(outside, (24, 80))
        settings = {key: value for key, value in os.environ.items() if key != "NO_COLOR"}
        with os.fdopen(inside, "rb", buffering=0) as terminal:
            with subprocess.Popen(
                self.command(), stdout=outside, stderr=subprocess.DEVNULL, env={**settings, **environment}
            ) as process:
                os.close(outside)
                shown = b""
                try:
                    while piece := terminal.read(65536):
                        shown += piece
                except OSError:
                    pass  # EIO: the other end has been closed
            self.assertEqual(process.returncode, 0, shown)
        return shown.decode().replace("\r", "")

    def longest(self, text, server):
        found = re.search(LONGEST.format(server), text)
        self.assertIsNotNone(found, text)
        return float(found[1].replace(",", ""))

    def assert_tells_who_waits(self, text):
        self.assertGreater(self.longest(text, "blocking-loop"), 1500)
        self.assertLess(2 * self.longest(text, "epoll"), self.longest(text, "blocking-loop"))
        self.assertTrue(text.endswith("\nnow: make lab-01\n"), text)
        picture = self.folder / "results" / "charts" / "waiting-client-by-client.png"
        self.assertIn(str(picture), text)
        self.assertGreater(picture.stat().st_size, 10_000)

    def test_on_a_terminal(self):
        text = self.run_on_terminal(TERM="xterm")
        self.assert_tells_who_waits(text)
        self.assertIn("\x1b[5A\x1b[J", text)  # five lines, drawn again and again
        self.assertRegex(text, r"\n   B      █+░* waits 1\.\d s +░+ \d+ replies\n")
        picture = text.split("\nThe same with eight")[0]
        widest = max(re.sub(r"\x1b\[[0-9]*[A-Z]", "", picture).split("\n"), key=len)
        self.assertLessEqual(len(widest), 80, widest)

    def test_in_a_pipe(self):
        ended = subprocess.run(self.command(), capture_output=True, text=True, timeout=120)
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertNotIn("\x1b", ended.stdout)
        self.assertRegex(
            ended.stdout, r"\n +\d\.\d s   blocking-loop: 3 wait, 0 replies   epoll: \d wait, \d+ replies\n"
        )
        self.assert_tells_who_waits(ended.stdout)

    def test_an_interruption_leaves_nothing(self):
        with subprocess.Popen(self.command(), stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            while "blocking-loop: 3 wait" not in process.stdout.readline():
                pass
            children = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()
            self.assertEqual(len(children), 2)
            process.send_signal(signal.SIGINT)
            process.stdout.read()
        self.assertEqual(process.returncode, 130)
        self.assertEqual([child for child in children if Path(f"/proc/{child}").exists()], [])

    def test_who_is_never_answered_has_waited(self):
        """A server that accepts nobody, and one that never announces itself."""
        programs = self.folder / "bin"
        programs.mkdir()
        for name in ("epoll", "harness"):
            shutil.copy(BIN / name, programs)
        server = programs / "blocking-loop"
        silent = "import socket, time; s = socket.create_server(('127.0.0.1', 0))"
        announce = "print('listening on 127.0.0.1:%d' % s.getsockname()[1], flush=True); time.sleep(60)"
        server.write_text(f"#!{sys.executable}\n{silent}\n{announce}\n")
        server.chmod(0o755)
        ended = subprocess.run(self.command(programs), capture_output=True, text=True, timeout=120)
        self.assertGreater(self.longest(ended.stdout, "blocking-loop"), 2500)
        server.write_text("#!/bin/sh\nexec sleep 60\n")
        ended = subprocess.run(self.command(programs), capture_output=True, text=True, timeout=50)
        self.assertEqual((ended.returncode, ended.stderr), (1, "taste: blocking-loop did not start\n"))

    def test_what_is_missing_is_one_line(self):
        programs = self.folder / "bin"
        programs.mkdir()
        ended = subprocess.run(self.command(programs), capture_output=True, text=True, timeout=60)
        self.assertEqual(ended.returncode, 2)
        self.assertEqual(
            ended.stderr,
            f"taste: {programs} has no blocking-loop, epoll, harness: `make taste` builds them\n",
        )
        for name in ("epoll", "harness"):
            shutil.copy(BIN / name, programs)
        (programs / "blocking-loop").write_text("#!/bin/sh\nexit 1\n")
        (programs / "blocking-loop").chmod(0o755)
        ended = subprocess.run(self.command(programs), capture_output=True, text=True, timeout=60)
        self.assertEqual((ended.returncode, ended.stderr), (1, "taste: blocking-loop did not start\n"))


if __name__ == "__main__":
    unittest.main()
