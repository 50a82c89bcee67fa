"""Lab 07's pair: plain select loses a signal between the test of a flag and the wait, pselect doesn't."""

import unittest

from common.testing.processes import BIN, run

ROUNDS = 5


class Signals(unittest.TestCase):
    def lines_of(self, program):
        ended = run(BIN / program)
        self.assertEqual((ended.code, ended.err, len(ended.out)), (0, [], ROUNDS + 1))
        return ended.out

    def test_select_loses_each(self):
        *rounds, last = self.lines_of("signal-and-select")
        for line in rounds:
            self.assertRegex(line, r"^round \d: select returned 0 \(timeout\), after \d+ ms; the flag is 1$")
        self.assertEqual(last, f"signals that had to wait for the timeout: {ROUNDS} of {ROUNDS}")

    def test_pselect_loses_none(self):
        *rounds, last = self.lines_of("signal-and-pselect")
        for line in rounds:
            self.assertRegex(line, r"^round \d: pselect returned EINTR, after \d+ ms; the flag is 1$")
        self.assertEqual(last, f"signals that had to wait for the timeout: 0 of {ROUNDS}")


if __name__ == "__main__":
    unittest.main()
