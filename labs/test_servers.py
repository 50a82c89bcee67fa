"""The server contract to the letter, for each of our servers, from outside: docs/architecture.md says what it is."""

import contextlib
import functools
import os
import re
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path

from common.testing import conversation
from common.testing.conversation import receive, reset
from common.testing.machine import has_ipv6, resolves_localhost
from common.testing.processes import SERVERS, finish, is_refused, lab_server, needs_descriptors, wait_until

EVENT_LOOPS = ("select", "poll", "epoll")


def connect(server, host="127.0.0.1"):
    return conversation.connect((host, server.port), 5)


def exchange(client, message=b"hello"):
    """Sends a message and returns as many bytes of what comes back."""
    client.sendall(message)
    return receive(client, len(message))


class Contract(unittest.TestCase):
    def each(self, names=SERVERS):
        for name in names:
            with self.subTest(name):
                yield name

    def test_it_announces_itself_in_one_line_and_says_nothing_more(self):
        for name in self.each():
            with lab_server(name) as server:
                self.assertRegex(server.announced, r"^listening on 127\.0\.0\.1:[1-9]\d*\n$")
                with connect(server) as client:
                    self.assertEqual(exchange(client), b"hello")
                    client.shutdown(socket.SHUT_WR)
                    self.assertEqual(client.recv(1), b"")
                with connect(server) as client:
                    self.assertEqual(exchange(client), b"hello")
                    reset(client)
                with connect(server) as client:
                    self.assertEqual(exchange(client), b"hello")
                ended = server.end(signal.SIGTERM)
            self.assertEqual((ended.code, ended.out, ended.err), (0, [], []))

    def test_both_signals_end_it_with_connections_open(self):
        for name in self.each():
            for number in (signal.SIGTERM, signal.SIGINT):
                with lab_server(name) as server, connect(server) as speaks, connect(server), connect(
                    server
                ) as slow:
                    self.assertEqual(exchange(speaks), b"hello")
                    slow.settimeout(0.05)
                    with contextlib.suppress(TimeoutError):
                        slow.sendall(bytes(16 << 20))
                    ended = server.end(number)
                self.assertEqual((ended.code, ended.err, ended.left), (0, [], []), number)

    def test_it_comes_back_on_its_port_at_once(self):
        """The server's ends of the connections are in TIME-WAIT then: it ended first."""
        for name in self.each():
            with lab_server(name) as first, connect(first) as client:
                self.assertEqual(exchange(client), b"hello")
                self.assertEqual(first.end(signal.SIGTERM).code, 0)
                self.assertEqual(client.recv(1), b"")
                # An io_uring is taken apart after its process has ended, and the listener with it: some milliseconds.
                self.assertTrue(wait_until(lambda: is_refused(lambda: connect(first))))
            with lab_server(name, "--port", first.port) as second, connect(second) as client:
                self.assertEqual(second.port, first.port)
                self.assertEqual(exchange(client), b"hello")

    def test_by_default_it_is_for_this_machine_only(self):
        """127.0.0.2 stands for the machine's other addresses: a server on all of them would accept there."""
        for name in self.each():
            with lab_server(name) as server:
                self.assertTrue(is_refused(lambda: connect(server, "127.0.0.2")))
            with lab_server(name, "--host", "0.0.0.0", "--port", "0") as server:
                self.assertEqual(server.host, "0.0.0.0")
                self.assertFalse(is_refused(lambda: connect(server, "127.0.0.2")))

    @unittest.skipUnless(has_ipv6(), "this machine has no IPv6 loopback address")
    def test_ipv6(self):
        for name in self.each():
            with lab_server(name, "--host", "::1", "--port", "0") as server, connect(server, "::1") as client:
                self.assertRegex(server.announced, r"^listening on \[::1\]:\d+\n$")
                self.assertEqual(exchange(client), b"hello")

    @unittest.skipUnless(
        resolves_localhost(), "`localhost` does not resolve here: /etc/hosts has no line for it"
    )
    def test_host_names_are_resolved(self):
        for name in self.each():
            with lab_server(name, "--host", "localhost", "--port", "0") as server:
                with connect(server, "localhost") as client:
                    self.assertEqual(exchange(client), b"hello")


