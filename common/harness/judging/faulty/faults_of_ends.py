"""Faults when a client leaves, when a signal comes, and at the end. Each class changes one step of the right server."""

import errno
import fcntl
import os
import signal
import socket
import struct
import sys
import termios
import time

from common.harness.judging.faulty.event_loop import EchoServer


class TakesHalfCloseForGone(EchoServer):
    """Stands for taking the end of a client's stream for the end of the client, and throwing away what was to be
    sent: by a reset here, so that timing doesn't decide how much that is."""

    def at_end(self, connection):
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close(connection)


class ResetsAtTheEnd(EchoServer):
    """Stands for SO_LINGER with 0 s, or a close with bytes unread: all was sent and taken, then comes a reset."""

    def close(self, connection):
        if connection.ended and not connection.pending:
            while fcntl.ioctl(connection.socket, termios.TIOCOUTQ, b"\0" * 4) != b"\0" * 4:
                if connection.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                    break
                time.sleep(0.001)  # a reset must not cost bytes: that would be another fault
            connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        super().close(connection)


class DiesOfAReset(EchoServer):
    """Stands for an exception of one connection that nobody catches."""

    def lose(self, connection, error):
        sys.exit(f"a connection was lost: {error}")


class DiesOfABrokenPipe(EchoServer):
    """Stands for expecting ConnectionResetError and nothing else: BrokenPipeError ends it."""

    def lose(self, connection, error):
        if error.errno == errno.EPIPE:
            sys.exit(f"nobody catches this one: {error}")
        super().lose(connection, error)


class AsksForThePeersName(EchoServer):
    """Stands for a log line with the client's address: getpeername fails for one that was reset before accept."""

    def admit(self, client):
        client.getpeername()
        super().admit(client)


class LosesWhatItHeldAtAContinue(EchoServer):
    """Stands for a program that begins anew when it is continued: what waited to go out is forgotten."""

    def end_on_signal(self):
        super().end_on_signal()
        signal.signal(signal.SIGCONT, lambda *_: self.forget())

    def forget(self):
        for connection in list(self.connections.values()):
            connection.pending.clear()
            self.watch(connection)


class EndsWhenTheTerminalChanges(EchoServer):
    """Stands for a handler of a harmless signal that ends the program."""

    exit_codes = {**EchoServer.exit_codes, signal.SIGWINCH: 1}


class EndsWithAnError(EchoServer):
    """Stands for an end that a supervisor takes for a crash."""

    exit_codes = {signal.SIGTERM: 3, signal.SIGINT: 0}


class IgnoresSigint(EchoServer):
    """Stands for a program that ends at one of the two signals only: as in a shell's background, or PID 1."""

    def end_on_signal(self):
        super().end_on_signal()
        signal.signal(signal.SIGINT, signal.SIG_IGN)


class WaitsForItsClients(EchoServer):
    """Stands for an orderly shutdown without a time limit: it ends when the last client has left."""

    ending = False

    def end(self, code):
        self.ending = True
        self.selector.unregister(self.listener)
        self.listener.close()

    def wait(self):
        if self.ending and not self.connections:
            os._exit(0)
        return super().wait()


class LeavesAProcess(EchoServer):
    """Stands for a helper process that nobody ends: it has the listener too, so the port stays taken."""

    def announce(self):
        if os.fork() == 0:
            os.setsid()
            for number in self.exit_codes:
                signal.signal(number, signal.SIG_IGN)
            while True:
                time.sleep(3600)
        super().announce()


class EndsAfterItsFirstClient(EchoServer):
    """Stands for `nc -l`: one accept, one conversation, the end."""

    def close(self, connection):
        super().close(connection)
        os._exit(0)


FAULTS = {
    "asks-for-the-peers-name": AsksForThePeersName,
    "dies-of-a-broken-pipe": DiesOfABrokenPipe,
    "dies-of-a-reset": DiesOfAReset,
    "ends-after-its-first-client": EndsAfterItsFirstClient,
    "ends-when-the-terminal-changes": EndsWhenTheTerminalChanges,
    "ends-with-an-error": EndsWithAnError,
    "ignores-sigint": IgnoresSigint,
    "leaves-a-process": LeavesAProcess,
    "loses-what-it-held-at-a-continue": LosesWhatItHeldAtAContinue,
    "resets-at-the-end": ResetsAtTheEnd,
    "takes-half-close-for-gone": TakesHalfCloseForGone,
    "waits-for-its-clients": WaitsForItsClients,
}
