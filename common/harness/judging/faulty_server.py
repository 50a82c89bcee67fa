"""An echo server that keeps the server contract, and breaks it in one chosen way when asked to.

Run:       build/bin/harness check -- python3 common/harness/judging/faulty_server.py --port {port} --fault serves-many
Look for:  no to serves-many, yes to everything else.

The negative control of `harness check`: a check that never says no proves nothing. One thread, one selector;
every fault is a small class below that changes one step of the right server.
"""

import argparse
import errno
import os
import selectors
import signal
import socket
import struct
import sys
import time

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Connection:
    """One client, and what it is still owed."""

    def __init__(self, client):
        self.socket = client
        self.pending = bytearray()  # received, not yet sent back
        self.watched = 0  # the events that the selector watches it for
        self.ended = False  # the client has ended its direction
        self.held = False  # see HoldsReplies
        self.reads = 0
        self.bytes_read = 0


class EchoServer:
    """The right server. A connection waits for reading or for writing, never both."""

    exit_codes = {signal.SIGTERM: 0, signal.SIGINT: 0}

    def __init__(self, port):
        self.selector = selectors.EpollSelector()  # not select: it ends at 1024 descriptors
        self.end_on_signal()
        self.listener = socket.create_server(("127.0.0.1", port), backlog=socket.SOMAXCONN)
        self.listener.setblocking(False)
        self.selector.register(self.listener, READ)
        self.connections = {}  # by descriptor, the oldest first
        self.spare = os.open(os.devnull, os.O_RDONLY)

    def end_on_signal(self):
        # Without a descriptor that ends the wait, a signal that comes just before it is seen only after it.
        self.waked, self.waker = socket.socketpair()
        self.waker.setblocking(False)
        signal.set_wakeup_fd(self.waker.fileno())
        self.selector.register(self.waked, READ)
        for number, code in self.exit_codes.items():
            signal.signal(number, lambda *_, code=code: os._exit(code))

    def run(self):
        print("listening on %s:%d" % self.listener.getsockname(), flush=True)
        while True:
            for key, events in self.wait():
                if key.fileobj is self.listener:
                    self.accept_waiting()
                elif key.data is not None:
                    self.serve(key.data, events)

    def wait(self):
        return self.selector.select()

    def accept_waiting(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError as error:  # EAGAIN, mostly: nobody waits any more
                if error.errno != errno.EMFILE or not self.refuse_one():
                    return
            else:
                self.admit(client)

    def refuse_one(self):
        """Out of descriptors, the spare one takes a client that waits, to close it: else the selector would report
        it again and again. False if none waits."""
        os.close(self.spare)
        try:
            self.listener.accept()[0].close()
            return True
        except BlockingIOError:
            return False
        finally:
            self.spare = os.open(os.devnull, os.O_RDONLY)

    def admit(self, client):
        client.setblocking(False)
        client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection = self.connections[client.fileno()] = Connection(client)
        self.watch(connection)

    def serve(self, connection, events):
        """One turn of a connection that is ready."""
        try:
            if events & READ:
                self.receive(connection)
            if connection.pending:
                self.send(connection)
        except BlockingIOError:
            pass
        except OSError as error:
            self.lose(connection, error)
        if connection.ended and not connection.pending:
            self.close(connection)
        self.watch(connection)

    def receive(self, connection):
        data = connection.socket.recv(16 * 1024)
        if not data:
            return self.at_end(connection)
        connection.reads += 1
        connection.pending += data
        connection.bytes_read += len(data)

    def send(self, connection):
        del connection.pending[: connection.socket.send(connection.pending)]

    def at_end(self, connection):
        connection.ended = True

    def close(self, connection):
        if self.connections.pop(connection.socket.fileno(), None) and connection.watched:
            self.selector.unregister(connection.socket)
        connection.socket.close()

    def lose(self, connection, error):
        self.close(connection)

    def interest(self, connection):
        return WRITE if connection.pending else READ

    def watch(self, connection):
        if connection.socket.fileno() < 0:
            return
        before, connection.watched = connection.watched, self.interest(connection)
        if before and before != connection.watched:
            self.selector.unregister(connection.socket)
        if connection.watched and before != connection.watched:
            self.selector.register(connection.socket, connection.watched, connection)


class FlipsAByte(EchoServer):
    """Stands for an off-by-one where two buffers meet: seen only far into a stream."""

    def receive(self, connection):
        at = 500_000 - connection.bytes_read
        super().receive(connection)
        if 0 <= at < len(connection.pending):
            connection.pending[at] ^= 1


class LosesOneOfMany(EchoServer):
    """Stands for a table of clients with too little room. The other checks have under 60 clients, or 1100."""

    def receive(self, connection):
        super().receive(connection)
        if connection.reads == 2 and 60 < len(self.connections) < 75:
            self.close(connection)


class HoldsReplies(EchoServer):
    """Base of two faults: a reply waits until may_go(), by what the older connections have said: `fewest` is how
    often the one spoke that spoke least, `silent` whether there is one that never did."""

    def receive(self, connection):
        super().receive(connection)
        connection.held = not connection.ended  # until the next wait() has looked

    def send(self, connection):
        if not connection.held:
            super().send(connection)

    def interest(self, connection):
        return 0 if connection.held else super().interest(connection)

    def wait(self):
        fewest, silent = sys.maxsize, False
        for connection in list(self.connections.values()):
            if connection.held and self.may_go(connection, fewest, silent):
                connection.held = False
                self.serve(connection, WRITE)
            fewest = min(fewest, connection.reads or fewest)
            silent = silent or connection.reads == 0
        return super().wait()


class AnswersInTheOrderOfConnecting(HoldsReplies):
    """Stands for a blocking read from each client in turn (lab 03): whoever spoke out of turn waits."""

    def may_go(self, connection, fewest, silent):
        return connection.reads == 1 or fewest >= connection.reads


class WaitsForTheSilent(HoldsReplies):
    """Stands for a first read without a time limit, of a greeting say, in the thread that serves all."""

    def may_go(self, connection, fewest, silent):
        return not silent


class SendsBlocking(EchoServer):
    """Stands for a send that waits, in the thread that serves all."""

    def send(self, connection):
        connection.socket.setblocking(True)
        connection.socket.sendall(connection.pending)
        connection.socket.setblocking(False)
        connection.pending.clear()


class BuffersWithoutBound(EchoServer):
    """Stands for a queue of replies that nobody measures: it reads on while replies wait to go out."""

    def interest(self, connection):
        return READ | WRITE if connection.pending and not connection.ended else super().interest(connection)


class TakesHalfCloseForGone(EchoServer):
    """Stands for taking the end of a client's stream for the end of the client, and throwing away what was to be
    sent: by a reset here, so that timing doesn't decide how much that is."""

    def at_end(self, connection):
        connection.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close(connection)


class DiesOfAReset(EchoServer):
    """Stands for an exception of one connection that nobody catches."""

    def lose(self, connection, error):
        sys.exit(f"a connection was lost: {error}")


class DiesWithoutDescriptors(EchoServer):
    """Stands for an accept whose failure is taken for the end."""

    def refuse_one(self):
        sys.exit("accept: too many open files")


class StopsAtAThousand(EchoServer):
    """Stands for a limit that was set once, for a smaller world."""

    def admit(self, client):
        if len(self.connections) < 1000:
            super().admit(client)
        else:
            client.close()


class NeverRests(EchoServer):
    """Stands for a loop that looks again and again instead of waiting: a fifth of a core, all the time."""

    def wait(self):
        ready = self.selector.select(0.008)
        until = time.process_time() + 0.002
        while not ready and time.process_time() < until:
            pass
        return ready


class EndsWithAnError(EchoServer):
    """Stands for an end that a supervisor takes for a crash."""

    exit_codes = {signal.SIGTERM: 3, signal.SIGINT: 0}


class LeavesZombies(EchoServer):
    """Stands for a fork without a wait. Not for the first clients: the check of the end has 10, and must not find
    orphaned zombies, which it takes for children that still run."""

    def admit(self, client):
        super().admit(client)
        if 15 < len(self.connections) <= 20 and os.fork() == 0:
            os._exit(0)


FAULTS = {
    "echoes-exactly": FlipsAByte,
    "serves-many": LosesOneOfMany,
    "replies-out-of-order": AnswersInTheOrderOfConnecting,
    "silent-client-stops-no-one": WaitsForTheSilent,
    "slow-reader-stops-no-one": SendsBlocking,
    "slow-reader-memory-bounded": BuffersWithoutBound,
    "half-close-complete": TakesHalfCloseForGone,
    "survives-resets": DiesOfAReset,
    "survives-fd-exhaustion": DiesWithoutDescriptors,
    "more-than-1024": StopsAtAThousand,
    "idle-costs-no-cpu": NeverRests,
    "stops-cleanly": EndsWithAnError,
    "leaves-no-zombies": LeavesZombies,
}

if __name__ == "__main__":
    options = argparse.ArgumentParser(description="An echo server with one fault, or none.")
    options.add_argument("--port", type=int, default=0, help="0 takes a free one")
    options.add_argument("--fault", choices=sorted(FAULTS), help="the behaviour of 'harness check' to break")
    chosen = options.parse_args()
    FAULTS.get(chosen.fault, EchoServer)(chosen.port).run()
