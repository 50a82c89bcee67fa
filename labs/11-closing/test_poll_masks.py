"""Lab 11: what poll says of a connection in each of its states, asserted here on sockets of Python's."""

import errno
import socket
import unittest

from common.testing import conversation

from .ends import ERR, HUP, IN, OUT, RDHUP, Sockets, fill, poll, reset


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


if __name__ == "__main__":
    unittest.main()
