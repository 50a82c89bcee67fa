"""Faults when guests come and go, and at the end. Each class changes one step of the right room."""

import os
import socket
import struct
import sys

from common.harness.judging.faulty import faults_of_ends, faults_of_limits
from common.harness.judging.faulty_chat.chat_room import ChatRoom


class ForgetsWhoJoined(ChatRoom):
    """Stands for a room that tells of who leaves, and not of who comes."""

    def tell_who_joined(self, guest):
        pass


class ForgetsWhoWasReset(ChatRoom):
    """Stands for news that are told at the end of a stream only: who was reset stays in the others' lists."""

    def lose(self, connection, error):
        self.close(connection)
        if connection.inside:
            connection.inside = False
            self.guests.remove(connection)


class TellsTwiceWhoLeft(ChatRoom):
    """Stands for two places where a connection ends: an error is followed by the end of its stream."""

    def tell_who_left(self, guest):
        super().tell_who_left(guest)
        super().tell_who_left(guest)


class GivesNamesAgain(ChatRoom):
    """Stands for the lowest free number: who comes is taken for who has just left."""

    def next_number(self):
        taken = {guest.number for guest in self.guests}
        return next(number for number in range(1, len(taken) + 2) if number not in taken)


class PassesOverTheNext(ChatRoom):
    """Stands for a list from which is erased while a loop goes over it: who stands behind the lost one hears
    nothing of this line."""

    def miss(self, guest):
        super().miss(guest)
        if guest.inside:
            guest.inside = False
            self.guests.remove(guest)
            guest.held = True

    def at_end(self, connection):
        self.come_back(connection)
        super().at_end(connection)

    def lose(self, connection, error):
        self.come_back(connection)
        super().lose(connection, error)

    def come_back(self, guest):
        """So that the others hear of his end all the same: that would be another fault."""
        if guest.held:
            guest.inside = True
            self.guests.append(guest)


class DiesOfAReset(ChatRoom):
    """Stands for an exception of one connection that nobody catches."""

    def lose(self, connection, error):
        sys.exit(f"a connection was lost: {error}")


class DiesOfABrokenPipe(ChatRoom):
    """Stands for a send to somebody who is gone whose exception nobody catches: it was another who spoke."""

    def miss(self, guest):
        sys.exit(f"{guest.name.decode()} can't be told")


class DiesWithoutDescriptors(faults_of_limits.DiesWithoutDescriptors, ChatRoom):
    """Stands for an accept whose failure is taken for the end."""


class SpinsWithoutDescriptors(faults_of_limits.SpinsWithoutDescriptors, ChatRoom):
    """Stands for passing over an accept that failed: the client still waits, and is reported again and again."""


class NeverListensAgain(faults_of_limits.NeverListensAgain, ChatRoom):
    """Stands for a listener that is no longer watched after accept failed, and that nobody watches again."""


class LeaksADescriptor(ChatRoom):
    """Stands for a connection that is taken out of every table and never closed."""

    def __init__(self, port):
        super().__init__(port)
        self.kept = []

    def close(self, connection):
        self.kept.append(os.dup(connection.socket.fileno()))
        super().close(connection)


class ClosesWithTheQueueUnsent(ChatRoom):
    """Stands for a close as soon as the client says that it goes: what waited for it is thrown away."""

    def leave(self, guest):
        super().leave(guest)
        guest.pending.clear()


class ResetsAtQuit(ChatRoom):
    """Stands for a close with bytes unread, or SO_LINGER with 0 s: the end is no end but a reset."""

    def shut(self, guest):
        guest.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close(guest)


class NeverClosesAfterQuit(ChatRoom):
    """Stands for a guest who is taken out of the room, and whose connection nobody ends."""

    def shut(self, guest):
        guest.was_shut = True


class HearsOnBehindQuit(ChatRoom):
    """Stands for a loop over the lines of a read that doesn't look whether the guest is still there."""

    def hear(self, guest, data):
        before, quits, behind = data.partition(b"/quit\n")
        super().hear(guest, before)
        if quits:
            for line in behind.split(b"\n")[:-1]:
                self.pass_on(guest, line)
            super().hear(guest, quits)


class EndsWithAnError(faults_of_ends.EndsWithAnError, ChatRoom):
    """Stands for an end that a supervisor takes for a crash."""


class IgnoresSigint(faults_of_ends.IgnoresSigint, ChatRoom):
    """Stands for a program that ends at one of the two signals only."""


class WaitsForItsGuests(faults_of_ends.WaitsForItsClients, ChatRoom):
    """Stands for an orderly shutdown without a time limit: it ends when the last guest has left."""


FAULTS = {
    "closes-with-the-queue-unsent": ClosesWithTheQueueUnsent,
    "dies-of-a-broken-pipe": DiesOfABrokenPipe,
    "dies-of-a-reset": DiesOfAReset,
    "dies-without-descriptors": DiesWithoutDescriptors,
    "ends-with-an-error": EndsWithAnError,
    "forgets-who-joined": ForgetsWhoJoined,
    "forgets-who-was-reset": ForgetsWhoWasReset,
    "gives-names-again": GivesNamesAgain,
    "hears-on-behind-quit": HearsOnBehindQuit,
    "ignores-sigint": IgnoresSigint,
    "leaks-a-descriptor": LeaksADescriptor,
    "never-closes-after-quit": NeverClosesAfterQuit,
    "never-listens-again": NeverListensAgain,
    "passes-over-the-next": PassesOverTheNext,
    "resets-at-quit": ResetsAtQuit,
    "spins-without-descriptors": SpinsWithoutDescriptors,
    "tells-twice-who-left": TellsTwiceWhoLeft,
    "waits-for-its-guests": WaitsForItsGuests,
}
