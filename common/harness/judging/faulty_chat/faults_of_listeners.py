"""Faults in what becomes of lines for a listener who reads late. Each class changes one step of the right room."""

import select
import socket
import struct

from common.harness.judging.faulty_chat.chat_room import ChatRoom


class SendsOnce(ChatRoom):
    """Stands for one send a message, its result ignored: what the socket doesn't take is lost, in mid line."""

    def deliver(self, guest, line):
        try:
            guest.socket.send(line)
        except OSError:
            pass


class OverwritesTheOldest(ChatRoom):
    """Stands for a ring buffer of bytes: the newest are kept, and the place where it goes on lies anywhere."""

    def is_too_much(self, guest, line):
        return False

    def deliver(self, guest, line):
        super().deliver(guest, line)
        if len(guest.pending) > self.queue_bytes:
            del guest.pending[: len(guest.pending) - self.queue_bytes]


class CutsTheLineThatDoesNotFit(ChatRoom):
    """Stands for a copy of as much as there is room for, snprintf's way: the line ends where the buffer does."""

    def deliver(self, guest, line):
        if not guest.dropped and self.is_too_much(guest, line):
            room = self.queue_bytes - len(guest.pending) - 1
            if room > 0:
                guest.pending += line[:room] + b"\n"
                return
        super().deliver(guest, line)


class SendsBlocking(ChatRoom):
    """Stands for sockets that were left blocking: one send to one listener holds everybody up."""

    def deliver(self, guest, line):
        while line:
            select.select([], [guest.socket], [])
            try:
                line = line[guest.socket.send(line) :]
            except BlockingIOError:
                continue
            except OSError:
                return


class DropsForAll(ChatRoom):
    """Stands for one queue for the room: as long as one is slow, nobody hears anything."""

    def broadcast(self, speaker, line):
        if any(self.is_too_much(listener, line) for listener in self.guests):
            return
        super().broadcast(speaker, line)


class QueuesWithoutBound(ChatRoom):
    """Stands for write() without drain(): what a listener doesn't take is kept, however much it is."""

    def is_too_much(self, guest, line):
        return False


class DropsSilently(ChatRoom):
    """Stands for a bounded queue whose overflow nobody hears of."""

    def drop(self, guest):
        pass


class TellsOfOneLess(ChatRoom):
    """Stands for a count that begins with the second line that was dropped."""

    def deliver(self, guest, line):
        if guest.dropped > 1:
            guest.dropped -= 1
            super().deliver(guest, line)
            guest.dropped += 1 if guest.dropped else 0
        else:
            super().deliver(guest, line)


class TellsOnce(ChatRoom):
    """Stands for a warning that is given once a connection."""

    def deliver(self, guest, line):
        before = guest.dropped
        if guest.held:
            guest.dropped = 0
        super().deliver(guest, line)
        if before and not guest.dropped:
            guest.held = True


class CutsOffWithoutAWord(ChatRoom):
    """Stands for a connection that is closed at its queue's bound: the listener can't know why."""

    def drop(self, guest):
        guest.pending.clear()
        guest.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        guest.ended = True
        guest.socket.shutdown(socket.SHUT_RDWR)


FAULTS = {
    "cuts-off-without-a-word": CutsOffWithoutAWord,
    "cuts-the-line-that-does-not-fit": CutsTheLineThatDoesNotFit,
    "drops-for-all": DropsForAll,
    "drops-silently": DropsSilently,
    "overwrites-the-oldest": OverwritesTheOldest,
    "queues-without-bound": QueuesWithoutBound,
    "sends-blocking": SendsBlocking,
    "sends-once": SendsOnce,
    "tells-of-one-less": TellsOfOneLess,
    "tells-once": TellsOnce,
}
