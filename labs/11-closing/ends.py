"""Both ends of connections, for the tests of lab 11: filling, reading, resetting and asking them."""

import array
import contextlib
import errno
import fcntl
import select
import socket
import struct
import unittest
from pathlib import Path

from common.testing import conversation

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


def kernel_range(name):
    return [int(word) for word in Path(f"/proc/sys/net/ipv4/{name}").read_text(encoding="utf-8").split()]
