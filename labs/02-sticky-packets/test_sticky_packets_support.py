"""What the tests of lab 02 share: pairs of programs, and an order of events that is certain.

A stopped server reads nothing, nor does it accept; its kernel goes on receiving. It goes on when all that was sent has
arrived.
"""

import contextlib
import os
import re
import select
import signal
from pathlib import Path

from common.testing.processes import BIN, Ended, Family, Server, finish, read_line, run, start, wait_until

HELLO = "Hello, server!"


def server_of(name, *options, **others):
    return Server(BIN / name, "--port", "0", *options, **others)


def client_of(name, server, *options, **others):
    """Runs a client to its end."""
    return run(BIN / name, "--port", server.port, *options, seconds=60, **others)


def stop(process):
    """Stops a process, and returns when it stands still."""
    process.send_signal(signal.SIGSTOP)
    _, status = os.waitpid(process.pid, os.WUNTRACED)
    assert os.WIFSTOPPED(status), f"it has ended: {status}"


def end_of(server):
    """How a server ends that is to end by itself."""
    return finish(server.process, server.family, 60)


def connections_to(port):
    """The server's ends of the connections to a port: (state, bytes in the receive buffer). Source: proc(5),
    /proc/net/tcp; state 01 is ESTABLISHED, after the peer's end of stream it is another."""
    text = Path("/proc/net/tcp").read_text(encoding="ascii")
    found = re.findall(rf"^ *\d+: \w+:{port:04X} \w+:\w+ (\w\w) \w+:(\w+)", text, re.MULTILINE)
    return [(state, int(unread, 16)) for state, unread in found if state != "0A"]  # which is the listener


def await_end_of_stream(port):
    """Waits until all that the client sent has arrived, and its end too."""
    assert wait_until(
        lambda: "01" not in [state for state, _ in connections_to(port)]
    ), "the stream has not ended"


@contextlib.contextmanager
def late_reader(name, *options):
    """A server that reads nothing, nor accepts, in the `with` block. It is set going when all that was sent there has
    arrived, with the end of the stream; how it ended is then in its `ended`."""
    with server_of(name, *options) as server:
        stop(server.process)
        yield server
        await_end_of_stream(server.port)
        server.process.send_signal(signal.SIGCONT)
        server.ended = end_of(server)


def late(server, client, family=None):
    """Runs a pair, each given as name and options; the server begins when the client has ended and all has arrived.
    Returns how both ended. With a `family`, it is the caller who looks for what is left."""
    mine = family or Family()
    started = [reader := start([BIN / server[0], "--port", "0", *server[1:]], mine)]
    try:
        port = int(read_line(reader.stdout).rpartition(":")[2])
        stop(reader)
        started.append(writer := start([BIN / client[0], "--port", port, *client[1:]], mine))
        out, err = writer.communicate(timeout=60)
        sent = Ended(writer.returncode, out, err, [])
        await_end_of_stream(port)
        reader.send_signal(signal.SIGCONT)
        out, err = reader.communicate(timeout=60)
        return Ended(reader.returncode, out, err, [] if family else mine.left()), sent
    finally:
        for process in started:
            process.kill()


@contextlib.contextmanager
def running(name, server, *options):
    """A client that runs as long as the `with` block."""
    family = Family()
    client = start([BIN / name, "--port", server.port, *options], family)
    try:
        yield client
    finally:
        client.kill()
        finish(client, family)


def read_until(stream, end, seconds=10):
    """What comes out of a pipe until it ends with `end`; what has come, if that takes too long."""
    text = b""
    while not text.endswith(end.encode()) and select.select([stream], [], [], seconds)[0]:
        if not (piece := os.read(stream.fileno(), 65536)):
            break
        text += piece
    return text.decode()


def byte_counts(lines, verb):
    return [int(re.match(rf"{verb} (\d+) bytes: ", line)[1]) for line in lines]