class BeyondFdSetSize(unittest.TestCase):
    """select has no bit for descriptors from 1024 on: it refuses them, says so once, and serves the others."""

    CLIENTS = 1060

    def setUp(self):
        needs_descriptors(self.CLIENTS + 100)
        before = resource.getrlimit(resource.RLIMIT_NOFILE)
        resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
        self.addCleanup(resource.setrlimit, resource.RLIMIT_NOFILE, before)

    def test_select(self):
        with lab_server("select") as server, contextlib.ExitStack() as clients:
            served, refused = self.crowd(server, clients)
            self.assertGreater(len(served), 1000)
            self.assertGreater(refused, 1)
            served[5].close()
            self.assertTrue(wait_until(lambda: self.is_served(server)), "no place for a newcomer")
            self.assertEqual(exchange(served[0]), b"hello")
            ended = server.end(signal.SIGTERM)
        self.assertEqual((ended.code, len(ended.err)), (0, 1), ended.err)
        self.assertIn("FD_SETSIZE (1024)", ended.err[0])
        self.assertTrue(ended.err[0].startswith("select: "))

    def crowd(self, server, clients):
        """Connects; returns the clients that were answered, and how many were refused."""
        served, refused = [], 0
        for _ in range(self.CLIENTS):
            client = clients.enter_context(connect(server))
            try:
                answered = exchange(client) == b"hello"
            except ConnectionError:
                answered = False
            refused += not answered
            served += [client] if answered else []
        return served, refused

    @staticmethod
    def is_served(server):
        with contextlib.suppress(ConnectionError), connect(server) as client:
            return exchange(client) == b"hello"
        return False


@functools.cache
def why_no_strace():
    """Why system calls can't be watched here; empty if they can."""
    if not shutil.which("strace"):
        return "strace is not installed: the server's system calls can't be seen"
    tried = subprocess.run(["strace", "-o", "/dev/null", "true"], capture_output=True, check=False)
    return (
        "" if tried.returncode == 0 else "strace is not allowed here: the server's system calls can't be seen"
    )


