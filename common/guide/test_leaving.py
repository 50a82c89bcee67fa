"""However the reader leaves, nothing stays behind."""

import os
import signal
import termios
import time
import unittest
from pathlib import Path

from common.guide.at_terminal import CTRL_C, CTRL_D, ENTER, PATIENCE, SessionTest, running
from common.guide.fixture import HANDOUT, write_lab


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
