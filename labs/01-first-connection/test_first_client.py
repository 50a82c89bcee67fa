"""first-client from outside: its output is its input, and it says when the server has gone, whatever it waits for."""

import fcntl
import os
import pty
import socket
import tempfile
import termios
import unittest

from common.testing.processes import read_line, run, wait_until

from .running import (
    BEYOND_ALL_BUFFERS,
    FIRST_CLIENT,
    Client,
    OwnServer,
    TracedServer,
    state,
    talk,
    unread,
    without_strace,
)

INPUTS = {
    "many lines": b"".join(b"line %d\n" % number for number in range(2000)),
    "no final line feed": b"one\ntwo",
    "a single byte": b"x",
    "empty lines": b"\n\n\nx\n\n",
    "no input": b"",
    "all bytes": bytes(range(256)) * 300,
    "long lines among short ones": b"a\n" + b"b" * 100_000 + b"\n" + b"c" * 65535 + b"\nd",
    "5 MB": b"0123456789" * 500_000 + b"\n",
    "longer than all buffers": b"x" * BEYOND_ALL_BUFFERS,
}


class Echo(unittest.TestCase):
    def test_its_output_is_its_input(self):
        with TracedServer() as server:
            for name, text in INPUTS.items():
                with self.subTest(name):
                    code, out, err = talk(server.port, text)
                    self.assertEqual((code, err, len(out)), (0, "", len(text)))
                    self.assertTrue(out == text)

    def test_a_line_goes_when_it_is_whole(self):
        with TracedServer() as server, Client(server.port) as client:
            client.type(b"on")
            self.assertTrue(client.has_read_all())
            client.type(b"e\nthr")
            self.assertEqual(read_line(client.process.stdout), b"one\n")
            self.assertTrue(client.has_read_all())
            client.type(b"ee\n")
            self.assertEqual(read_line(client.process.stdout), b"three\n")
            received = [line for line in server.trace() if line.startswith("recv(4) returned")]
            self.assertEqual(received, ["recv(4) returned 4: one\\n", "recv(4) returned 6: three\\n"])

    def test_any_call_may_be_interrupted(self):
        """strace lets every second call of each kind fail with EINTR, and read only after the loader's own ones."""
        if without_strace():
            self.skipTest("strace is missing or not allowed here")
        strace = ("strace", "-o", "/dev/null", "-e")
        of_server = (*strace, "inject=accept4,recvfrom,sendto:error=EINTR:when=1+2")
        of_client: tuple[str, ...] = (*strace, "inject=poll,recvfrom,sendto,write:error=EINTR:when=1+2")
        of_client += ("-e", "inject=read:error=EINTR:when=20+2")
        text = b"x" * 3_000_000 + b"\nshort\n" * 20
        with TracedServer("--port", "0", prefix=of_server) as server:
            code, out, err = talk(server.port, text, prefix=of_client)
            self.assertEqual((code, err), (0, ""))
            self.assertTrue(out == text)
            trace = "\n".join(server.trace())
            for call in ("accept(3)", "recv(4)", "send(4)"):
                self.assertIn(f"{call} returned -1: Interrupted system call", trace)

    def test_a_stdout_that_takes_little_at_a_time(self):
        text = b"0123456789" * 50_000 + b"\n"
        reading, writing = os.pipe()
        fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
        os.set_blocking(writing, False)  # as another program that shares a terminal or a pipe may do
        with TracedServer() as server, tempfile.TemporaryFile() as file, open(reading, "rb") as output:
            file.write(text)
            file.seek(0)
            with Client(server.port, stdin=file, stdout=writing) as client:
                os.close(writing)
                self.assertTrue(wait_until(lambda: unread(output) == 4096 and state(client.process) == "S"))
                self.assertEqual(output.read(), text)
                self.assertEqual(client.ended(), (0, ""))

    def test_the_end_of_the_input_is_not_the_end_of_the_stream(self):
        with OwnServer() as server, Client(server.port) as client:
            connection = server.accept()
            with connection:
                client.end_input()
                self.assertEqual(connection.recv(1), b"")
                connection.sendall(b"late\n")
                self.assertEqual(read_line(client.process.stdout), b"late\n")
                self.assertIsNone(client.process.poll())
            self.assertEqual(client.ended(), (0, ""))


