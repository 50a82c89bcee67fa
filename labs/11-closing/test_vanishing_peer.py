"""Lab 11, the peer that vanishes: what the programs find between two network namespaces, and that nothing of these is
left, however a program ends. Skipped where the machine allows no namespaces, as the programs themselves are."""

import contextlib
import functools
import os
import re
import shutil
import signal
import subprocess
import unittest
from pathlib import Path

from common.testing.processes import BIN, Family, finish, run, start, wait_until

SKIPPED = 77


@functools.cache
def why_no_hosts():
    """What a program says where it may not make network namespaces; empty where it may."""
    ended = run(BIN / "exactly-once", "--break", "cable")
    return ended.text.strip() if ended.code == SKIPPED else ""


def networks():
    """The network namespaces of all processes that may be looked at."""
    found = set()
    for link in Path("/proc").glob("[0-9]*/ns/net"):
        with contextlib.suppress(OSError):
            found.add(os.readlink(link))
    return found


class Hosts(unittest.TestCase):
    def setUp(self):
        if why_no_hosts():
            self.skipTest(why_no_hosts())

    def shown(self, name, *options, prefix=()):
        ended = run(*prefix, BIN / name, *options, seconds=60)
        self.assertEqual((ended.code, ended.err, ended.left), (0, [], []), ended.text)
        self.assertNotIn("NOT as described", ended.text)
        return ended.text

    def number(self, text, name):
        (found,) = re.findall(rf"^  {re.escape(name)} → (\d+)$", text, re.MULTILINE)
        return int(found)

    def assert_old_bytes_do_not_follow(self, text):
        accepted = self.number(text, "sends that succeeded after that")
        self.assertGreater(accepted, 0)
        self.assertEqual(self.number(text, "messages that send had accepted, and nobody got"), accepted)
        self.assertEqual(self.number(text, "the first one that it reads now"), 1000 + accepted + 1)


class Probes(Hosts):
    def test_without_a_probe_nobody_notices(self):
        text = self.shown("vanishing-peer")
        self.assertRegex(text, r"\n  idle → nothing in")
        self.assertRegex(text, r"\n  busy → nothing in")
        self.assertRegex(text, r"\n  the old connection after .* → ECONNRESET")
        self.assert_old_bytes_do_not_follow(text)

    def test_keepalive_finds_the_idle_one_only(self):
        text = self.shown("vanishing-peer", "--probe", "keepalive")
        self.assertRegex(text, r"\n  idle after .*: recv → (ETIMEDOUT|EHOSTUNREACH)")
        self.assertRegex(text, r"\n  busy → nothing in")
        self.assert_old_bytes_do_not_follow(text)

    def test_the_user_timeout_finds_the_one_with_data_under_way_only(self):
        text = self.shown("vanishing-peer", "--probe", "user-timeout")
        self.assertRegex(text, r"\n  busy after .*: recv → (ETIMEDOUT|EHOSTUNREACH)")
        self.assertRegex(text, r"\n  idle → nothing in")
        self.assert_old_bytes_do_not_follow(text)

    def test_exactly_once_over_a_pulled_cable(self):
        text = self.shown("exactly-once", "--break", "cable")
        names = ("sent", "received", "missing")
        self.assertEqual([self.number(text, name) for name in names], [20000, 20000, 0])
        self.assertGreater(self.number(text, "resent"), 0)

    def test_it_needs_no_root_where_user_namespaces_are_allowed(self):
        if os.geteuid() != 0:
            self.skipTest("not root anyway: the other tests show it")
        nobody = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups")
        if not shutil.which("setpriv"):
            self.skipTest("setpriv is not installed")
        if subprocess.run(
            [*nobody, BIN / "exactly-once", "--help"], capture_output=True, check=False
        ).returncode:
            self.skipTest("another user can't run programs in this folder")
        ended = run(*nobody, BIN / "exactly-once", "--break", "cable")
        if ended.code == SKIPPED:
            self.skipTest(ended.text.strip())
        self.assertEqual((ended.code, ended.err, ended.left), (0, [], []), ended.text)


class NothingIsLeft(Hosts):
    def killed_while_the_cable_is_out(self, number):
        """Returns how the program ended, and the network namespace that it was in."""
        family = Family()
        process = start([BIN / "vanishing-peer"], family)
        pulled = any(line.startswith("The cable is pulled") for line in process.stdout)
        self.assertTrue(pulled, "it ended before the cable was pulled")
        network = os.readlink(f"/proc/{process.pid}/ns/net")
        process.send_signal(number)
        return finish(process, family), network

    def test_however_it_ends(self):
        ours = os.readlink("/proc/self/ns/net")
        interfaces = sorted(os.listdir("/sys/class/net"))
        for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGINT):
            ended, network = self.killed_while_the_cable_is_out(number)
            self.assertEqual((ended.code, ended.left), (-number, []))
            self.assertNotEqual(network, ours)
            self.assertTrue(
                wait_until(lambda gone=network: gone not in networks()), f"{network} is still there"
            )
        self.assertEqual(sorted(os.listdir("/sys/class/net")), interfaces)


class NotAllowed(unittest.TestCase):
    """Where no network namespace may be made, a program says so in one line and ends with a code of its own."""

    # In a user namespace of its own, so that the limit is nobody else's.
    FORBID = ("unshare", "-Ur", "sh", "-c", 'echo 0 > /proc/sys/user/max_net_namespaces && exec "$0" "$@"')

    def test_it_says_so_and_skips(self):
        tried = subprocess.run([*self.FORBID, "true"], capture_output=True, check=False)
        if tried.returncode != 0:
            self.skipTest("the limit of network namespaces can't be set here")
        for words in (["vanishing-peer"], ["exactly-once", "--break", "cable"]):
            ended = run(*self.FORBID, BIN / words[0], *words[1:])
            self.assertEqual((ended.code, ended.err, ended.left), (SKIPPED, [], []))
            self.assertRegex(ended.text, r"^skipped: this machine allows no network namespaces \(.*\)\n$")


if __name__ == "__main__":
    unittest.main()
