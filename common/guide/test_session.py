"""A reader at a real pseudo-terminal, key by key."""

import fcntl
import json
import os
import pty
import re
import select
import signal
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

    def __init__(self, root, *arguments, columns=80, **environment):
        self.master, terminal = pty.openpty()
        termios.tcsetwinsize(terminal, (24, columns))
        self.modes = termios.tcgetattr(terminal)
        self.terminal = terminal

        def take_terminal():
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.process = subprocess.Popen(
            [sys.executable, "-m", "common.guide", "--root", str(root), "lab", "7", *arguments],
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

    def expect(self, text):
        """Waits until the text appears behind what was expected before; returns what came up to it."""
        deadline = time.monotonic() + PATIENCE
        while (at := self.text.find(text, self.seen)) < 0:
            ready, _, _ = select.select([self.master], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise AssertionError(f"`{text}` never appeared; since the last:\n{self.text[self.seen:]}")
            self.raw += os.read(self.master, 65536)
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
        if self.process.poll() is None:
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


class Walk(SessionTest):
    def test_from_start_to_end(self):
        reader = self.read()
        self.assertIn("about 15 minutes, 6 steps", reader.expect("[Enter start · q quit]"))
        reader.press(ENTER)
        self.assertIn("就绪", reader.expect("[Enter on · s skip section · q quit]"))
        reader.press(ENTER)
        self.assertIn("server.py", reader.expect("[Enter start it · s skip · b back · q quit]"))
        reader.press(ENTER)
        reader.expect("[small] listening on 127.0.0.1:")
        reader.expect("its port is in $SMALL_PORT")
        reader.expect("r run again")
        reader.press(ENTER)
        reader.expect("Your prediction (a number, in ms; Enter passes over): ")
        reader.press("soon\r")
        reader.expect("`soon` is no number: type one like 250")
        reader.expect("passes over): ")
        reader.press("5\r")
        reader.expect("[Enter run it · s skip · h hint · b back · q quit]")
        reader.press("h")
        reader.expect("Hint: Nobody is in front of it.")
        reader.expect("[Enter run it")
        reader.press(ENTER)
        reader.expect("[you] echoed: hello")
        reader.expect("You said 5 ms, it was 2,003 ms (about 400 times as much).")
        reader.expect("r run again")
        reader.press("r")
        reader.expect("[you] echoed: hello")
        reader.expect("You said 5 ms")
        reader.expect("r run again")
        reader.press(ENTER)
        reader.expect("the server looked elsewhere")
        reader.expect("skip section")
        reader.press("x")
        reader.expect("`x` does nothing here.")
        reader.expect("skip section")
        reader.press(ENTER)
        reader.expect("2  refused")
        reader.expect("passes over): ")
        reader.press("2\r")
        reader.expect("[Enter run it")
        reader.press(ENTER)
        reader.expect("You said refused, and so it was.")
        reader.expect("r run again")
        reader.press(ENTER)
        reader.expect("That is all.")
        reader.expect("skip section")
        self.assertNotEqual(running(self.marker), [])
        reader.press(ENTER)
        reader.expect("You are through with 07-small.")
        self.assertEqual(reader.end(), 0)
        self.assertEqual(running(self.marker), [])
        self.assertTrue(self.record("progress.json")["07-small"]["done"])
        entry = self.record("predictions.json")["07-small"]["longest-wait"]
        self.assertEqual((entry["predicted"], entry["measured"], entry["measured_by"]), (5, 2003, "reader"))

    def test_back_quit_and_resume(self):
        reader = self.read("--from", "3")
        reader.expect("[Enter start · q quit]")
        reader.press(ENTER)
        reader.expect("passes over): ")
        reader.press("7\r")
        reader.expect("[Enter run it")
        reader.press("b")
        reader.expect("step 2 of 6")
        reader.expect("[Enter start it")
        reader.press("s")
        reader.expect("step 3 of 6")
        reader.expect("Your prediction: 7 ms")  # the first answer stands
        reader.expect("[Enter run it")
        reader.press("q")
        reader.expect("Stopped at step 3 of 6. `make lab-07` goes on from there.")
        self.assertEqual(reader.end(), 0)
        self.assertEqual(termios.tcgetattr(reader.terminal), reader.modes)

        reader = self.read()
        reader.expect("going on at step 3")
        reader.expect("[Enter start · q quit]")
        reader.press(ENTER)
        reader.expect("[Enter run it")
        reader.press(ENTER)  # the server of step 2, which was skipped, is started for it
        reader.expect("[small] listening on")
        reader.expect("You said 7 ms, it was 2,003 ms")
        reader.expect("r run again")
        reader.press("q")
        self.assertEqual(reader.end(), 0)
        self.assertEqual(running(self.marker), [])

        reader = self.read("--restart")
        reader.expect("[Enter start · q quit]")
        reader.press(ENTER)
        reader.expect("step 1 of 6")
        reader.expect("skip section")
        reader.press("q")
        reader.end()
        self.assertEqual(self.record("predictions.json"), {})

    def test_wide_terminal_has_two_columns(self):
        reader = self.read("--from", "3", columns=120)
        reader.expect("[Enter start · q quit]")
        reader.press(ENTER)
        reader.expect("passes over): ")
        reader.press(ENTER)
        reader.expect("[Enter run it")
        reader.press(ENTER)
        reader.expect("It was 2,003 ms.")
        self.assertRegex(reader.text, r"\n {50,} │ echoed: hello\n")
        self.assertRegex(reader.text, r"\naccepted a client {30,} │ \n")

    def test_dumb_terminal_gets_no_escape_sequence(self):
        reader = self.read(TERM="dumb")
        reader.expect("[Enter start · q quit]")
        reader.press(ENTER)
        reader.expect("skip section")
        reader.press("q")
        self.assertEqual(reader.end(), 0)
        self.assertNotIn(b"\x1b", reader.raw)

    def test_a_terminal_without_utf8_goes_on(self):
        reader = self.read(PYTHONIOENCODING="ascii")
        reader.expect("[Enter start ? q quit]")
        reader.press(ENTER)
        reader.expect("readiness")

    def test_a_narrow_dumb_terminal_is_laid_out_for_its_width(self):
        reader = self.read(TERM="dumb", columns=40)
        reader.expect("q quit]")
        reader.press(ENTER)
        reader.expect("q quit]")
        self.assertLessEqual(max(map(len, reader.text.split("\n"))), 40)

    def test_no_colour(self):
        reader = self.read("--from", "2", NO_COLOR="1")
        reader.expect("[Enter start · q quit]")
        reader.press(ENTER)
        reader.expect("[Enter start it")
        reader.press(ENTER)
        reader.expect("r run again")
        self.assertNotRegex(reader.raw, rb"\x1b\[[0-9;]*[349][0-7]")

    def test_no_line_is_wider_than_80_columns(self):
        reader = self.read()
        for _ in range(2):
            reader.expect("q quit]")
            reader.press(ENTER)
        reader.expect("q quit]")
        self.assertLessEqual(max(map(len, reader.text.split("\n"))), 80)


class Trouble(SessionTest):
    def begin(self, body):
        self.lab(body)
        reader = self.read()
        reader.expect("[Enter start · q quit]")
        reader.press(ENTER)
        reader.expect("q quit]")
        reader.press(ENTER)
        return reader

    def test_ctrl_c_ends_the_command_not_the_guide(self):
        reader = self.begin(
            f"```sh\necho begun\n(exec -a {self.marker} sleep 1000) &\nexec -a {self.marker} sleep 1000\n```\n\nAfter."
        )
        reader.expect("│ begun")
        reader.press(CTRL_C)
        reader.expect("(ended by Ctrl-C)")
        reader.expect("r run again")
        self.assertEqual(running(self.marker), [])
        reader.press(ENTER)
        reader.expect("After.")
        reader.expect("q quit]")
        reader.press("q")
        self.assertEqual(reader.end(), 0)

    def test_ctrl_c_ends_a_command_that_ignores_it(self):
        reader = self.begin(f"```sh\ntrap '' INT\necho begun\nexec -a {self.marker} sleep 1000\n```")
        reader.expect("│ begun")
        reader.press(CTRL_C)
        reader.expect("(ended by Ctrl-C)")
        self.assertEqual(running(self.marker), [])

    def test_a_failing_command_says_so_and_goes_on(self):
        reader = self.begin("```sh\necho so far\nfalse\n```\n\nAfter.")
        reader.expect("│ so far")
        reader.expect("This isn't what the page expects: exit 1")
        reader.expect("r run again")
        reader.press(ENTER)
        reader.expect("After.")

    def test_other_output_than_the_page_shows(self):
        reader = self.begin("```sh\necho two\n```\n\n```output\none\n```")
        reader.expect("the output differs from the page")
        reader.expect("- one")
        reader.expect("+ two")

    def test_a_long_command_says_how_to_end_it(self):
        reader = self.begin("```sh\nsleep 1000\n```")
        reader.expect("still running; Ctrl-C ends it")
        reader.press(CTRL_C)
        reader.expect("(ended by Ctrl-C)")

    def test_output_is_live(self):
        # The program writes through stdio and waits: in a pipe, its line would come only at its end.
        reader = self.begin('```sh\nawk \'BEGIN { print "early"; while (1) system("sleep 1") }\'\n```')
        reader.expect("│ early")
        reader.press(CTRL_C)
        reader.expect("(ended by Ctrl-C")

    def test_missing_tool(self):
        reader = self.begin("```sh needs=no-such-tool-here\nno-such-tool-here\n```")
        reader.expect("This machine has no no-such-tool-here")

    def test_server_that_never_announces_itself(self):
        by_hand = "```sh by-hand\nexport MUTE_PORT=1\n```\n\n"
        reader = self.begin(f"{by_hand}```sh server=mute timeout=0.5\nexec -a {self.marker} sleep 1000\n```")
        reader.expect("README.md:9: the server mute didn't print")
        reader.expect("q quit]")
        self.assertEqual(running(self.marker), [])

    def test_a_server_speaks_while_a_prompt_stands(self):
        by_hand = "```sh by-hand\nexport SLOW_PORT=1\n```\n\n"
        reader = self.begin(
            f"{by_hand}```sh server=slow\necho listening on x:1\nwhile [ ! -e go ]; do sleep 0.1; done\necho late\nsleep 1000\n```"
        )
        reader.expect("r run again")
        (self.root / "go").touch()
        reader.expect("[slow] late")
        reader.expect("r run again")  # the prompt is there again, below


class Leaving(SessionTest):
    """However the reader leaves, nothing stays behind."""

    def busy(self):
        """A reader with a server, a daemon that left its session, and a command that runs."""
        directory = self.root / "labs/07-small/README.md"
        command = f"setsid -f bash -c 'exec -a {self.marker} sleep 1000'\necho begun\nexec -a {self.marker} sleep 1000"
        text = HANDOUT.replace("PYTHON client.py $SMALL_PORT", f"true $SMALL_PORT\n{command}").replace(
            "server.py", f"server.py {self.marker}"
        )
        self.assertEqual(write_lab(self.root, text), directory)
        reader = self.read("--from", "3")
        reader.expect("[Enter start · q quit]")
        reader.press(ENTER)
        reader.expect("passes over): ")
        reader.press(ENTER)
        reader.expect("[Enter run it")
        reader.press(ENTER)
        reader.expect("[you] begun")
        # The command and the daemon have both become `sleep` when their command lines start with the marker.
        deadline = time.monotonic() + PATIENCE
        while len(running(self.marker, bytes.startswith)) < 2:
            self.assertLess(time.monotonic(), deadline)
            time.sleep(0.02)
        return reader

    def test_quit_after_ctrl_c(self):
        reader = self.busy()
        reader.press(CTRL_C)
        reader.expect("ended by Ctrl-C")
        reader.expect("r run again")
        reader.press("q")
        self.assertEqual(reader.end(), 0)
        self.assertEqual(running(self.marker), [])

    def test_ctrl_c_and_ctrl_d_at_a_prompt(self):
        for key in (CTRL_C, CTRL_D):
            with self.subTest(repr(key)):
                reader = self.busy()
                reader.press(CTRL_C)
                reader.expect("r run again")
                reader.press(key)
                reader.expect("Stopped at step 3")
                self.assertEqual(reader.end(), 130)
                self.assertEqual(running(self.marker), [])
                self.assertEqual(termios.tcgetattr(reader.terminal), reader.modes)

    def test_ctrl_c_and_ctrl_d_at_a_question(self):
        for key in (CTRL_C, CTRL_D):
            with self.subTest(repr(key)):
                reader = self.read("--from", "3")
                reader.expect("[Enter start · q quit]")
                reader.press(ENTER)
                reader.expect("passes over): ")
                reader.press(key)
                self.assertEqual(reader.end(), 130)

    def test_signals(self):
        for number in (signal.SIGTERM, signal.SIGHUP):
            with self.subTest(number.name):
                reader = self.busy()
                reader.process.send_signal(number)
                self.assertEqual(reader.end(), 128 + number)
                self.assertEqual(running(self.marker), [])
                self.assertEqual(termios.tcgetattr(reader.terminal), reader.modes)

    def test_the_guide_itself_is_killed(self):
        reader = self.busy()
        children = [
            int(pid)
            for pid in Path(f"/proc/{reader.process.pid}/task/{reader.process.pid}/children")
            .read_text()
            .split()
        ]
        guide = [pid for pid in children if "common.guide" in Path(f"/proc/{pid}/cmdline").read_text()]
        os.kill(guide[0], signal.SIGKILL)
        self.assertEqual(reader.end(), 137)
        self.assertEqual(running(self.marker), [])
        self.assertEqual(termios.tcgetattr(reader.terminal), reader.modes)

    def test_the_terminal_goes(self):
        reader = self.busy()
        os.close(reader.terminal)
        os.close(reader.master)
        reader.terminal = None
        reader.master = os.open(os.devnull, os.O_RDONLY)
        reader.process.wait(PATIENCE)
        self.assertEqual(running(self.marker), [])

    def test_the_watching_parent_is_killed(self):
        reader = self.busy()
        reader.process.kill()
        # A daemon that left its session can't be found without the parent; everything else ends with the guide.
        deadline = time.monotonic() + PATIENCE
        while len(running(self.marker)) > 1 and time.monotonic() < deadline:
            time.sleep(0.02)
        left = running(self.marker)
        for pid in left:
            os.kill(pid, signal.SIGKILL)
        self.assertLessEqual(len(left), 1)
        self.assert_gone()


if __name__ == "__main__":
    unittest.main()
