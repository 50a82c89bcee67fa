"""Lab 11: what the kernel does at the end of a connection, asserted here on sockets of Python's."""

import errno
import signal
import socket
import subprocess
import sys
import unittest

from .ends import ERR, IN, NOT_YET_SENT, Sockets, fill, poll, queued, read_to_the_end, reset


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


if __name__ == "__main__":
    unittest.main()
