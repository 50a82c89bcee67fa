"""Lab 11: what the kernel does at the end of a connection and with the sizes of its buffers, asserted here on sockets of
Python's; and each program of the lab says the same, with exit code 0."""

import array
import contextlib
import errno
import fcntl
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import unittest
from pathlib import Path

from common.testing import conversation
from common.testing.processes import BIN, run

IN, OUT, ERR, HUP, RDHUP = select.POLLIN, select.POLLOUT, select.POLLERR, select.POLLHUP, select.POLLRDHUP
NOT_YET_SENT = 0x894B  # SIOCOUTQNSD


def size(end, option):
    return end.getsockopt(socket.SOL_SOCKET, option)


def set_size(end, option, asked):
    end.setsockopt(socket.SOL_SOCKET, option, asked)
    return size(end, option)


def fill(end):
    """Sends until the kernel takes no more; how many bytes it took."""
    before, taken = end.gettimeout(), 0
    end.setblocking(False)
    with contextlib.suppress(BlockingIOError):
        while True:
            taken += end.send(bytes(65536))
    end.settimeout(before)
    return taken


def queued(end, request):
    number = array.array("i", [0])
    fcntl.ioctl(end, request, number)
    return number[0]


def read_to_the_end(end):
    """How many bytes come, and how it ends: 0 for the end of stream, or errno."""
    received = 0
    try:
        while piece := end.recv(65536):
            received += len(piece)
        return received, 0
    except OSError as error:
        return received, error.errno


def reset(end):
    end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    end.close()


def poll(end, arrived=None):
    """What poll says; first waits until `arrived` has come (0: an error or a hang-up)."""
    if arrived is not None:
        waiting = select.poll()
        waiting.register(end, arrived)
        assert waiting.poll(10_000), "what was waited for did not come"
    now = select.poll()
    now.register(end, IN | OUT | RDHUP)
    return dict(now.poll(0)).get(end.fileno(), 0)


class Sockets(unittest.TestCase):
    def pair(self):
        """Both ends of a TCP connection."""
        with conversation.listen() as listener:
            peer = conversation.connect(listener.getsockname(), 10)
            ours, _ = listener.accept()
        for end in (ours, peer):
            self.addCleanup(end.close)
            end.settimeout(10)
        return ours, peer

    def assert_fails(self, error_number, call, *arguments):
        with self.assertRaises(OSError) as failure:
            call(*arguments)
        self.assertEqual(errno.errorcode[failure.exception.errno], errno.errorcode[error_number])


class Ends(Sockets):
    def test_close_with_unsent_data_delivers_all_and_then_the_end(self):
        ours, peer = self.pair()
        accepted = fill(ours)
        self.assertGreater(queued(ours, NOT_YET_SENT), 0)
        ours.close()
        self.assertEqual(read_to_the_end(peer), (accepted, 0))

    def test_close_without_unread_data_is_an_end(self):
        ours, peer = self.pair()
        ours.sendall(b"reply")
        peer.sendall(b"words")
        self.assertEqual(ours.recv(100), b"words")
        ours.close()
        self.assertEqual(read_to_the_end(peer), (5, 0))

    def test_close_with_unread_data_is_a_reset_and_what_has_arrived_can_be_read(self):
        ours, peer = self.pair()
        ours.sendall(b"reply")
        peer.sendall(b"words")
        poll(ours, IN)
        ours.close()
        self.assertTrue(poll(peer, 0) & ERR)
        self.assertEqual(peer.recv(100), b"reply")
        self.assert_fails(errno.ECONNRESET, peer.recv, 100)
        self.assertEqual(peer.recv(100), b"")

    def test_close_with_unread_data_loses_what_is_on_its_way(self):
        ours, peer = self.pair()
        peer.sendall(b"!")
        poll(ours, IN)
        accepted = fill(ours)
        ours.close()
        received, end = read_to_the_end(peer)
        self.assertEqual(end, errno.ECONNRESET)
        self.assertLess(received, accepted)

    def test_half_close_ends_one_direction(self):
        ours, peer = self.pair()
        ours.sendall(b"question")
        ours.shutdown(socket.SHUT_WR)
        self.assertEqual(read_to_the_end(peer), (8, 0))
        peer.sendall(b"answer")
        peer.close()
        self.assertEqual(read_to_the_end(ours), (6, 0))
        self.assert_fails(errno.EPIPE, ours.send, b"more")

    def test_linger_zero_throws_the_send_queue_away(self):
        ours, peer = self.pair()
        accepted = fill(ours)
        reset(ours)
        received, end = read_to_the_end(peer)
        self.assertEqual(end, errno.ECONNRESET)
        self.assertLess(received, accepted)

    def test_linger_zero_resets_with_nothing_to_send(self):
        ours, peer = self.pair()
        reset(ours)
        self.assertEqual(read_to_the_end(peer), (0, errno.ECONNRESET))

    def test_after_the_end_the_first_send_succeeds_and_the_others_get_epipe(self):
        ours, peer = self.pair()
        peer.close()
        self.assertEqual(ours.recv(1), b"")
        self.assertEqual(ours.send(b"hello"), 5)
        poll(ours, 0)
        self.assert_fails(errno.EPIPE, ours.send, b"hello")
        self.assert_fails(errno.EPIPE, ours.send, b"hello")

    def test_after_a_reset_the_first_send_gets_econnreset_and_the_others_epipe(self):
        ours, peer = self.pair()
        reset(peer)
        poll(ours, 0)
        self.assert_fails(errno.ECONNRESET, ours.send, b"hello")
        self.assert_fails(errno.EPIPE, ours.send, b"hello")
        self.assert_fails(errno.EPIPE, ours.send, b"hello")

    def test_sigpipe_ends_a_program_that_says_nothing_about_it(self):
        program = (
            "import signal, socket; signal.signal(signal.SIGPIPE, signal.SIG_DFL); "
            "listener = socket.create_server(('127.0.0.1', 0)); "
            "end = socket.create_connection(listener.getsockname()); "
            "end.shutdown(socket.SHUT_WR); end.send(b'!'{})"
        )
        for flags, expected in (("", -signal.SIGPIPE), (", socket.MSG_NOSIGNAL", 1)):
            ended = subprocess.run(
                [sys.executable, "-c", program.format(flags)], capture_output=True, check=False
            )
            self.assertEqual(ended.returncode, expected, ended.stderr)
        self.assertIn(b"BrokenPipeError", ended.stderr)


