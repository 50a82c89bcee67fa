"""epoll-workers: how its threads share new connections, by its own counts."""

import contextlib
import re
import signal
import unittest

from common.testing import conversation
from common.testing.processes import BIN, lab_server, read_line, run

WORKERS = 4
CONNECTIONS = 200
LINE = re.compile(
    r"epoll-workers: worker (\d): woken (\d+) times, epoll_wait returned (\d+) times, (\d+) accepts in vain; "
    r"(\d+) connections, (\d+) receives\n"
)


class Sharing(unittest.TestCase):
    def counts(self, sharing):
        """One client after the other connects, is answered and stays. Returns a row of counts for each worker."""
        options = ("--port", "0", "--workers", WORKERS, "--sharing", sharing)
        with lab_server("epoll-workers", *options) as server, contextlib.ExitStack() as stack:
            for _ in range(CONNECTIONS):
                client = stack.enter_context(conversation.connect((server.host, server.port), 5))
                client.sendall(b"hello")
                self.assertEqual(client.recv(5), b"hello")
            server.process.send_signal(signal.SIGUSR1)
            lines = [read_line(server.process.stderr)]  # all come at once: the pipe's buffer holds the others
            lines += [server.process.stderr.readline() for _ in range(WORKERS - 1)]
            ended = server.end(signal.SIGTERM)
        self.assertEqual((ended.code, ended.left), (0, []))
        found = [LINE.fullmatch(line) for line in lines]
        self.assertTrue(all(found), lines)
        rows = [
            dict(
                zip(
                    ("worker", "woken", "returned", "in_vain", "connections", "receives"),
                    map(int, match.groups()),
                )
            )
            for match in found
        ]
        self.assertEqual([row["worker"] for row in rows], list(range(1, WORKERS + 1)))
        for total in ("connections", "receives"):
            self.assertEqual(sum(row[total] for row in rows), CONNECTIONS)
        return rows

    def test_one_listener_for_all_wakes_many_for_each_connection(self):
        woken = {
            sharing: sum(row["woken"] for row in self.counts(sharing)) for sharing in ("all", "exclusive")
        }
        self.assertGreater(woken["all"], 1.3 * woken["exclusive"], woken)

    def test_a_listener_each_gives_every_worker_its_share(self):
        for row in self.counts("port"):
            self.assertGreater(row["connections"], CONNECTIONS / WORKERS / 4, row)

    def test_bad_options(self):
        ended = run(BIN / "epoll-workers", "--sharing", "fairly")
        self.assertEqual((ended.code, len(ended.err)), (2, 1))
        self.assertIn("--sharing takes one of all, exclusive, port, not 'fairly'", ended.err[0])


if __name__ == "__main__":
    unittest.main()
