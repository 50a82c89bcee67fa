"""The conversation of a test with the programs that it started: each step is noted, and a test that fails shows them.

Connections that come from `connect` or `listen` note what they send, receive and close; common/testing/processes.py notes
which programs start, are signalled and end, and what they say on stderr. As a plugin of pytest (see .pytest.ini) this module
appends the steps that led to a failure, what was expected, and each program's last words to the report of the test.
"""

import collections
import socket
import struct
import threading
import time
from collections.abc import Generator, Iterator
from typing import Any

import pytest

SHOWN_STEPS = 40
SHOWN_BYTES = 32
SHOWN_LINES = 10


def beginning(data: Any, size: int) -> str:
    """How many bytes, and how they begin: 5 bytes b'hello'."""
    many = "1 byte" if size == 1 else f"{size} bytes"
    return f"{many} {bytes(data[:min(size, SHOWN_BYTES)])!r}{'…' if size > SHOWN_BYTES else ''}"


class Conversation:
    """The steps of one test, in the order in which they happened."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.begin()

    def begin(self) -> None:
        """Forgets everything: the next test begins."""
        self.started = time.monotonic()
        self.steps: collections.deque[str] = collections.deque(maxlen=SHOWN_STEPS)
        self.count = 0
        self.connections = 0
        self.error: BaseException | None = None
        self.until_error: list[str] = []
        self.words: dict[str, list[str]] = {}
        self.repeated = ("", 0, 0)

    def note(self, who: str, what: str, size: int = 0, of: str = "") -> None:
        """Notes a step of `size` bytes. The same one again right afterwards is counted, not written down again."""
        with self.lock:
            step, times, total = f"{who}: {what}", 1, size
            if self.repeated[0] == step:
                times, total = self.repeated[1] + 1, self.repeated[2] + size
                self.steps.pop()
            else:
                self.count += 1
            self.repeated = (step, times, total)
            more = f" ({times} times{f', {total} bytes in all' if size else ''})" if times > 1 else ""
            self.steps.append(f"{time.monotonic() - self.started:8.3f} s  {step} {of}".rstrip() + more)

    def note_words(self, program: str, text: str) -> None:
        """Keeps all that a program has said on stderr."""
        with self.lock:
            self.words[program] = text.splitlines()

    def note_error(self, error: BaseException | None) -> None:
        """An exception leaves a `with` block: if it makes the test fail, what follows only clears away."""
        if error is not None and error is not self.error:
            self.error, self.until_error = error, list(self.steps)

    def lines(self, error: BaseException) -> Iterator[str]:
        """The conversation that led to this error, for a reader."""
        steps = self.until_error if error is self.error else self.steps
        if self.count > SHOWN_STEPS:
            yield f"earlier steps are left out: {self.count - SHOWN_STEPS}"
        yield from steps
        yield f"then: {'; '.join([f'{type(error).__name__}: {error}', *getattr(error, '__notes__', [])])}"
        for program, said in self.words.items():
            if said:
                yield f"{program} said on stderr, at last:"
                yield from (f"    {line}" for line in said[-SHOWN_LINES:])
        if not any(self.words.values()):
            yield "nothing was said on stderr"


CONVERSATION = Conversation()


class Connection(socket.socket):
    """A socket that notes what happens on it."""

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        CONVERSATION.connections += 1
        self.name = f"connection {CONVERSATION.connections}"

    def note(self, what: str, data: Any = b"", size: int = 0) -> None:
        """Notes a step of this connection; its first `size` bytes of `data` were sent or received."""
        CONVERSATION.note(self.name, what, size, beginning(data, size) if size else "")

    def connect(self, address: Any) -> None:
        try:
            super().connect(address)
        except OSError as error:
            self.note(f"connecting to {address[0]}:{address[1]} failed: {error}")
            raise
        self.note(f"connected to {address[0]}:{address[1]}")

    def accept(self) -> tuple["Connection", Any]:
        plain, address = super().accept()
        accepted = Connection(fileno=plain.detach())
        accepted.settimeout(socket.getdefaulttimeout())
        accepted.note(f"accepted from {address[0]}:{address[1]}")
        return accepted, address

    def send(self, data: Any, *flags: int) -> int:
        try:
            sent = super().send(data, *flags)
        except OSError as error:
            self.note(f"sent nothing: {type(error).__name__}")
            raise
        self.note("sent", data, sent)
        return sent

    def sendall(self, data: Any, *flags: int) -> None:
        try:
            super().sendall(data, *flags)
        except OSError as error:
            self.note(f"could not send all of {beginning(data, len(data))}: {type(error).__name__}")
            raise
        self.note("sent", data, len(data))

    def recv(self, size: int, *flags: int) -> bytes:
        try:
            data = super().recv(size, *flags)
        except OSError as error:
            self.note(f"received nothing: {type(error).__name__}")
            raise
        verb = "looked at" if flags and flags[0] & socket.MSG_PEEK else "received"
        if data:
            self.note(verb, data, len(data))
        else:
            self.note(f"{verb} the end")
        return data

    def shutdown(self, how: int) -> None:
        super().shutdown(how)
        self.note("ended its direction" if how == socket.SHUT_WR else "shut down")

    def close(self) -> None:
        if self.fileno() >= 0:
            self.note("closed")
        super().close()

    def __exit__(self, *raised: Any) -> None:
        CONVERSATION.note_error(raised[1])
        self.close()


def connect(address: tuple[str, int], timeout: float = 60) -> Connection:
    """A noted connection to (host, port); `timeout` seconds for this and each later call. The first address of the host
    that accepts is taken. Throws OSError."""
    failure = OSError(f"{address[0]} has no address")
    for family, kind, protocol, _, resolved in socket.getaddrinfo(*address, type=socket.SOCK_STREAM):
        connection = Connection(family, kind, protocol)
        connection.settimeout(timeout)
        try:
            connection.connect(resolved)
            return connection
        except OSError as error:
            connection.close()
            failure = error
    raise failure


def receive(connection: socket.socket, count: int) -> bytes:
    """So many bytes, or fewer if the stream ends before. (MSG_WAITALL doesn't wait on a socket with a timeout.) Throws
    OSError."""
    received = bytearray()
    while len(received) < count:
        try:
            piece = connection.recv(min(65536, count - len(received)))
        except OSError as error:
            error.add_note(f"{count} bytes were expected, {len(received)} came")
            raise
        if not piece:
            break
        received += piece
    return bytes(received)


def reset(connection: socket.socket) -> None:
    """Closes it in disorder: the peer gets a reset, and what was not delivered is thrown away."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    if isinstance(connection, Connection):
        connection.note("is closed by a reset")
    connection.close()


def listen() -> Connection:
    """A listener on a free port of 127.0.0.1, whose accepted connections are noted."""
    listener = Connection(socket.AF_INET, socket.SOCK_STREAM)
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    return listener


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup() -> None:
    """Each test has a conversation of its own."""
    CONVERSATION.begin()


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    """Appends the conversation to the report of a test that failed."""
    outcome = yield
    report = outcome.get_result()
    if report.failed and call.excinfo and CONVERSATION.count:
        lines = CONVERSATION.lines(call.excinfo.value)
        report.sections.append(("the conversation that led to it", "\n".join(lines)))
