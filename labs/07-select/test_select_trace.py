"""select-trace names the four kinds of events that select reports, in the order in which they happen."""

import os
import re
import select
import signal
import socket
import struct
import unittest

from common.testing import conversation
from common.testing.processes import BIN, Server


class SelectTrace(unittest.TestCase):
    def setUp(self):
        self.server = Server(BIN / "select-trace", "--port", "0")
        self.addCleanup(self.server.__exit__)
        self.unread = b""

    def connect(self):
        client = conversation.Connection()
        self.addCleanup(client.close)
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.settimeout(10)
        client.connect(("127.0.0.1", self.server.port))
        return client

    def next_line(self):
        """The next line that is told, with single blanks; "" at the end, or if none comes in time."""
        number = self.server.process.stdout.fileno()
        while b"\n" not in self.unread:
            ready, _, _ = select.select([number], [], [], 10)
            piece = os.read(number, 65536) if ready else b""
            if not piece:
                return ""
            self.unread += piece
        line, _, self.unread = self.unread.partition(b"\n")
        return re.sub(r" +", " ", line.decode())

    def rest(self):
        """Ends the server. Returns what it has told since the last next_line()."""
        self.server.process.send_signal(signal.SIGTERM)
        lines = list(iter(self.next_line, ""))
        self.assertEqual(self.server.process.wait(10), 0)
        return lines

    def receive(self, client, count):
        received = 0
        while received < count:
            piece = client.recv(65536)
            self.assertTrue(piece, "the server closed too early")
            received += len(piece)

    def test_new_connection_data_and_end(self):
        client = self.connect()
        told = self.next_line()
        self.assertRegex(told, r"^listener \d+ readable: new connection, \d+$")
        number = told.split()[-1]
        client.sendall(b"hello")
        self.receive(client, 5)
        self.assertEqual(self.next_line(), f"connection {number} readable: data (5 bytes)")
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(client.recv(1), b"")
        self.assertEqual(self.rest(), [f"connection {number} readable: end of connection"])

    def test_writable_comes_after_a_send_that_had_no_room(self):
        client = self.connect()
        number = self.next_line().split()[-1]
        client.sendall(bytes(100_000))  # fits into the buffers on the way there, but not back
        lines = []
        while not lines or "no room" not in lines[-1]:
            lines.append(self.next_line())
            self.assertTrue(lines[-1], "no send was without room")
        self.assertFalse([line for line in lines if "writable" in line and "watched" not in line])
        self.receive(client, 100_000)
        client.shutdown(socket.SHUT_WR)
        self.assertEqual(client.recv(1), b"")
        lines += self.rest()
        of_this = rf"connection {number} "
        data = [int(found) for line in lines for found in re.findall(r"readable: data \((\d+) bytes\)", line)]
        self.assertEqual(sum(data), 100_000)
        for before, line in zip(lines, lines[1:]):
            if line == of_this + "writable":
                self.assertRegex(before, of_this + r"no room for \d+ bytes: watched for writable")
        self.assertIn(of_this + "writable", lines)
        self.assertEqual(lines[-1], of_this + "readable: end of connection")

    def test_two_connections_and_a_reset(self):
        first, second = self.connect(), self.connect()
        numbers = [self.next_line().split()[-1] for _ in range(2)]
        self.assertNotEqual(*numbers)
        second.sendall(b"22")
        self.receive(second, 2)
        self.assertEqual(self.next_line(), f"connection {numbers[1]} readable: data (2 bytes)")
        first.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        first.close()
        self.assertEqual(
            self.next_line(),
            f"connection {numbers[0]} readable: end of connection (Connection reset by peer)",
        )
        second.sendall(b"333")
        self.receive(second, 3)
        self.assertEqual(self.next_line(), f"connection {numbers[1]} readable: data (3 bytes)")


if __name__ == "__main__":
    unittest.main()