class Surroundings(unittest.TestCase):
    def test_a_server_that_sends_before_it_is_asked(self):
        with OwnServer() as server, Client(server.port) as client:
            connection = server.accept()
            with connection:
                connection.sendall(b"welcome\n")
                self.assertEqual(read_line(client.process.stdout), b"welcome\n")

    def test_nobody_listens(self):
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))
            port = taken.getsockname()[1]
            said = f"first-client: connect 127.0.0.1:{port}: Connection refused\n"
            self.assertEqual(talk(port, b""), (1, b"", said))

    def test_its_own_streams(self):
        with TracedServer() as server:
            for redirection, said in (
                ("<&-", "stdin is closed"),
                (">&-", "stdout is closed"),
                ("</", "read from stdin: Is a directory"),
                (">/dev/full", "write to stdout: No space left on device"),
            ):
                with self.subTest(redirection):
                    script = f'exec "$0" --port {server.port} <<< hello {redirection}'
                    ended = run("bash", "-c", script, FIRST_CLIENT, seconds=20)
                    self.assertEqual((ended.code, ended.out, ended.err), (1, [], [f"first-client: {said}"]))
            ended = run("bash", "-c", f'exec "$0" --port {server.port} <<< hello 2>&-', FIRST_CLIENT)
            self.assertEqual((ended.code, ended.out), (1, []))

    def test_nobody_reads_its_output(self):
        reading, writing = os.pipe()
        os.close(reading)
        with TracedServer() as server, Client(server.port, stdout=writing) as client:
            os.close(writing)
            client.type(b"hello\n")
            self.assertEqual(client.ended(), (1, "first-client: write to stdout: Broken pipe\n"))


class Terminal(unittest.TestCase):
    """At a terminal that adds nothing of its own: no echo of what is typed, no carriage returns."""

    def setUp(self):
        self.keyboard, terminal = pty.openpty()
        self.addCleanup(os.close, self.keyboard)
        modes = termios.tcgetattr(terminal)
        modes[1] &= ~termios.OPOST
        modes[3] &= ~termios.ECHO
        termios.tcsetattr(terminal, termios.TCSANOW, modes)
        self.server = self.enterContext(TracedServer())
        self.client = self.enterContext(Client(self.server.port, stdin=terminal, stdout=terminal))
        os.close(terminal)
        self.shown = b""

    def shows(self, text):
        """True as soon as the terminal has shown this, and nothing else, since the last time."""
        os.set_blocking(self.keyboard, False)

        def seen():
            try:
                self.shown += os.read(self.keyboard, 4096)
            except OSError:  # nothing now, or the client has ended
                pass
            return len(self.shown) >= len(text)

        wait_until(seen)
        shown, self.shown = self.shown, b""
        return shown == text

    def type(self, text):
        os.write(self.keyboard, text)

    def test_by_hand(self):
        self.assertTrue(self.shows(b"> "))
        self.type(b"hello\n")
        self.assertTrue(self.shows(b"hello\n> "))
        self.type(b"\n")
        self.assertTrue(self.shows(b"\n> "))
        self.type(b"no line feed\x04\x04")  # Ctrl-D
        self.assertTrue(self.shows(b"no line feed"))
        self.assertEqual(self.client.ended(), (0, ""))

    def test_the_end_at_a_prompt(self):
        self.assertTrue(self.shows(b"> "))
        self.type(b"\x04")
        self.assertTrue(self.shows(b"\n"))
        self.assertEqual(self.client.ended(), (0, ""))

    def test_the_server_goes_at_a_prompt(self):
        self.assertTrue(self.server.reaches("recv(4) …"))
        self.assertTrue(self.shows(b"> "))
        self.type(b"half a li")
        self.server.process.kill()
        self.assertTrue(self.shows(b"\n"))
        said = "first-client: the server has gone (recv returned 0: the end); no reply was due\n"
        self.assertEqual(self.client.ended(), (1, said))


if __name__ == "__main__":
    unittest.main()
