"""stop-and-continue: which calls come back with EINTR after SIGSTOP and SIGCONT."""

import unittest

from common.testing.processes import BIN, run


class StopAndContinue(unittest.TestCase):
    def test_epoll_wait_and_a_timed_recv_come_back_and_no_other(self):
        ended = run(BIN / "stop-and-continue")
        self.assertEqual((ended.code, ended.err, ended.left, len(ended.out)), (0, [], [], 6), ended.out)
        interrupted = [line.split("  ")[0] for line in ended.out if line.endswith("comes back with EINTR")]
        self.assertEqual(interrupted, ["recv with SO_RCVTIMEO", "epoll_wait"])
