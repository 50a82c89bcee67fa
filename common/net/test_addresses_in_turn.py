"""A name with two addresses, and a server that listens on one of them: every program that connects finds it.

As with `localhost` that is ::1 and 127.0.0.1. Which of the two addresses comes first is getaddrinfo's choice, so each
of them is the server's once.
"""

import json
import tempfile
import unittest
from pathlib import Path

from common.testing.processes import BIN, lab_server, rows_of, run

NAME = "twofold.test"  # never anybody's: RFC 2606
ADDRESSES = ("127.0.0.1", "127.0.0.2")


class TwoAddresses(unittest.TestCase):
    """Each program runs where a private /etc/hosts gives the name both addresses."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)
        self.hosts = self.folder / "hosts"
        self.hosts.write_text("".join(f"{address} {NAME}\n" for address in ADDRESSES), encoding="utf-8")
        found = self.run_with_hosts("getent", "ahosts", NAME)
        if found.code != 0:
            self.skipTest(f"no /etc/hosts of our own is allowed here: {' '.join(found.err)}")
        self.assertEqual({line.split()[0] for line in found.out}, set(ADDRESSES))

    def run_with_hosts(self, *words, **options):
        with_hosts = 'mount --bind "$0" /etc/hosts && exec "$@"'
        return run("unshare", "-rm", "sh", "-c", with_hosts, self.hosts, *words, **options)

    def servers(self):
        """An echo server, on each of the addresses once."""
        for address in ADDRESSES:
            with lab_server("epoll", "--host", address, "--port", "0") as server, self.subTest(address):
                yield server

    def test_clients(self):
        for server in self.servers():
            for words in (
                ("first-client",),
                ("sticky-client",),
                ("framed-client",),
                ("fast-writer", "--messages", "10", "--size", "100"),
            ):
                ended = self.run_with_hosts(BIN / words[0], "--host", NAME, "--port", server.port, *words[1:])
                self.assertEqual((ended.code, ended.left), (0, []), f"{words[0]}: {ended.err}")

    def test_a_reply_comes_through(self):
        line = self.folder / "line"
        line.write_text("hello\n", encoding="utf-8")
        for server in self.servers():
            with line.open(encoding="utf-8") as stdin:
                words = (BIN / "first-client", "--host", NAME, "--port", server.port)
                ended = self.run_with_hosts(*words, stdin=stdin)
            self.assertEqual((ended.code, ended.out, ended.err), (0, ["hello"], []))

    def test_harness(self):
        for server in self.servers():
            place = ("--connect", f"{NAME}:{server.port}")
            results = self.folder / server.host
            options = (
                "--connections",
                "4",
                "--warm-up",
                "0",
                "--tries",
                "1",
                "--duration",
                "0.1",
                "--results",
                results,
            )
            ended = self.run_with_hosts(BIN / "harness", "load", *options, *place)
            self.assertEqual(ended.code, 0, ended.err)
            self.assertEqual([row["refused"] for row in rows_of(results / "load")], ["0"])
            ended = self.run_with_hosts(BIN / "harness", "check", "--json", *place)
            findings = json.loads(ended.text)["servers"][0]["findings"]
            self.assertEqual(findings[0]["answer"], "yes", findings[0])

    def test_nobody_at_any_of_them(self):
        with lab_server("epoll") as server:
            port = server.port
        words = (BIN / "first-client", "--host", NAME, "--port", port)
        for ended in (
            self.run_with_hosts(*words),
            self.run_with_hosts(BIN / "harness", "check", "--connect", f"{NAME}:{port}"),
        ):
            self.assertEqual((ended.code, ended.out, len(ended.err)), (1, [], 1), ended.err)
            for address in ADDRESSES:
                self.assertIn(f"connect {address}:{port}: Connection refused", ended.err[0])
