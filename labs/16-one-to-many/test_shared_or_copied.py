"""The bill of a line that waits for many: what is copied, and what memory it takes."""

import re
import unittest

from common.testing.processes import BIN, run

ROW = re.compile(r"(.+?) +([0-9.]+) MB +(-?[0-9.]+) MB +([0-9.]+) MB")


class SharedOrCopied(unittest.TestCase):
    def bill(self, *words):
        """Row → megabytes: copied by the program, grown by, taken by send."""
        ended = run(BIN / "shared-or-copied", *words)
        self.assertEqual((ended.code, ended.err, ended.left), (0, [], []))
        self.headline = ended.out[0]
        rows = [ROW.fullmatch(line) for line in ended.out[2:]]
        self.assertEqual(len(rows), 3, ended.out)
        for line in ended.out:
            self.assertLessEqual(len(line), 78)
        return [tuple(float(cell) for cell in row.groups()[1:]) for row in rows]

    def test_a_shared_line_is_copied_once_and_all_send_the_same(self):
        as_bytes, copies, shares = self.bill("--listeners", "500", "--lines", "40")
        self.assertEqual(self.headline, "40 lines of 1000 bytes wait for each of 500 listeners")
        self.assertEqual(shares[0], 0.04)
        self.assertEqual(copies[0], 20.04)
        self.assertGreater(as_bytes[0], copies[0])  # a queue of bytes that grows moves what it holds
        self.assertLess(as_bytes[0], 3 * copies[0])
        for row in (as_bytes, copies, shares):
            self.assertEqual(row[2], 20)
        self.assertGreater(copies[1], 20)
        self.assertGreater(as_bytes[1], 20)
        self.assertLess(shares[1], copies[1] / 10)

    def test_with_one_listener_there_is_nothing_to_share(self):
        _, copies, shares = self.bill("--listeners", "1", "--lines", "10000")
        self.assertEqual((copies[0], shares[0]), (20, 10))
        self.assertGreater(shares[1], copies[1] / 3)

    def test_bad_options(self):
        for words, phrase in (
            (("--listeners", "0"), "--listeners"),
            (("--line-bytes", "1001"), "--line-bytes"),
            (("--lines", "many"), "--lines"),
        ):
            ended = run(BIN / "shared-or-copied", *words)
            self.assertEqual((ended.code, ended.out, len(ended.err)), (2, [], 1))
            self.assertIn(phrase, ended.err[0])


if __name__ == "__main__":
    unittest.main()