class PollMasks(Sockets):
    def test_live_connections(self):
        ours, peer = self.pair()
        self.assertEqual(poll(ours), OUT)
        peer.sendall(b"hello")
        self.assertEqual(poll(ours, IN), IN | OUT)
        fill(peer)
        self.assertEqual(poll(peer), 0)

    def test_end_of_the_peer(self):
        ours, peer = self.pair()
        peer.close()
        self.assertEqual(poll(ours, RDHUP), IN | OUT | RDHUP)

    def test_both_directions_shut(self):
        ours, peer = self.pair()
        ours.shutdown(socket.SHUT_WR)
        self.assertEqual(poll(ours), OUT)
        self.assertEqual(poll(peer, RDHUP), IN | OUT | RDHUP)
        peer.shutdown(socket.SHUT_WR)
        self.assertEqual(poll(ours, RDHUP), IN | OUT | HUP | RDHUP)

    def test_reset(self):
        ours, peer = self.pair()
        peer.sendall(b"hello")
        reset(peer)
        self.assertEqual(poll(ours, 0), IN | OUT | ERR | HUP | RDHUP)
        self.assertEqual(ours.recv(100), b"hello")
        self.assertEqual(poll(ours), IN | OUT | ERR | HUP | RDHUP)
        self.assert_fails(errno.ECONNRESET, ours.recv, 100)
        self.assertEqual(poll(ours), IN | OUT | HUP | RDHUP)

    def test_not_connected(self):
        with socket.socket() as fresh, conversation.listen() as listener:
            self.assertEqual(poll(fresh), OUT | HUP)
            self.assertEqual(poll(listener), 0)
            with conversation.connect(listener.getsockname()):
                self.assertEqual(poll(listener, IN), IN)
            address = listener.getsockname()
            listener.close()
            fresh.setblocking(False)
            fresh.connect_ex(address)
            self.assertEqual(poll(fresh, 0), IN | OUT | ERR | HUP | RDHUP)


def kernel_range(name):
    return [int(word) for word in Path(f"/proc/sys/net/ipv4/{name}").read_text(encoding="utf-8").split()]


