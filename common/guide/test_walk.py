"""A reader goes through a lab, from its start to its end."""

import termios
import unittest

from common.guide.at_terminal import ENTER, SessionTest, running
from common.guide.fixture import HANDOUT, minimal, write_lab


class Walk(SessionTest):
    def test_from_start_to_end(self):
        reader = self.read()
        self.assertIn("about 5 minutes, 6 steps", reader.expect("[Enter start · q quit]"))
        reader.press(ENTER)
        self.assertIn("就绪", reader.expect("[Enter on · s skip section · q quit]"))
        reader.press(ENTER)
        self.assertIn("server.py", reader.expect("[Enter start it · s skip · c copy · b back · q quit]"))
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
        reader.expect("[Enter run it · s skip · c copy · h hint · b back · q quit]")
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
        reader.expect("`x` does nothing here; these keys do: Enter, s, b, q.")
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
        end = reader.expect("2 of 2 questions answered: 1 right (or within 10%), 1 off.")
        self.assertRegex(end, r"How long is the longest wait\? +5 ms +2,003 ms +about 400 times")
        self.assertRegex(end, r"Does a closed port accept\? +refused +refused +right")
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


if __name__ == "__main__":
    unittest.main()
