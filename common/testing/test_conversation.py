"""A failing test prints the conversation that led to it; a passing one prints nothing."""

import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from common.testing.processes import ROOT

# Answers the second message wrongly.
SERVER = """
import socket, sys
listener = socket.create_server(("127.0.0.1", 0))
print("listening on 127.0.0.1:%d" % listener.getsockname()[1], flush=True)
client, _ = listener.accept()
client.sendall(client.recv(100))
client.recv(100)
print("send took 3 of 6 bytes", file=sys.stderr, flush=True)
client.sendall(b"wor")
client.shutdown(socket.SHUT_WR)
client.recv(1)
"""
TEST = """
import signal, sys
from pathlib import Path
from common.testing.conversation import connect
from common.testing.processes import Server

def talk(last):
    with Server(sys.executable, Path(__file__).with_name("server.py")) as server:
        with connect((server.host, server.port)) as client:
            client.sendall(b"Hello!")
            assert client.recv(6) == b"Hello!"
            server.process.send_signal(signal.SIGSTOP)
            server.process.send_signal(signal.SIGCONT)
            for letter in (b"w", b"o", b"rld!"):
                client.sendall(letter)
            received = client.recv(3)
            assert client.recv(3) == b""
            assert received == last

def test_that_fails():
    talk(b"world!")

def test_that_passes():
    talk(b"wor")
"""
CONVERSATION = [
    r"python[0-9.]*: started as `\S+ \S+/server.py`",
    r"python[0-9.]*: announced 'listening on 127\.0\.0\.1:\d+\\n'",
    r"connection 1: connected to 127\.0\.0\.1:\d+",
    r"connection 1: sent 6 bytes b'Hello!'",
    r"connection 1: received 6 bytes b'Hello!'",
    r"python[0-9.]*: was sent SIGSTOP",
    r"python[0-9.]*: was sent SIGCONT",
    r"connection 1: sent 4 bytes b'rld!' \(3 times, 6 bytes in all\)",
    r"connection 1: received 3 bytes b'wor'",
    r"connection 1: received the end",
]


class Report(unittest.TestCase):
    def pytest(self, *words: str) -> str:
        """What pytest prints about the tests above."""
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "server.py").write_text(SERVER, encoding="utf-8")
            (Path(folder) / "test_talk.py").write_text(TEST, encoding="utf-8")
            command = [
                sys.executable,
                "-m",
                "pytest",
                "-c",
                str(ROOT / ".pytest.ini"),
                "-p",
                "no:cacheprovider",
                *words,
            ]
            ended = subprocess.run(
                [*command, folder], cwd=ROOT, check=False, capture_output=True, text=True, timeout=60
            )
        return ended.stdout

    def test_it_has_each_step_what_was_expected_and_the_last_words(self) -> None:
        for words in ((), ("-n", "1")):
            _, _, told = self.pytest("-k", "fails", *words).partition("the conversation that led to it")
            lines = [
                line.partition(" s  ")[2] for line in told.splitlines() if re.match(r" *\d+\.\d{3} s  ", line)
            ]
            self.assertEqual(len(lines), len(CONVERSATION), told)
            for line, pattern in zip(lines, CONVERSATION):
                self.assertRegex(line, f"^{pattern}$")
            self.assertIn("then: AssertionError: assert b'wor' == b'world!'", told)
            self.assertRegex(told, r"said on stderr, at last:\n    send took 3 of 6 bytes\n")

    def test_a_test_that_passes_prints_none(self) -> None:
        told = self.pytest("-k", "passes")
        self.assertIn("1 passed", told)
        self.assertNotIn("conversation", told)


if __name__ == "__main__":
    unittest.main()
