"""The right room of faulty_room.py: the loop of the right echo server, and a method a step of the rooms' contract.

What a listener's socket doesn't take waits, up to `queue_bytes`; a line for which there is no room is dropped, whole,
and he is told how many were. Every fault is a class that changes one step.
"""

import re
import socket

from common.harness.judging.faulty.event_loop import READ, WRITE, Connection, EchoServer

LONGEST = 1000
NAME = re.compile(rb"[A-Za-z0-9_-]{1,20}")
CONTROLS = re.compile(rb"[\x00-\x1f\x7f]|\xc2[\x80-\x9f]")


class Guest(Connection):
    """One client, and what waits for him (`pending`)."""

    def __init__(self, client, name):
        super().__init__(client)
        self.name = self.first_name = name
        self.part = bytearray()  # of a line, until its end comes
        self.too_long = False  # that line; the rest of it is thrown away
        self.dropped = 0  # lines since he was last told
        self.inside = False  # in the room: he may speak, and hears others
        self.was_shut = False  # our direction has ended
        self.number = 0


class ChatRoom(EchoServer):
    """The right room."""

    queue_bytes = 64 * 1024
    format = ""  # as --format takes it; the lab's own needs none
    # Its words; other_words.py has others.
    greeting = b"* you are %s"
    joined = b"* %s has joined"
    left = b"* %s has left"
    refused = b"* refused: %s"
    dropped = b"* %d lines were dropped: you read too slowly"
    quit_command = b"/quit"

    def __init__(self, port):
        super().__init__(port)
        self.guests = []  # those inside, the oldest first
        self.last_number = 0

    # ---- who comes and goes

    def admit(self, client):
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        number = self.next_number()
        guest = self.connections[client.fileno()] = Guest(client, b"guest%d" % number)
        guest.number = number
        guest.inside = True
        self.guests.append(guest)
        self.watch(guest)
        self.greet(guest)

    def framed(self, words):
        """A line as it is sent."""
        return words + b"\n"

    def message(self, guest, line):
        return b"%s: %s" % (guest.name, line)

    def next_number(self):
        self.last_number += 1
        return self.last_number

    def greet(self, guest):
        self.deliver(guest, self.framed(self.greeting % guest.name))
        self.tell_who_joined(guest)

    def tell_who_joined(self, guest):
        self.broadcast(guest, self.framed(self.joined % guest.name))

    def leave(self, guest):
        if guest.inside:
            guest.inside = False
            self.guests.remove(guest)
            self.tell_who_left(guest)

    def tell_who_left(self, guest):
        self.broadcast(guest, self.framed(self.left % guest.name))

    def at_end(self, connection):
        connection.ended = True
        self.leave(connection)

    def lose(self, connection, error):
        self.close(connection)
        self.leave(connection)

    # ---- what a guest says

    def receive(self, connection):
        data = connection.socket.recv(16 * 1024)
        if not data:
            return self.at_end(connection)
        self.hear(connection, data)

    def hear(self, guest, data):
        *ends, rest = data.split(b"\n")
        for end in ends:
            if not guest.inside:
                return  # what comes behind /quit counts for nothing
            self.add(guest, end)
            line, too_long = bytes(guest.part), guest.too_long
            guest.part.clear()
            guest.too_long = False
            self.take_line(guest, line, too_long)
        self.add(guest, rest)

    def add(self, guest, piece):
        if not guest.too_long:
            guest.part += piece
            if len(guest.part) > LONGEST + 1:  # a CR may be its last byte
                guest.too_long = True
                guest.part.clear()

    def take_line(self, guest, line, too_long):
        line = self.without_cr(line)
        if too_long or len(line) > LONGEST:
            self.refuse(guest, b"a line has at most 1000 bytes")
        elif self.has_controls(line):
            self.refuse(guest, b"control characters")
        elif line.startswith(b"/"):
            self.obey(guest, line)
        else:
            self.pass_on(guest, line)

    def without_cr(self, line):
        return line.removesuffix(b"\r")

    def has_controls(self, line):
        return CONTROLS.search(line)

    def pass_on(self, guest, line):
        self.broadcast(guest, self.framed(self.message(guest, line)))

    def refuse(self, guest, reason):
        self.deliver(guest, self.framed(self.refused % reason))

    def obey(self, guest, line):
        if line == self.quit_command:
            self.quit(guest)
        elif line.startswith(b"/nick "):
            self.rename(guest, line.removeprefix(b"/nick "))
        else:
            self.refuse(guest, b"the commands are /nick NAME and /quit")

    def quit(self, guest):
        self.leave(guest)

    def rename(self, guest, name):
        if not NAME.fullmatch(name):
            self.refuse(guest, b"a name has 1 to 20 letters, digits, _ or -")
        elif any(other.name == name for other in self.guests):
            self.refuse(guest, b"%s is taken" % name)
        else:
            self.deliver(guest, self.framed(self.greeting % name))
            self.broadcast(guest, self.framed(b"* %s is now %s" % (guest.name, name)))
            guest.name = name

    # ---- what a guest hears

    def broadcast(self, speaker, line):
        for listener in self.guests:
            if listener is not speaker:
                self.deliver(listener, line)

    def deliver(self, guest, line):
        if guest.dropped:
            line = self.framed(self.dropped % guest.dropped) + line
        if self.is_too_much(guest, line):
            return self.drop(guest)
        guest.dropped = 0
        was_empty = not guest.pending
        guest.pending += line
        if was_empty:
            self.flush(guest)

    def is_too_much(self, guest, line):
        return len(guest.pending) + len(line) > self.queue_bytes

    def drop(self, guest):
        guest.dropped += 1

    def flush(self, guest):
        """Sends what the socket takes."""
        try:
            self.send(guest)
        except BlockingIOError:
            pass
        except OSError:
            self.miss(guest)
        self.watch(guest)

    def miss(self, guest):
        """His connection is broken: his own turn tells of it."""
        guest.pending.clear()

    def serve(self, connection, events):
        super().serve(connection, events)
        gone = connection.ended or connection.inside or connection.was_shut
        if not gone and not connection.pending and connection.socket.fileno() >= 0:
            self.shut(connection)

    def shut(self, guest):
        """Ends our direction, and waits for his end: to close with bytes unread is a reset."""
        guest.was_shut = True
        try:
            guest.socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # it is broken, and the next turn says so

    def interest(self, connection):
        wanted = 0 if connection.ended else READ
        return wanted | (WRITE if connection.pending else 0)
