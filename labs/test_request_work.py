"""`--work-us` and `--wait-us`: what a request costs is the same in every server, once for each receive that had bytes."""

import os
import signal
import time
import unittest
from pathlib import Path

from common.testing import conversation
from common.testing.processes import BIN, SERVERS, lab_server, run

REQUESTS = 30
COST_US = 3000


def computed_us(process):
    """CPU time of a process and its children, in microseconds (proc_pid_stat(5))."""
    numbers = [process, *Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split()]
    ticks = 0
    for number in numbers:
        fields = Path(f"/proc/{number}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()
        ticks += int(fields[11]) + int(fields[12])
    return ticks * 1_000_000 // os.sysconf("SC_CLK_TCK")


class Cost(unittest.TestCase):
    def ask(self, server):
        """Asks one request after the other. Returns the microseconds that passed, and those that the server computed."""
        with conversation.connect((server.host, server.port), 5) as client:
            start = time.monotonic()
            for _ in range(REQUESTS):
                client.sendall(b"Hello, server!")
                self.assertEqual(client.recv(14), b"Hello, server!")
            return (time.monotonic() - start) * 1e6, computed_us(server.process.pid)

    def test_each_request_is_computed_for(self):
        for name in SERVERS:
            with self.subTest(name), lab_server(name, "--port", "0", "--work-us", COST_US) as server:
                _, computed = self.ask(server)
                self.assertGreater(computed, 0.8 * REQUESTS * COST_US)  # 0.8: the kernel counts in ticks
                self.assertEqual(server.end(signal.SIGTERM).code, 0)

    def test_each_request_is_blocked_for(self):
        for name in SERVERS:
            with self.subTest(name), lab_server(name, "--port", "0", "--wait-us", COST_US) as server:
                passed, computed = self.ask(server)
                self.assertGreater(passed, REQUESTS * COST_US)
                if name != "nonblocking-loop":  # that one computes all the time
                    self.assertLess(computed, 0.5 * REQUESTS * COST_US)

    def test_it_is_paid_once_for_each_receive_and_not_for_an_end_or_for_nothing(self):
        """Two messages that arrive together are one receive; the end of a stream is none."""
        with lab_server("epoll", "--port", "0", "--work-us", "100000") as server:
            for _ in range(20):
                conversation.connect((server.host, server.port), 5).close()
            with conversation.connect((server.host, server.port), 5) as client:
                server.process.send_signal(signal.SIGSTOP)
                client.sendall(b"Hello, server!")
                client.sendall(b"Hello, server!")
                server.process.send_signal(signal.SIGCONT)
                received = b""
                while len(received) < 28:
                    received += client.recv(28)
            self.assertLess(computed_us(server.process.pid), 1_000_000)

    def test_what_is_allowed_is_said(self):
        for option in ("--work-us", "--wait-us"):
            for value in ("-1", "1000001", "long"):
                ended = run(BIN / "epoll", option, value)
                self.assertEqual((ended.code, len(ended.err)), (2, 1))
                self.assertIn(f"{option} takes a whole number from 0 to 1000000, not '{value}'", ended.err[0])


if __name__ == "__main__":
    unittest.main()
