"""Lab 16's rooms as its tests visit them: guests who speak and hear, and a listener who doesn't read."""

import contextlib
import os
import re
import socket
from pathlib import Path

from common.testing.conversation import Connection, reset
from common.testing.processes import BIN, lab_server, run

IN_ONE_THREAD = ("chat-wait", "chat-forget", "chat-keep", "chat-drop", "chat-cut-off")
IO_URING = "chat-io-uring"
CUT_OFF = b"* cut off: you read too slowly"
DROPPED = re.compile(rb"\* (\d+) lines were dropped: you read too slowly")


def why_not_here(program):
    """Why the program can't be tested on this machine; empty if it can."""
    if not (BIN / program).exists():
        return "liburing.h is missing: chat-io-uring was not built" if program == IO_URING else ""
    return "io_uring is not allowed here" if program == IO_URING and run(BIN / program, "--help").code else ""


class Guest:
    """One connection to the room, line by line."""

    def __init__(self, server):
        self.connection = Connection()
        self.connection.settimeout(30)
        self.connection.connect((server.host, server.port))
        self.rest = b""

    def say(self, *lines):
        self.connection.sendall(b"".join(line + b"\n" for line in lines))

    def hears(self):
        """The next line; None at the end. Half a line before the end is an error."""
        while b"\n" not in self.rest:
            piece = self.connection.recv(65536)
            if not piece:
                assert not self.rest, f"the end in the middle of a line: {self.rest!r}"
                return None
            self.rest += piece
        line, _, self.rest = self.rest.partition(b"\n")
        return line

    def hears_lines(self, count):
        return [self.hears() for _ in range(count)]

    def hears_up_to(self, last):
        """All lines, up to this one and with it."""
        lines = []
        while not lines or lines[-1] not in (last, None):
            lines.append(self.hears())
        return lines

    def hears_to_the_end(self):
        return self.hears_up_to(None)[:-1]

    def gets_to_the_end(self):
        """All bytes that are left, whole lines or not."""
        received = bytearray(self.rest)
        while piece := self.connection.recv(65536):
            received += piece
        return bytes(received)

    def ends_his_direction(self):
        self.connection.shutdown(socket.SHUT_WR)

    def leaves(self):
        self.connection.close()

    def is_reset(self):
        reset(self.connection)


class Room:
    """A running program and those who are in its room, all greeted, and told of all who came after them."""

    def __init__(self, program, guests=0, options=(), **others):
        self.program, self.options, self.others = program, options, others
        self.first = guests
        self.guests = []
        self.came = 0
        self.stack = contextlib.ExitStack()

    def __enter__(self):
        with self.stack:
            self.server = self.stack.enter_context(
                lab_server(self.program, "--port", "0", *self.options, **self.others)
            )
            for _ in range(self.first):
                self.enter()
            self.stack = self.stack.pop_all()
        return self

    def __exit__(self, *raised):
        return self.stack.__exit__(*raised)

    def enter(self, told=None):
        """One more guest. Those of `told` hear of him, all the others if it isn't said."""
        guest = Guest(self.server)
        self.stack.callback(guest.leaves)
        self.came += 1
        name = f"guest{self.came}".encode()
        greeting = guest.hears()
        assert greeting == b"* you are " + name, greeting
        for other in self.guests if told is None else told:
            news = other.hears()
            assert news == b"* " + name + b" has joined", news
        self.guests.append(guest)
        return guest

    @property
    def pid(self):
        return self.server.process.pid

    def resident_bytes(self):
        pages = int(Path(f"/proc/{self.pid}/statm").read_text(encoding="ascii").split()[1])
        return pages * os.sysconf("SC_PAGESIZE")

    def descriptors(self):
        return len(os.listdir(f"/proc/{self.pid}/fd"))

    def is_waiting_in_send(self):
        """True if one of its threads stands in send. (Needs no privilege: the server is this process's child.)"""
        numbers = {"x86_64": "44", "aarch64": "206"}  # sendto, which send is on Linux
        for task in Path(f"/proc/{self.pid}/task").iterdir():
            if (task / "syscall").read_text(encoding="ascii").split()[0] == numbers[os.uname().machine]:
                return True
        return False


def most_in_send_buffer():
    """Bytes that a send buffer of this machine may grow to."""
    return int(Path("/proc/sys/net/ipv4/tcp_wmem").read_text(encoding="ascii").split()[2])


def numbered(number, size=1000):
    """What is said as line `number`: it shows if a byte of it is missing."""
    return f"{number:08d}".encode().ljust(size - 1, b".") + b"!"


def said(name, numbers):
    """How the others hear it."""
    return [name + b": " + numbered(number) for number in numbers]
