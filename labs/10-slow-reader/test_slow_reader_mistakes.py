"""Lab 10's small programs: the table of absorbed bytes, and the two classic mistakes beside the right programs."""

import re
import unittest

from common.testing.processes import BIN, run


def number(text):
    return int(text.replace(",", ""))


class AbsorbedBytes(unittest.TestCase):
    def rows(self, *options):
        """asked, asked, got, got, absorbed, in the send queue, in the receive queue."""
        ended = run(BIN / "absorbed-bytes", *options)
        self.assertEqual((ended.code, ended.err), (0, []))
        self.assertEqual(ended.out[-1], "verdict: every byte that send accepted is in one of the two queues")
        cells = [re.findall(r"default|[\d,]+", line) for line in ended.out]
        return [row for row in cells if len(row) == 7]

    def test_the_table(self):
        rows = self.rows()
        self.assertEqual(rows[0][:2], ["default", "default"])
        self.assertEqual(len(rows), 9)
        for row in rows:
            *_, absorbed, waiting, unread = (number(cell) for cell in row[2:])
            self.assertEqual(absorbed, waiting + unread, row)
            self.assertGreater(absorbed, 0)

    def test_set_sizes_are_doubled_and_have_a_minimum(self):
        for asked_send, asked_receive, got_send, got_receive, *_ in self.rows()[1:]:
            if asked_send == "1":
                self.assertGreater(number(got_send), 2)
                self.assertGreater(number(got_receive), 2)
            if asked_send == "4,096":
                self.assertEqual(number(got_send), 2 * number(asked_send))
            if asked_receive == "4,096":
                self.assertEqual(number(got_receive), 2 * number(asked_receive))

    def test_larger_buffers_absorb_more(self):
        absorbed = [number(row[4]) for row in self.rows("--size", "1000")[1:7]]
        self.assertEqual(absorbed, sorted(absorbed))


class Mistakes(unittest.TestCase):
    """Each program computes its verdict from what it counted; it is recomputed here."""

    def counted(self, program, pattern):
        ended = run(BIN / program)
        self.assertEqual((ended.code, ended.err, ended.left), (0, [], []))
        text = "\n".join(ended.out)
        self.assertRegex(text, pattern)
        return [float(found.replace(",", "")) for found in re.search(pattern, text).groups()], ended.out

    def turns(self, program):
        (turns, useless), out = self.counted(
            program, r"epoll_wait returned (\d+) times a second, (\d+) of them with nothing to do"
        )
        self.assertRegex(out[0], r"^50 messages, 3276800 bytes sent in ")
        return turns, useless, out[-1]

    def test_asking_for_writability_all_the_time(self):
        turns, useless, verdict = self.turns("always-writable")
        self.assertGreater(useless, turns / 2)
        self.assertEqual(verdict, "verdict: the loop SPINS: most of its turns did nothing")

    def test_asking_while_bytes_wait(self):
        turns, useless, verdict = self.turns("writable-on-demand")
        self.assertLess(useless, turns / 2)
        self.assertEqual(verdict, "verdict: the loop sleeps until there is something to do")

    def queue(self, program):
        (longest, growth), out = self.counted(
            program, r"longest queue ([\d.]+) MB; memory grew by ([\d.]+) MB"
        )
        lines = [re.findall(r"[\d.]+ MB", line) for line in out if " s: produced" in line]
        self.assertEqual(len(lines), 8)
        for line in lines:
            produced, sent, queued, _ = (float(cell.split()[0]) for cell in line)
            self.assertAlmostEqual(produced, sent + queued, delta=0.11)
        return longest, growth, out

    def test_a_queue_without_marks(self):
        longest, growth, out = self.queue("unbounded-queue")
        self.assertEqual(out[-1], "verdict: the queue is UNBOUNDED: it grows as long as the reader is slower")
        self.assertGreater(longest, 20)
        self.assertGreater(growth, longest * 0.9)

    def test_a_queue_with_marks(self):
        longest, growth, out = self.queue("bounded-queue")
        self.assertTrue(out[-1].startswith("verdict: the queue is BOUNDED: "), out[-1])
        self.assertLess(longest, 0.3)
        self.assertLess(growth, 5)
        pauses, resumes = map(
            int, re.findall(r"paused (\d+) times and resumed (\d+) times", "\n".join(out))[0]
        )
        self.assertGreaterEqual(pauses, 1)
        self.assertIn(pauses - resumes, (0, 1))


if __name__ == "__main__":
    unittest.main()
