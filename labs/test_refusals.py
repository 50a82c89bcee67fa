"""Where a process or a thread for each connection ends: children that are reaped, and connections that are refused."""

import contextlib
import functools
import os
import secrets
import shutil
import signal
import subprocess
import unittest
from pathlib import Path

from common.testing import conversation
from common.testing.processes import BIN, lab_server, wait_until


def somebody():
    """The number of a user who has no process: what counts against a limit is then the server's own alone."""
    return 1_000_000 + secrets.randbelow(1_000_000_000)


def connect(server):
    return conversation.connect((server.host, server.port), 5)


def is_served(client):
    """True if the server answers, false if it has ended the connection."""
    with contextlib.suppress(ConnectionError):
        client.sendall(b"hello")
        return client.recv(5) == b"hello"
    return False


def state(process):
    """'S' sleeping, 'T' stopped, 'Z' a zombie, and so on."""
    return Path(f"/proc/{process}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0]


def children(process):
    """The states of a process's children."""
    states = []
    for number in Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii").split():
        with contextlib.suppress(OSError):  # reaped meanwhile
            states.append(state(number))
    return states


class Children(unittest.TestCase):
    CLIENTS = 200

    def test_many_that_end_at_once_are_all_reaped(self):
        """While the server is stopped its signals collect: all those exits are one SIGCHLD."""
        with lab_server("process-per-connection") as server, contextlib.ExitStack() as stack:
            clients = [stack.enter_context(connect(server)) for _ in range(self.CLIENTS)]
            self.assertTrue(all(is_served(client) for client in clients))
            self.assertEqual(len(children(server.process.pid)), self.CLIENTS)
            server.process.send_signal(signal.SIGSTOP)
            self.assertTrue(wait_until(lambda: state(server.process.pid) == "T"))
            for client in clients:
                client.close()
            self.assertTrue(wait_until(lambda: children(server.process.pid) == ["Z"] * self.CLIENTS))
            server.process.send_signal(signal.SIGCONT)
            self.assertTrue(
                wait_until(lambda: not children(server.process.pid)), children(server.process.pid)
            )
            with connect(server) as newcomer:
                self.assertTrue(is_served(newcomer))
            ended = server.end(signal.SIGTERM)
        self.assertEqual((ended.code, ended.out, ended.err, ended.left), (0, [], [], []))

    def test_they_end_with_a_server_that_is_killed(self):
        with lab_server("process-per-connection") as server, contextlib.ExitStack() as stack:
            clients = [stack.enter_context(connect(server)) for _ in range(10)]
            self.assertTrue(all(is_served(client) for client in clients))
            ended = server.end(signal.SIGKILL)
            self.assertEqual((ended.code, ended.left), (-signal.SIGKILL, []))
            self.assertEqual([client.recv(1) for client in clients], [b""] * 10)


@functools.cache
def why_no_process_limit():
    """Why a limit of processes can't be tested here; empty if it can. It doesn't bind root."""
    if os.geteuid() != 0 or not shutil.which("setpriv") or not shutil.which("prlimit"):
        return "needs root, setpriv and prlimit: a server of another user, whose processes can be limited"
    tried = subprocess.run(
        ["setpriv", f"--reuid={somebody()}", str(BIN / "epoll"), "--help"], capture_output=True, check=False
    )
    return "" if tried.returncode == 0 else "another user can't run the programs here"


@contextlib.contextmanager
def full_pipe():
    """The end to write to of a pipe in which there is no room."""
    reader, writer = os.pipe()
    try:
        os.set_blocking(writer, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(writer, b"\n")
        os.set_blocking(writer, True)
        yield writer
    finally:
        os.close(reader)
        os.close(writer)


class Limits(unittest.TestCase):
    ALLOWED = 8  # threads and processes of that user, the server's own included

    def test_who_comes_after_the_last_possible_one_is_refused(self):
        if why_no_process_limit():
            self.skipTest(why_no_process_limit())
        for name, call in (("process-per-connection", "fork"), ("thread-per-connection", "pthread_create")):
            limited = ("setpriv", f"--reuid={somebody()}", "prlimit", f"--nproc={self.ALLOWED}")
            with self.subTest(name), lab_server(
                name, prefix=limited
            ) as server, contextlib.ExitStack() as stack:
                clients = [stack.enter_context(connect(server)) for _ in range(self.ALLOWED + 4)]
                served = [client for client in clients if is_served(client)]
                self.assertLess(len(served), self.ALLOWED)
                self.assertGreater(len(served), 0)
                served[0].close()
                self.assertTrue(wait_until(lambda: self.takes_a_newcomer(server)), "no place for a newcomer")
                self.assertTrue(all(is_served(client) for client in served[1:]))
                ended = server.end(signal.SIGTERM)
                self.assertEqual((ended.code, ended.left), (0, []))
                refused = f"{name}: connection refused: {call}: Resource temporarily unavailable (said once)"
                self.assertEqual(ended.err, [refused])

    def test_a_stderr_that_nobody_reads_stops_no_server(self):
        """The pipe is full from the start: a server that waited for room in it would stand still at the first refusal."""
        if why_no_process_limit():
            self.skipTest(why_no_process_limit())
        for name in ("process-per-connection", "thread-per-connection"):
            limited = ("setpriv", f"--reuid={somebody()}", "prlimit", f"--nproc={self.ALLOWED}")
            with self.subTest(name), full_pipe() as full, lab_server(
                name, prefix=limited, stderr=full
            ) as server, contextlib.ExitStack() as stack:
                clients = [stack.enter_context(connect(server)) for _ in range(self.ALLOWED + 4)]
                served = [client for client in clients if is_served(client)]
                self.assertLess(len(served), self.ALLOWED)
                served.pop().close()
                self.assertTrue(wait_until(lambda: self.takes_a_newcomer(server)), "no place for a newcomer")
                self.assertTrue(all(is_served(client) for client in served))

    @staticmethod
    def takes_a_newcomer(server):
        with connect(server) as newcomer:
            return is_served(newcomer)


class SteppingServer(unittest.TestCase):
    def test_it_tells_each_call_and_serves_though_nobody_listens(self):
        """lab 01's server, which says a line for every call that it makes."""
        with full_pipe() as full, lab_server("first-server", stderr=full) as server:
            for _ in range(3):
                with connect(server) as client:
                    self.assertTrue(is_served(client))


if __name__ == "__main__":
    unittest.main()
