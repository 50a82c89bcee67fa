"""Lab 11: what the kernel does with the sizes of a connection's buffers, asserted here on sockets of Python's."""

import socket
import unittest
from pathlib import Path

from common.testing import conversation

from .ends import Sockets, fill, kernel_range, set_size, size


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


if __name__ == "__main__":
    unittest.main()