class BufferSizes(Sockets):
    def test_before_connect_they_are_the_kernels_first_figures(self):
        with socket.socket() as fresh:
            self.assertEqual(size(fresh, socket.SO_SNDBUF), kernel_range("tcp_wmem")[1])
            self.assertEqual(size(fresh, socket.SO_RCVBUF), kernel_range("tcp_rmem")[1])

    def test_connecting_enlarges_the_send_buffer(self):
        ours, _ = self.pair()
        _, first, largest = kernel_range("tcp_wmem")
        self.assertTrue(first < size(ours, socket.SO_SNDBUF) <= largest, size(ours, socket.SO_SNDBUF))
        _, first, largest = kernel_range("tcp_rmem")
        self.assertTrue(first <= size(ours, socket.SO_RCVBUF) <= largest, size(ours, socket.SO_RCVBUF))

    def test_what_is_set_comes_back_doubled(self):
        with socket.socket() as fresh:
            for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                for asked in (8192, 16384, 65536):
                    self.assertEqual(set_size(fresh, option, asked), 2 * asked)

    def test_what_is_set_is_not_changed_by_the_kernel_and_bounds_what_is_absorbed(self):
        with conversation.listen() as listener, socket.socket() as peer:
            for end in (listener, peer):
                for option in (socket.SO_SNDBUF, socket.SO_RCVBUF):
                    set_size(end, option, 16384)
            peer.connect(listener.getsockname())
            ours, _ = listener.accept()
            with ours:
                absorbed = fill(ours)
                self.assertEqual([size(ours, socket.SO_SNDBUF), size(peer, socket.SO_RCVBUF)], [32768, 32768])
        self.assertLess(absorbed, fill(self.pair()[0]))

    def test_there_is_a_least_size(self):
        with socket.socket() as fresh:
            self.assertGreaterEqual(set_size(fresh, socket.SO_SNDBUF, 1), 2048)
            self.assertGreaterEqual(set_size(fresh, socket.SO_RCVBUF, 1), 256)

    def test_there_is_a_largest_size(self):
        for option, name in ((socket.SO_SNDBUF, "wmem_max"), (socket.SO_RCVBUF, "rmem_max")):
            path = Path("/proc/sys/net/core") / name
            if not path.exists():
                self.skipTest(f"{path} can't be seen in this network namespace")
            with socket.socket() as fresh:
                self.assertEqual(
                    set_size(fresh, option, 1_000_000_000), 2 * int(path.read_text(encoding="utf-8"))
                )


def figure(ended, name):
    """The number behind `NAME →`."""
    (found,) = re.findall(rf"^  {re.escape(name)} → (\d+)", ended.text, re.MULTILINE)
    return int(found)


class Programs(unittest.TestCase):
    """Each program finds everything as described, and leaves nothing behind."""

    def shown(self, name, *options):
        ended = run(BIN / name, *options, seconds=60)
        self.assertEqual((ended.code, ended.err, ended.left), (0, [], []), ended.text)
        self.assertNotIn("NOT as described", ended.text)
        self.assertGreater(ended.text.count("as described"), 1)
        return ended

    def test_close_unsent(self):
        ended = self.shown("close-unsent")
        self.assertEqual(
            figure(ended, "bytes that send has accepted"), figure(ended, "bytes that the peer has received")
        )

    def test_close_unread(self):
        ended = self.shown("close-unread")
        self.assertGreater(
            figure(ended, "bytes that send has accepted"), figure(ended, "bytes that the peer has received")
        )
        self.assertIn("  the peer's recv → ECONNRESET (Connection reset by peer)", ended.out)

    def test_half_close(self):
        self.assertIn("  our send → EPIPE (Broken pipe)", self.shown("half-close").out)

    def test_linger_zero(self):
        ended = self.shown("linger-zero")
        self.assertGreater(
            figure(ended, "bytes that send has accepted"), figure(ended, "bytes that the peer has received")
        )

    def test_send_after_end(self):
        answers = [
            line.split(" → ")[1] for line in self.shown("send-after-end").out if "send 5 bytes" in line
        ]
        reset_by_peer, broken = "ECONNRESET (Connection reset by peer)", "EPIPE (Broken pipe)"
        self.assertEqual(answers, ["5", broken, broken, reset_by_peer, broken])

    def test_poll_masks(self):
        self.assertEqual(len(self.shown("poll-masks").out), 15)

    def test_buffer_sizes(self):
        ended = self.shown("buffer-sizes")
        self.assertIn(f"  tcp_wmem → {' '.join(map(str, kernel_range('tcp_wmem')))}", ended.out)

    def test_select_returns(self):
        self.assertEqual(len(self.shown("select-returns").out), 10)

    def test_at_most_once_loses_messages(self):
        ended = self.shown("at-most-once")
        self.assertEqual(figure(ended, "sent, each with success"), 20000)
        self.assertGreater(figure(ended, "missing"), 0)
        self.assertEqual(figure(ended, "received") + figure(ended, "missing"), 20000)

    def test_exactly_once_loses_none(self):
        ended = self.shown("exactly-once")
        names = ("sent", "received", "missing", "breaks of the connection")
        self.assertEqual([figure(ended, name) for name in names], [20000, 20000, 0, 3])
        self.assertGreaterEqual(figure(ended, "resent"), figure(ended, "duplicates dropped"))
        self.assertGreater(figure(ended, "duplicates dropped"), 0)

    def test_a_full_disk_is_no_success(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            ended = run(BIN / "poll-masks", stdout=full)
        self.assertEqual(
            (ended.code, ended.err), (1, ["poll-masks: write to stdout: No space left on device"])
        )


if __name__ == "__main__":
    unittest.main()