class SystemCalls(unittest.TestCase):
    def setUp(self):
        if why_no_strace():
            self.skipTest(why_no_strace())
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.trace = Path(temporary.name) / "trace"

    def traced(self, name):
        return lab_server(name, prefix=("strace", "-f", "-o", self.trace, "-e", "trace=network,epoll_ctl"))

    def calls(self, pattern):
        """The arguments and results of the calls so far that match, in their order."""
        return re.findall(pattern, self.trace.read_text())

    def eventually(self, pattern, count):
        wait_until(lambda: len(self.calls(pattern)) >= count)
        return self.calls(pattern)

    def test_a_shortage_of_the_system_is_waited_out_and_stops_no_one(self):
        """The kernel's answer is put into accept4's place: 40 times ENOMEM, the first connection excepted."""
        # io-uring's accepts are no system calls; the blocking loop sits in recv and doesn't accept.
        for name in sorted({*SERVERS} - {"io-uring", "blocking-loop"}):
            inject = "accept4:error=ENOMEM:when=2..41"
            words = ("strace", "-f", "-o", self.trace, "-e", "trace=accept4,clock_nanosleep", "-e")
            with self.subTest(name), lab_server(name, prefix=(*words, f"inject={inject}")) as server:
                with connect(server) as first:
                    self.assertEqual(exchange(first), b"hello")
                    with connect(server) as second:
                        self.assertEqual(exchange(first), b"hello")
                        self.assertEqual(exchange(second), b"hello")
                os.kill(int(self.calls(r"^\d+")[0]), signal.SIGTERM)  # strace itself would not hand it on
                ended = finish(server.process, server.family, 10)
            complaint = f"{name}: accept: Cannot allocate memory (said once)"
            self.assertEqual((ended.code, ended.err), (0, [complaint]))
            calls = self.calls(r"(accept4\(.*ENOMEM|clock_nanosleep\()")
            self.assertEqual(sum("accept4" in call for call in calls), 40)
            asleep = sum("nanosleep" in call for call in calls)
            self.assertGreaterEqual(asleep, 40, "it tried again without a pause")

    def test_select_and_poll_ask_for_fewer_once_the_others_have_gone(self):
        for name, call in (("select", r"select6?\((\d+), "), ("poll", r"poll\(.*\], (\d+), ")):
            watch = ("strace", "-o", self.trace, "-e", f"trace=/^p?{name}")
            with self.subTest(name), lab_server(name, prefix=watch) as server, connect(server) as first:
                self.assertEqual(exchange(first), b"hello")
                others = [connect(server) for _ in range(50)]
                for other in others:
                    self.assertEqual(exchange(other), b"hello")
                for other in others:
                    other.close()
                asked = self.asked(call)
                self.assertGreater(max(asked), 50)
                self.assertTrue(wait_until(lambda: self.asked(call)[-1] < 20), self.asked(call))

    def asked(self, call):
        return [int(count) for count in self.calls(call)]

    def connection_number(self):
        """The server's descriptor of the only client."""
        (number,) = self.eventually(r"accept4\(.*\) = (\d+)", 1)
        return number

    def test_the_longest_backlog_and_no_delay(self):
        for name in SERVERS:
            with self.subTest(name), self.traced(name) as server:
                for _ in range(
                    2
                ):  # one after the other: beside a silent one, the blocking loop serves nobody
                    with connect(server) as client:
                        self.assertEqual(exchange(client), b"hello")
                self.assertEqual(self.calls(r"listen\(\d+, (\d+)\)"), [str(socket.SOMAXCONN)])
                self.assertEqual(len(self.eventually(r"setsockopt\(\d+, SOL_TCP, TCP_NODELAY, \[1\]", 2)), 2)

    def test_epoll_tells_the_kernel_of_a_connection_once(self):
        with self.traced("epoll") as server, connect(server) as client:
            for _ in range(20):
                self.assertEqual(exchange(client), b"hello")
            number = self.connection_number()
            (told,) = self.calls(rf"epoll_ctl\(\d+, (\w+), {number}, .*\) = 0")
            self.assertEqual(told, "EPOLL_CTL_ADD")

    def fill(self, client, number):
        """Sends a little at a time until a reply did not fit: nearly all that was sent has been received then."""
        client.setblocking(False)
        sent = 0
        while not self.is_stuck(number):
            sent += client.send(bytes(16 * 1024))  # never blocks: what was sent before has left the way
            self.assertTrue(wait_until(lambda: self.is_stuck(number) or self.received(number) == sent))
        client.settimeout(5)
        return sent

    def is_stuck(self, number):
        return any(int(given) < int(asked) for asked, given in self.sends(number)) or self.calls(
            rf"sendto\({number}, .* EAGAIN"
        )

    def sends(self, number):
        return self.calls(rf'sendto\({number}, ".*"\.*, (\d+), MSG_NOSIGNAL, NULL, 0\) = (\d+)')

    def received(self, number):
        return sum(map(int, self.calls(rf"recvfrom\({number}, .* = (\d+)")))

    def sent_back(self, number):
        return sum(int(given) for _, given in self.sends(number))

    def test_nothing_is_received_while_bytes_wait_to_go_back(self):
        for name in EVENT_LOOPS:
            with self.subTest(name), self.traced(name) as server, conversation.Connection() as client:
                client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                client.connect(("127.0.0.1", server.port))
                number = self.connection_number()
                sent = self.fill(client, number)
                self.assertEqual(len(receive(client, sent)), sent)
                self.assertEqual(exchange(client), b"hello")
                # strace writes a call down after it: the last reply may be here before its line.
                wait_until(lambda: self.received(number) == self.sent_back(number) == sent + 5)
                self.assert_in_turn(number)
                if name == "epoll":
                    self.assert_one_change_and_back(number)

    def assert_in_turn(self, number):
        """Every byte that was received went out before the next were received."""
        pending, waited = 0, 0
        for call, result in self.calls(rf"(recvfrom|sendto)\({number}, .* = (\d+|-1 EAGAIN)"):
            count = 0 if result.startswith("-1") else int(result)
            if call == "recvfrom":
                self.assertEqual(pending, 0, "received while bytes waited to go back")
            pending += count if call == "recvfrom" else -count
            waited += call == "sendto" and pending > 0
        self.assertEqual(pending, 0)
        self.assertGreater(waited, 0, "no reply had to wait: the test has shown nothing")

    def assert_one_change_and_back(self, number):
        told = self.calls(rf"epoll_ctl\(\d+, EPOLL_CTL_(\w+), {number}, {{events=(\w+)")
        self.assertEqual(told, [("ADD", "EPOLLIN"), ("MOD", "EPOLLOUT"), ("MOD", "EPOLLIN")])


if __name__ == "__main__":
    unittest.main()
