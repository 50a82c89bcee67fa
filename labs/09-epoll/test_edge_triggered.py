"""Edge-triggered epoll: what the three mistaken servers of lab 09 cause, and that the right one doesn't.

The order of events is made certain by stopping the server: what is sent meanwhile arrives as one edge.
"""

import contextlib
import fcntl
import os
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import termios
import unittest
from pathlib import Path

from common.testing import conversation
from common.testing.conversation import receive
from common.testing.processes import lab_server, wait_until

RIGHT = "epoll-edge"
READ = 16 * 1024  # what the servers receive in one call


def connect(server):
    return conversation.connect((server.host, server.port), 5)


def is_served(client):
    client.sendall(b"hello")
    return receive(client, 5) == b"hello"


def unacknowledged(client):
    return struct.unpack("i", fcntl.ioctl(client, termios.TIOCOUTQ, b"\0" * 4))[0]


def all_arrived(client):
    return wait_until(lambda: unacknowledged(client) == 0)


def says_nothing_now(client):
    """True if there is nothing to receive, not even the end."""
    client.setblocking(False)
    try:
        return client.recv(1, socket.MSG_PEEK) is None
    except BlockingIOError:
        return True
    finally:
        client.settimeout(5)


def stop(process):
    """Returns when it has stopped: the signal takes its time. ('T': by a signal, 't': seen by a tracer.)"""
    os.kill(process, signal.SIGSTOP)
    state = Path(f"/proc/{process}/stat")
    assert wait_until(lambda: state.read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] in "Tt")


@contextlib.contextmanager
def stopped(server):
    stop(server.process.pid)
    try:
        yield
    finally:
        server.process.send_signal(signal.SIGCONT)


class Mistakes(unittest.TestCase):
    def pair(self, stack, name):
        """A running server and two connections that it has served."""
        server = stack.enter_context(lab_server(name))
        clients = [stack.enter_context(connect(server)) for _ in range(2)]
        self.assertTrue(all(is_served(client) for client in clients))
        return server, *clients

    def after_one_edge(self, name):
        """Sends two reads and a half while the server is stopped, and returns the client and the other one when the server
        has answered once and waits again."""
        with contextlib.ExitStack() as stack:
            server, client, other = self.pair(stack, name)
            with stopped(server):
                client.sendall(bytes(5 * READ // 2))
                self.assertTrue(all_arrived(client))
            self.assertEqual(len(receive(client, READ)), READ)
            yield client, other

    def test_one_read_for_one_edge_leaves_the_rest_unread(self):
        for client, other in self.after_one_edge(RIGHT):
            self.assertEqual(len(receive(client, 3 * READ // 2)), 3 * READ // 2)
        for client, other in self.after_one_edge("epoll-edge-read-once"):
            self.assertTrue(is_served(other))  # so the server has come back to its wait
            self.assertTrue(says_nothing_now(client))
            client.sendall(b"!")  # a new edge, one more read
            self.assertEqual(len(receive(client, READ)), READ)
            self.assertTrue(is_served(other))
            self.assertTrue(says_nothing_now(client))

    def test_a_short_read_hides_the_end_that_came_with_it(self):
        for name, sees_the_end in ((RIGHT, True), ("epoll-edge-short-read", False)):
            with self.subTest(name), contextlib.ExitStack() as stack:
                server, client, other = self.pair(stack, name)
                with stopped(server):
                    client.sendall(b"Hello, server!")
                    client.shutdown(socket.SHUT_WR)
                    finished = "TCP_FIN_WAIT2: all is acknowledged, the end too"
                    self.assertTrue(
                        wait_until(lambda: client.getsockopt(socket.SOL_TCP, socket.TCP_INFO) == 5), finished
                    )
                self.assertEqual(receive(client, 14), b"Hello, server!")
                if sees_the_end:
                    self.assertEqual(client.recv(1), b"")
                else:
                    self.assertTrue(is_served(other))
                    self.assertTrue(says_nothing_now(client))

    def test_without_a_budget_one_client_keeps_the_others_waiting(self):
        if (
            not shutil.which("strace")
            or subprocess.run(["strace", "-o", "/dev/null", "true"], check=False).returncode
        ):
            self.skipTest(
                "strace is not installed or not allowed: the order of the server's calls can't be seen"
            )
        budget = 64 * 1024
        self.assertLessEqual(self.bytes_before_the_other(RIGHT), budget)
        self.assertGreater(self.bytes_before_the_other("epoll-edge-no-budget"), 4 * budget)

    def bytes_before_the_other(self, name):
        """How much the server receives from a client that floods before it receives from another that has sent a little."""
        with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
            trace = Path(folder) / "trace"
            watch = ("strace", "-o", trace, "-e", "trace=accept4,recvfrom")
            server = stack.enter_context(lab_server(name, prefix=watch))
            flood, other = (stack.enter_context(connect(server)) for _ in range(2))
            self.assertTrue(is_served(flood) and is_served(other))
            first, second = re.findall(r"accept4\(.*\) = (\d+)", trace.read_text())[:2]
            # It has asked both until EAGAIN after their message, so it waits; stopped any earlier, it would begin there.
            for number in (first, second):
                asked = rf'recvfrom\({number}, "hello"[^\0]*\nrecvfrom\({number}, .* EAGAIN'
                self.assertTrue(wait_until(lambda: re.search(asked, trace.read_text())))
            (pid,) = [process for process in server.family.processes() if process != server.process.pid]
            stop(pid)
            flood.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                while True:
                    flood.send(bytes(READ))
            other.sendall(b"and me")
            self.assertTrue(all_arrived(other))
            os.kill(pid, signal.SIGCONT)
            self.assertEqual(receive(other, 6), b"and me")
            lines = trace.read_text().splitlines()
            found = rf"recvfrom\({second}, \"and me\""
            (last,) = [index for index, line in enumerate(lines) if re.match(found, line)]
            sizes = [re.match(rf"recvfrom\({first}, .* = (\d+)$", line) for line in lines[:last]]
            return sum(int(size[1]) for size in sizes if size) - len(b"hello")


if __name__ == "__main__":
    unittest.main()
