"""first-server from outside: what it tells of its calls, in which order, and what it survives."""

import os
import signal
import socket
import unittest

from common.testing import conversation
from common.testing.conversation import receive, reset
from common.testing.processes import Server, is_refused, run, wait_until

from .running import FIRST_SERVER, TracedServer, state


OPENED = [
    "socket() returned 3",
    "setsockopt(3, SO_REUSEADDR) returned 0",
    "bind(3, 127.0.0.1:0) returned 0",
    "listen(3) returned 0",
    "accept(3) …",
]
ACCEPTED = [
    "accept(3) returned 4: the client is 127.0.0.1:PORT",
    "setsockopt(4, TCP_NODELAY) returned 0",
    "recv(4) …",
]
ENDED = ["recv(4) returned 0: the client has ended the stream", "close(4)", "accept(3) …"]
RESET = ["recv(4) returned -1: Connection reset by peer", "close(4)", "accept(3) …"]


def echoed(count, shown):
    sent = [f"send(4, {count} bytes) …", f"send(4) returned {count}"]
    return [f"recv(4) returned {count}: {shown}", *sent, "recv(4) …"]


class Trace(unittest.TestCase):
    def test_each_call_in_order_and_one_client_at_a_time(self):
        with TracedServer() as server:
            self.assertTrue(server.reaches(*OPENED), server.trace())
            with server.connect() as first, server.connect() as second:
                second.sendall(b"me\0too")
                first.sendall(b"hello\n")
                self.assertEqual(receive(first, 6), b"hello\n")
                expected = [*OPENED, *ACCEPTED, *echoed(6, "hello\\n")]
                self.assertTrue(server.reaches(*expected), server.trace())
                first.shutdown(socket.SHUT_WR)
                self.assertEqual(first.recv(1), b"")
                self.assertEqual(receive(second, 6), b"me\0too")
            expected += [*ENDED, *ACCEPTED, *echoed(6, "me\\x00too"), *ENDED]
            self.assertTrue(server.reaches(*expected), server.trace())
            self.assertEqual(server.trace(), expected)

    def test_resets_in_recv_and_in_the_queue(self):
        with TracedServer() as server:
            with server.connect() as first, server.connect() as second, server.connect() as later:
                self.assertTrue(server.reaches(*ACCEPTED))
                reset(second)
                reset(first)
                later.sendall(b"still there?")
                self.assertEqual(receive(later, 12), b"still there?")
            expected = [
                *OPENED,
                *ACCEPTED,
                *RESET,
                *ACCEPTED,
                *RESET,
                *ACCEPTED,
                *echoed(12, "still there?"),
                *ENDED,
            ]
            self.assertTrue(server.reaches(*expected), server.trace())
            self.assertEqual(server.trace(), expected)

    def test_nobody_need_read_it(self):
        reading, writing = os.pipe()
        os.close(reading)
        with Server(FIRST_SERVER, "--port", "0", stderr=writing) as server:
            os.close(writing)
            with conversation.connect(("127.0.0.1", server.port), 10) as client:
                client.sendall(b"unseen")
                self.assertEqual(receive(client, 6), b"unseen")


def is_full(client):
    try:
        client.send(bytes(1 << 20))
        return False
    except BlockingIOError:
        return True


def stands_in_send(server, client):
    """True as soon as the server sleeps in send, because this client sends and never reads."""
    client.setblocking(False)
    return wait_until(
        lambda: is_full(client) and state(server.process) == "S" and "send(4, " in server.trace()[-1]
    )


class Endings(unittest.TestCase):
    def test_a_client_that_never_reads_and_then_resets(self):
        with TracedServer() as server:
            with server.connect() as client:
                self.assertTrue(stands_in_send(server, client))
                reset(client)
            self.assertTrue(server.reaches("close(4)", "accept(3) …"))
            self.assertRegex(server.trace()[-3], r"^(send|recv)\(4\) returned -1: ")
            with server.connect() as client:
                client.sendall(b"next")
                self.assertEqual(receive(client, 4), b"next")

    def test_a_signal_ends_it_in_each_call_that_waits(self):
        for number in (signal.SIGTERM, signal.SIGINT):
            with TracedServer() as server:
                self.assertTrue(server.reaches(*OPENED))
                self.assert_ends_well(server, number)
            with TracedServer() as server, server.connect():
                self.assertTrue(server.reaches(*ACCEPTED))
                self.assert_ends_well(server, number)
            with TracedServer() as server, server.connect() as client:
                self.assertTrue(stands_in_send(server, client))
                self.assert_ends_well(server, number)

    def assert_ends_well(self, server, number):
        ended = server.end(number)
        self.assertEqual((ended.code, ended.out, ended.left), (0, [], []))

    def test_its_address(self):
        with TracedServer() as server:
            self.assertRegex(server.announced, r"^listening on 127\.0\.0\.1:[1-9]\d*\n$")
            self.assertTrue(is_refused(lambda: conversation.connect(("127.0.0.2", server.port), 10)))
            with server.connect() as client:
                self.assertTrue(server.reaches(*ACCEPTED))
                self.assertEqual(server.end(signal.SIGTERM).code, 0)
                self.assertEqual(client.recv(1), b"")
        with TracedServer(
            "--port", server.port
        ) as again, again.connect():  # its old connection is in TIME-WAIT
            self.assertEqual(again.port, server.port)

    def test_bad_use(self):
        for words, code, said in (
            (["--port", "65536"], 2, "65535"),
            (["--host", "no.such.host.invalid"], 2, "does not resolve"),
            (["--host", "192.0.2.1"], 1, "bind 192.0.2.1:9000: Cannot assign requested address"),
        ):
            ended = run(FIRST_SERVER, *words)
            complaints = [line for line in ended.err if line.startswith("first-server: ")]
            self.assertEqual((ended.code, ended.out, len(complaints)), (code, [], 1), ended.err)
            self.assertIn(said, complaints[0])


if __name__ == "__main__":
    unittest.main()
