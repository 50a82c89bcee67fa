"""Lab 12's step-through: one thing at a time, only the loop waits and resumes, and the frame goes with the client."""

import re
import unittest

from common.testing.processes import BIN, run

LOOP, A, B = "the loop", "A", "B"


def steps_of(lines):
    """(who, what) of each numbered line: who is told by the column."""
    steps = []
    for line in lines:
        found = re.match(r" *(\d+)  ( *)(\S.*)", line)
        if found:
            assert int(found[1]) == len(steps) + 1, line
            steps.append(({0: LOOP, 27: A, 50: B}[len(found[2])], found[3]))
    return steps


class WhoResumesWhom(unittest.TestCase):
    def test_the_order(self):
        ended = run(BIN / "who-resumes-whom")
        self.assertEqual((ended.code, ended.err), (0, []))
        self.assertTrue(all(len(line) <= 80 for line in ended.out))
        steps = steps_of(ended.out)
        wait, suspended = (LOOP, "epoll_wait; resumes:"), "co_await: suspended"
        self.assertEqual(
            steps[:7],
            [
                (LOOP, "starts A"),
                (A, suspended),
                (LOOP, "starts B"),
                (B, suspended),
                wait,
                (B, "resumed: echoes 5"),
                (B, suspended),
            ],
        )
        # Which of two that are ready has its turn first is the kernel's to say.
        turns = [((A, "resumed: echoes 8"), (A, suspended)), ((B, "resumed: echoes 5"), (B, suspended))]
        self.assertEqual(steps[7], wait)
        self.assertCountEqual([tuple(steps[8:10]), tuple(steps[10:12])], turns)
        self.assertEqual(steps[12:], [wait, (A, "resumed: the end"), (A, "ends; frame freed")])
        self.assertEqual(ended.out[-1], "epoll_wait: 3 times; resumed: A 2, B 2")


if __name__ == "__main__":
    unittest.main()
