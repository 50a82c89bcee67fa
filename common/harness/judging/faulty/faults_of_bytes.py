"""Faults in what comes back, and to whom. Each class changes one step of the right server."""

import socket
import sys

from common.harness.judging.faulty.event_loop import READ, WRITE, EchoServer


class FlipsAByte(EchoServer):
    """Stands for an off-by-one where two buffers meet: seen only far into a stream."""

    def receive(self, connection):
        at = 500_000 - connection.bytes_read
        super().receive(connection)
        if 0 <= at < len(connection.pending):
            connection.pending[at] ^= 1


class AnswersOnce(EchoServer):
    """Stands for a handler that reads once, answers, and is done: the first reply is the only one."""

    def receive(self, connection):
        super().receive(connection)
        if connection.reads > 1:
            connection.pending.clear()


class NeverAnswers(EchoServer):
    """Stands for the wrong program on the port: it takes everything and says nothing."""

    def receive(self, connection):
        super().receive(connection)
        connection.pending.clear()


class TranslatesLineEnds(EchoServer):
    """Stands for a stream that was opened as text: each line feed becomes two bytes."""

    def receive(self, connection):
        super().receive(connection)
        connection.pending = connection.pending.replace(b"\n", b"\r\n")


class AnswersLinesOnly(EchoServer):
    """Stands for a reader of lines between the socket and the echo: what has no line feed yet waits."""

    def receive(self, connection):
        connection.pending += connection.half_a_line
        super().receive(connection)
        whole = len(connection.pending) if connection.ended else connection.pending.rfind(b"\n") + 1
        connection.half_a_line = connection.pending[whole:]
        del connection.pending[whole:]


class LosesOneOfMany(EchoServer):
    """Stands for a table of clients with too little room. The other checks have under 60 clients, or 1100."""

    def receive(self, connection):
        super().receive(connection)
        if connection.reads == 2 and 60 < len(self.connections) < 75:
            self.close(connection)


class HoldsReplies(EchoServer):
    """Base of two faults: a reply waits until may_go(), by what the older connections have said: `fewest` is how
    often the one spoke that spoke least, `silent` whether there is one that never did."""

    def may_go(self, connection, fewest, silent):
        raise NotImplementedError

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


class SendsBlockingInTheEnd(SendsBlocking):
    """Stands for a queue of replies with a bound, behind which send waits. Whoever has a long queue is read from only in
    the turns of others: his connection stands still long before the server does."""

    long, full = 1 << 20, 4 << 20

    def serve(self, connection, events):
        super().serve(connection, events)
        for other in list(self.connections.values()):
            if other is not connection and len(other.pending) >= self.long:
                super().serve(other, READ | WRITE)

    def send(self, connection):
        send = SendsBlocking.send if len(connection.pending) >= self.full else EchoServer.send
        send(self, connection)

    def interest(self, connection):
        may_read = len(connection.pending) < self.long and not connection.ended
        return (READ if may_read else 0) | (WRITE if connection.pending else 0)


class BuffersWithoutBound(EchoServer):
    """Stands for a queue of replies that nobody measures: it reads on while replies wait to go out. (Here it ends at 32
    MiB, so that judging takes no longer than with the others.)"""

    def interest(self, connection):
        if connection.ended or not 0 < len(connection.pending) < 32 << 20:
            return super().interest(connection)
        return READ | WRITE


FAULTS = {
    "answers-in-the-order-of-connecting": AnswersInTheOrderOfConnecting,
    "answers-lines-only": AnswersLinesOnly,
    "answers-once": AnswersOnce,
    "buffers-without-bound": BuffersWithoutBound,
    "flips-a-byte": FlipsAByte,
    "loses-one-of-many": LosesOneOfMany,
    "never-answers": NeverAnswers,
    "sends-blocking": SendsBlocking,
    "sends-blocking-in-the-end": SendsBlockingInTheEnd,
    "translates-line-ends": TranslatesLineEnds,
    "waits-for-the-silent": WaitsForTheSilent,
}
