"""Lab 11: each program finds the kernel as the handout describes it, with exit code 0."""

import re
import unittest

from common.testing.processes import BIN, run

from .ends import kernel_range


def figure(ended, name):
    """The number behind `NAME →`."""
    (found,) = re.findall(rf"^  {re.escape(name)} → (\d+)", ended.text, re.MULTILINE)
    return int(found)


class Programs(unittest.TestCase):
    """Each program finds everything as described, and leaves nothing behind."""

    def shown(self, name, *options):
        ended = run(BIN / name, *options, seconds=60)
        self.assertEqual((ended.code, ended.err, ended.left), (0, [], []), ended.text)
        self.assertNotIn("NOT as described", ended.text)
        self.assertGreater(ended.text.count("as described"), 1)
        return ended

    def test_close_unsent(self):
        ended = self.shown("close-unsent")
        self.assertEqual(
            figure(ended, "bytes that send has accepted"), figure(ended, "bytes that the peer has received")
        )

    def test_close_unread(self):
        ended = self.shown("close-unread")
        self.assertGreater(
            figure(ended, "bytes that send has accepted"), figure(ended, "bytes that the peer has received")
        )
        self.assertIn("  the peer's recv → ECONNRESET (Connection reset by peer)", ended.out)

    def test_half_close(self):
        self.assertIn("  our send → EPIPE (Broken pipe)", self.shown("half-close").out)

    def test_linger_zero(self):
        ended = self.shown("linger-zero")
        self.assertGreater(
            figure(ended, "bytes that send has accepted"), figure(ended, "bytes that the peer has received")
        )

    def test_send_after_end(self):
        answers = [
            line.split(" → ")[1] for line in self.shown("send-after-end").out if "send 5 bytes" in line
        ]
        reset_by_peer, broken = "ECONNRESET (Connection reset by peer)", "EPIPE (Broken pipe)"
        self.assertEqual(answers, ["5", broken, broken, reset_by_peer, broken])

    def test_poll_masks(self):
        self.assertEqual(len(self.shown("poll-masks").out), 15)

    def test_buffer_sizes(self):
        ended = self.shown("buffer-sizes")
        self.assertIn(f"  tcp_wmem → {' '.join(map(str, kernel_range('tcp_wmem')))}", ended.out)

    def test_select_returns(self):
        self.assertEqual(len(self.shown("select-returns").out), 10)

    def test_at_most_once_loses_messages(self):
        ended = self.shown("at-most-once")
        self.assertEqual(figure(ended, "sent, each with success"), 20000)
        self.assertGreater(figure(ended, "missing"), 0)
        self.assertEqual(figure(ended, "received") + figure(ended, "missing"), 20000)

    def test_exactly_once_loses_none(self):
        ended = self.shown("exactly-once")
        names = ("sent", "received", "missing", "breaks of the connection")
        self.assertEqual([figure(ended, name) for name in names], [20000, 20000, 0, 3])
        self.assertGreaterEqual(figure(ended, "resent"), figure(ended, "duplicates dropped"))
        self.assertGreater(figure(ended, "duplicates dropped"), 0)

    def test_a_full_disk_is_no_success(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            ended = run(BIN / "poll-masks", stdout=full)
        self.assertEqual(
            (ended.code, ended.err), (1, ["poll-masks: write to stdout: No space left on device"])
        )


if __name__ == "__main__":
    unittest.main()
