"""Both io_uring servers with rings far too small for their clients: completions overflow, requests are handed over in the
middle of a round, the pool has no buffer left. Every byte comes back all the same."""

import contextlib
import fcntl
import selectors
import signal
import socket
import struct
import termios
import unittest
from pathlib import Path

from common.testing import conversation
from common.testing.conversation import receive
from common.testing.processes import BIN, lab_server, run, wait_until

SERVERS = [
    name
    for name in ("io-uring", "io-uring-skip-success")
    if (BIN / name).exists() and run(BIN / name, "--help").code == 0
]
CLIENTS = 400
ROUNDS = 30
CHUNK = 4000
PATTERN = bytes(k % 251 for k in range(251 + ROUNDS * CHUNK))


def message(client):
    """What a client sends in all, another for each."""
    begin = client * 7 % 251
    return memoryview(PATTERN)[begin : begin + ROUNDS * CHUNK]


def state(process):
    return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0]


def unacknowledged(client):
    return struct.unpack("i", fcntl.ioctl(client, termios.TIOCOUTQ, b"\0" * 4))[0]


def left_unread(port):
    """How many of the server's connections have bytes that it hasn't received."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    own = [row for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "01"]
    return sum(int(row[4].split(":")[1], 16) > 0 for row in own)


@unittest.skipUnless(SERVERS, "io_uring is not built or not allowed here")
class SmallRings(unittest.TestCase):
    def client(self, server):
        """Small segments and a small receive buffer: after some 100 KB that it doesn't read, the server's sends find no room."""
        client = conversation.Connection()
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, 536)
        client.settimeout(10)
        client.connect((server.host, server.port))
        return client

    def all_speak_at_once(self, server, clients):
        """While the server is stopped, so that it finds all in one round. Nobody reads. Returns what each has sent."""
        sent = [0] * len(clients)
        for client in clients:
            client.setblocking(False)
        for _ in range(ROUNDS):
            server.process.send_signal(signal.SIGSTOP)
            self.assertTrue(wait_until(lambda: state(server.process.pid) == "T"))
            for i, client in enumerate(clients):
                with contextlib.suppress(BlockingIOError):
                    sent[i] += socket.socket.send(client, message(i)[sent[i] : sent[i] + CHUNK])
            server.process.send_signal(signal.SIGCONT)
            self.assertTrue(wait_until(lambda: state(server.process.pid) in "SZ"), "it never waits")
            self.assertIsNone(server.process.poll(), "it has ended")
        return sent

    def all_read(self, clients, sent):
        """Until everything has come, or nothing comes any more. Returns the clients with wrong bytes, and with too few."""
        got, wrong = [0] * len(clients), set()
        with selectors.DefaultSelector() as selector:
            for i, client in enumerate(clients):
                selector.register(client, selectors.EVENT_READ, i)
            while any(a < b for a, b in zip(got, sent)) and (ready := selector.select(5)):
                for key, _ in ready:
                    i = key.data
                    piece = socket.socket.recv(clients[i], 65536)
                    if not piece:
                        selector.unregister(clients[i])
                    if piece != message(i)[got[i] : got[i] + len(piece)]:
                        wrong.add(i)
                    got[i] += len(piece)
        return wrong, {i for i, client in enumerate(clients) if got[i] < sent[i]}

    def test_every_byte_comes_back(self):
        for name in SERVERS:
            for entries in (2, 16):
                options = ("--port", "0", "--entries", entries)
                with self.subTest(name, entries=entries), contextlib.ExitStack() as stack:
                    server = stack.enter_context(lab_server(name, *options))
                    clients = [stack.enter_context(self.client(server)) for _ in range(CLIENTS)]
                    sent = self.all_speak_at_once(server, clients)
                    self.assertGreater(
                        left_unread(server.port), CLIENTS / 2, "no reply had to wait: nothing is shown"
                    )
                    wrong, lacking = self.all_read(clients, sent)
                    self.assertEqual(
                        (len(wrong), len(lacking)), (0, 0), f"of {CLIENTS} clients: wrong bytes, too few"
                    )
                    for client in clients:
                        client.settimeout(10)
                        client.shutdown(socket.SHUT_WR)
                        self.assertEqual(client.recv(1), b"")
                    ended = server.end(signal.SIGTERM)
                    self.assertEqual((ended.code, ended.err), (0, []))

    def test_a_ring_for_one_request_is_refused(self):
        """Two that are linked have to fit."""
        for name in SERVERS:
            ended = run(BIN / name, "--entries", "1")
            self.assertEqual((ended.code, len(ended.err)), (2, 1))
            self.assertIn("--entries takes a whole number from 2 to 32768, not '1'", ended.err[0])


if __name__ == "__main__":
    unittest.main()
