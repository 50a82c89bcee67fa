"""Lab 02b: a request in two sends waits for a delayed acknowledgement, unless Nagle's algorithm is off or it is one send."""

import statistics
import unittest

from common.testing.processes import BIN, run


class WriteWriteRead(unittest.TestCase):
    def rounds(self, *options):
        """Microseconds of each round, once the output has its form."""
        ended = run(BIN / "write-write-read", "--rounds", 25, *options)
        self.assertEqual((ended.code, ended.err, ended.left), (0, [], []))
        durations = []
        for number, line in enumerate(ended.out[:-1], 1):
            self.assertRegex(line, rf"^round {number}: \d+ us$")
            durations.append(int(line.split()[2]))
        self.assertEqual(len(durations), 25)
        median, fastest, slowest = statistics.median(durations), min(durations), max(durations)
        self.assertEqual(ended.out[-1], f"median {median} us, fastest {fastest} us, slowest {slowest} us")
        return durations

    def test_two_sends_wait_for_a_delayed_ack_unless_nagle_is_off_or_they_are_one(self):
        slow = statistics.median(self.rounds()[5:])
        for options in (["--nodelay"], ["--one-send"]):
            fast = statistics.median(self.rounds(*options)[5:])
            self.assertGreaterEqual(slow, 10 * fast, options)

    def test_bad_options_are_one_line_and_exit_2(self):
        ended = run(BIN / "write-write-read", "--rounds", 0)
        self.assertEqual((ended.code, ended.out, len(ended.err)), (2, [], 1))


if __name__ == "__main__":
    unittest.main()
