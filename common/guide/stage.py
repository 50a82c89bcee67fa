"""Runs a handout's blocks: one loop waits for the commands, the servers, the signals and the reader's keys."""

import os
import re
import selectors
import shutil
import signal
import time
from collections import deque
from dataclasses import dataclass

from .steps import port_variable
from .outcome import BlockFailure, Leave, Result
from .processes import Command

ANNOUNCE_SECONDS = 5.0
SETTLE_SECONDS = 0.05
READ_AHEAD_SECONDS = 0.05
KEPT_LINES = 100_000

_ANNOUNCEMENT = re.compile(r"listening on (\S+):(\d+)\s*")


@dataclass
class _Server:
    block: object
    command: Command
    port: str = ""
    ended: bool = False


class Stage:
    """The processes of one lab. Use it with `with`: nothing outlives the block.

    `emit(source, line)` gets every line of output in order of time; source is a server's name, or None for the block.
    """

    def __init__(self, handout, root, emit):
        self.handout = handout
        self.root = root
        self._emit = emit
        self._lines = deque()  # (source, line): read, but not drawn yet
        self._drawing = False
        self.interrupted = False
        self.unexpected_ends = []  # (block, what happened) of servers that ended by themselves
        self.servers = {}
        self._selector = selectors.DefaultSelector()
        self._wake_read, self._wake_write = os.pipe()
        self._handlers = {}

    def __enter__(self):
        os.set_blocking(self._wake_read, False)
        os.set_blocking(self._wake_write, False)
        # Signals become bytes in a pipe: one more descriptor for the loop, and no race between testing and waiting.
        signal.set_wakeup_fd(self._wake_write, warn_on_full_buffer=False)
        numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGCHLD)
        self._handlers = {number: signal.signal(number, lambda *_: None) for number in numbers}
        self._selector.register(self._wake_read, selectors.EVENT_READ, self._take_signals)
        return self

    def __exit__(self, *_):
        for server in self.servers.values():
            server.command.stop()
        self.servers.clear()
        signal.set_wakeup_fd(-1)
        for number, handler in self._handlers.items():
            signal.signal(number, handler)
        self._selector.close()
        os.close(self._wake_read)
        os.close(self._wake_write)

    def _take_signals(self):
        for number in os.read(self._wake_read, 4096):
            if number == signal.SIGINT:
                self.interrupted = True
            elif number in (signal.SIGTERM, signal.SIGHUP):
                raise Leave(number)
            elif number == signal.SIGCHLD:
                self._notice_ends()

    def pump(self, seconds=None):
        """Waits once, at most `seconds`, and passes on what has arrived. True when something had.

        Reads on while there are lines and draws them afterwards: drawing is slow, and lines that pile up in two
        terminals meanwhile would lose their order.
        """
        events = self._selector.select(seconds)
        arrived = bool(events)
        deadline = time.monotonic() + READ_AHEAD_SECONDS
        while events:
            known = len(self._lines)
            for key, _ in events:
                # An earlier event of this batch may have closed what a later one names.
                if self._selector.get_map().get(key.fd) is key:
                    key.data()
            more = len(self._lines) > known and time.monotonic() < deadline
            events = self._selector.select(0) if more else []
        self._draw()
        return arrived

    def _draw(self):
        # Who draws a line may wait for a key, and pump meanwhile: what arrives then waits for its turn.
        if self._drawing:
            return
        self._drawing = True
        try:
            while self._lines:
                self._emit(*self._lines.popleft())
        finally:
            self._drawing = False

    def drop_output(self):
        """What was read and not drawn yet won't be."""
        self._lines.clear()

    def wait_readable(self, descriptor, seconds=None):
        """Waits until the descriptor can be read (a key!), at most `seconds`; meanwhile the servers' output goes on.

        False when the time has passed. Ctrl-C raises KeyboardInterrupt.
        """
        ready = []
        end = None if seconds is None else time.monotonic() + seconds
        self._selector.register(descriptor, selectors.EVENT_READ, lambda: ready.append(True))
        try:
            while not ready:
                if self.interrupted:
                    self.interrupted = False
                    raise KeyboardInterrupt
                left = None if end is None else end - time.monotonic()
                if left is not None and left <= 0:
                    return False
                self.pump(left)
            return True
        finally:
            self._selector.unregister(descriptor)

    # Blocks

    def unmet(self, block):
        """The tools that the block (or a server that it uses) needs and this machine hasn't."""
        blocks = [block, *self.servers_used(block)]
        return [tool for each in blocks for tool in each.needs if not shutil.which(tool)]

    def run(self, block, timeout=None, on_long=None):
        """Runs a block to its end and returns its Result; a server block only until the server can be reached.

        Servers that the block uses and that don't run (the reader skipped or resumed past them) are started first.
        `on_long` is called once when the block has run for three seconds. Ctrl-C ends the command (result.interrupted); it
        raises KeyboardInterrupt when it hits the start of a server.
        """
        self.interrupted = False
        for server in self.servers_used(block):
            if not self._running(server.server):
                self._start(server)
        if block.server:
            return self._start(block)
        lines = deque(maxlen=KEPT_LINES)
        command = Command(block.command, self.root, self._variables())

        def read():
            for line in command.read_lines():
                lines.append(line)
                self._lines.append((None, line))
            if not command.open:
                self._selector.unregister(command.output)

        self._selector.register(command.output, selectors.EVENT_READ, read)
        try:
            result = self._until_end(command, timeout, on_long)
            command.send(signal.SIGKILL)  # what the block left in the background ends with it
            deadline = time.monotonic() + 1
            while command.open and time.monotonic() < deadline:
                self.pump(0.1)
        finally:
            if command.open:
                self._selector.unregister(command.output)
            command.stop(0)
        # A server may still have something to say about the client that has just gone.
        deadline = time.monotonic() + 10 * SETTLE_SECONDS
        while self.servers and time.monotonic() < deadline and self.pump(SETTLE_SECONDS):
            pass
        result.interrupted = result.interrupted or self.interrupted
        self.interrupted = False
        result.lines = list(lines)
        return result

    def _until_end(self, command, timeout, on_long):
        start = time.monotonic()
        result = Result([], 0, 0)
        insist = None
        while command.exit_status() is None:
            now = time.monotonic()
            if self.interrupted:
                self.interrupted = False
                command.send(signal.SIGINT if not result.interrupted else signal.SIGKILL)
                result.interrupted = True
                insist = insist or now + 2
            if timeout and now >= start + timeout:
                result.timed_out = True
                command.send(signal.SIGKILL)
                timeout = None
            if insist and now >= insist:
                command.send(signal.SIGKILL)
                insist = None
            if on_long and now >= start + 3:
                on_long()
                on_long = None
            moments = [insist, start + timeout if timeout else None, start + 3 if on_long else None]
            moments = [moment for moment in moments if moment]
            self.pump(max(0, min(moments) - now) if moments else None)
        result.status = command.exit_status()
        result.seconds = time.monotonic() - start
        return result

    # Servers

    def servers_used(self, block):
        """The server blocks above `block` whose variables it mentions."""
        used = {}
        for other in self.handout.blocks:
            if other.line >= block.line:
                break
            stem = port_variable(other.server)[: -len("PORT")] if other.server else None
            if stem and re.search(r"\$\{?%s(PORT|PID)\b" % stem, block.command):
                used[other.server] = other
        return list(used.values())

    def _running(self, name):
        server = self.servers.get(name)
        return server and not server.ended and server.command.exit_status() is None

    def _variables(self):
        variables = {}
        for name, server in self.servers.items():
            variables[port_variable(name)] = server.port
            variables[port_variable(name)[: -len("PORT")] + "PID"] = str(server.command.main_pid())
        return variables

    def _start(self, block):
        old = self.servers.pop(block.server, None)
        if old:
            self._end(old)
        start = time.monotonic()
        server = _Server(block, Command(block.command, self.root, self._variables()))
        lines = []
        try:
            self._selector.register(
                server.command.output, selectors.EVENT_READ, lambda: self._server_output(server, lines)
            )
            self._await_announcement(server, lines, start + (block.timeout or ANNOUNCE_SECONDS))
        except BaseException:
            self._end(server)
            raise
        self.servers[block.server] = server
        self._notice_ends()
        self._draw()
        return Result(list(lines), 0, time.monotonic() - start)

    def _await_announcement(self, server, lines, deadline):
        name, line = server.block.server, server.block.line
        while not server.port:
            status = server.command.exit_status()
            if not server.command.open or status is not None:
                status = server.command.wait(1.0)  # its output closes a moment before it has ended
                while server.command.open and self.pump(0):
                    pass
                said = f"; it said: {lines[-1]}" if lines else ""
                ended = "closed its output" if status is None else f"ended at once with exit {status}"
                raise BlockFailure(line, f"the server {name} {ended}{said}")
            if self.interrupted:
                self.interrupted = False
                raise KeyboardInterrupt
            left = deadline - time.monotonic()
            if left <= 0:
                seconds = server.block.timeout or ANNOUNCE_SECONDS
                raise BlockFailure(
                    line, f"the server {name} didn't print `listening on HOST:PORT` within {seconds:g} s"
                )
            self.pump(left)

    def _server_output(self, server, lines):
        for line in server.command.read_lines():
            if not server.port:
                lines.append(line)
                announced = _ANNOUNCEMENT.fullmatch(line)
                server.port = announced[2] if announced else ""
            self._lines.append((server.block.server, line))
        if not server.command.open:
            self._selector.unregister(server.command.output)

    def _notice_ends(self):
        for server in self.servers.values():
            status = server.command.exit_status()
            if server.ended or status is None:
                continue
            server.ended = True
            if server.command.open:
                self._server_output(server, [])  # its last words first
            what = (
                f"killed by {signal.Signals(status - 128).name}" if 128 < status < 160 else f"exit {status}"
            )
            self._lines.append((server.block.server, f"(the server ended: {what})"))
            if not server.block.may_end:
                self.unexpected_ends.append((server.block, what))

    def _end(self, server):
        if server.command.open:
            try:
                self._selector.unregister(server.command.output)
            except KeyError:
                pass
        server.command.stop()
