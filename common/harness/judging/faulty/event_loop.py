"""The right server of faulty_server.py: one thread, one selector, a method a step of the server contract.

A connection waits for reading or for writing, never both. Every fault is a class that changes one step.
"""

import errno
import os
import selectors
import signal
import socket

READ, WRITE = selectors.EVENT_READ, selectors.EVENT_WRITE


class Connection:
    """One client, and what it is still owed."""

    def __init__(self, client):
        self.socket = client
        self.pending = bytearray()  # received, not yet sent back
        self.watched = 0  # the events that the selector watches it for
        self.ended = False  # the client has ended its direction
        self.held = False  # see HoldsReplies
        self.half_a_line = bytearray()  # see AnswersLinesOnly
        self.reads = 0
        self.bytes_read = 0


class EchoServer:
    """The right server. A connection waits for reading or for writing, never both."""

    exit_codes = {signal.SIGTERM: 0, signal.SIGINT: 0}

    def __init__(self, port):
        self.selector = selectors.EpollSelector()  # not select: it ends at 1024 descriptors
        self.end_on_signal()
        self.listener = self.listen(port)
        self.listener.setblocking(False)
        self.selector.register(self.listener, READ)
        self.connections = {}  # by descriptor, the oldest first
        self.spare = os.open(os.devnull, os.O_RDONLY)

    def listen(self, port):
        return socket.create_server(("127.0.0.1", port), backlog=socket.SOMAXCONN)

    def end_on_signal(self):
        # Without a descriptor that ends the wait, a signal that comes just before it is seen only after it.
        self.waked, self.waker = socket.socketpair()
        self.waker.setblocking(False)
        signal.set_wakeup_fd(self.waker.fileno())
        self.selector.register(self.waked, READ)
        for number, code in self.exit_codes.items():
            signal.signal(number, lambda *_, code=code: self.end(code))

    def end(self, code):
        os._exit(code)

    def run(self):
        self.announce()
        while True:
            for key, events in self.wait():
                if key.fileobj is self.listener:
                    self.accept_waiting()
                elif key.data is not None:
                    self.serve(key.data, events)

    def announce(self):
        print("listening on %s:%d" % self.listener.getsockname(), flush=True)

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
