"""The servers, and the clients of each: one that is silent for a while, and some that speak."""

import contextlib
import re
import select
import selectors
import socket
import subprocess
import time
from pathlib import Path
from typing import Optional

SILENT_SECONDS = 2.0
SECONDS = 3.0
PAUSE_SECONDS = 0.1  # between a reply and the next word
FRAME_SECONDS = 0.05
START_SECONDS = 5.0
WORD = b"hello\n"


class ServerFailed(Exception):
    """A server doesn't start, or has gone: which one, and how."""


class Client:
    """One client of one server. Its socket never blocks; `next_word` is when it speaks, in seconds from the start."""

    def __init__(self, name: str, port: int, first_word: float):
        self.name = name
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setblocking(False)
        self.next_word = first_word
        self.asked: Optional[float] = None  # while it waits for a reply: when it spoke
        self.replies = 0
        self.longest_wait = 0.0
        self._missing = 0  # bytes of the reply

    def speak(self, now: float) -> None:
        """Says a word if it is time to."""
        if self.asked is None and now >= self.next_word:
            self.socket.send(WORD)
            self.asked, self._missing = now, len(WORD)

    def hear(self, now: float) -> None:
        """Takes what has come. Throws ConnectionError when the server has gone."""
        came = self.socket.recv(4096)
        if not came:
            raise ConnectionError("the server has closed the connection")
        self._missing -= len(came)
        if self.asked is not None and self._missing <= 0:
            self.longest_wait = max(self.longest_wait, now - self.asked)
            self.replies += 1
            self.asked, self.next_word = None, now + PAUSE_SECONDS

    def waits(self, now: float) -> float:
        """For how many seconds it has been waiting for a reply; 0: it isn't."""
        return 0.0 if self.asked is None else now - self.asked


class Stage:
    """A server and its clients. A, the silent one, connects first."""

    def __init__(self, program: Path, started: contextlib.ExitStack):
        self.name = program.name
        self._process = started.enter_context(
            subprocess.Popen([program, "--port", "0"], stdout=subprocess.PIPE, text=True)
        )
        started.callback(self._process.kill)
        assert self._process.stdout is not None
        ready, _, _ = select.select([self._process.stdout], [], [], START_SECONDS)
        announced = re.match(r"listening on .*:(\d+)$", self._process.stdout.readline() if ready else "")
        if not announced:
            raise ServerFailed(f"{self.name} did not start")
        self.clients = []
        for name in "ABCD":
            first_word = SILENT_SECONDS if name == "A" else 0.0
            self.clients.append(Client(name, int(announced[1]), first_word))
            started.callback(self.clients[-1].socket.close)

    def longest_wait(self, now: float) -> float:
        """Of those that speak, in seconds; a wait that isn't over counts as long as it has lasted."""
        return max(max(client.longest_wait, client.waits(now)) for client in self.clients[1:])


class Scene:
    """All servers at the same time. Use it with `with`: then nothing outlives it."""

    def __init__(self, programs: list[Path]):
        self._programs = programs
        self._started = contextlib.ExitStack()
        self._selector = selectors.DefaultSelector()
        self._begin = 0.0
        self.stages: list[Stage] = []
        self.now = 0.0

    def __enter__(self) -> "Scene":
        with contextlib.ExitStack() as started:
            for program in self._programs:
                self.stages.append(Stage(program, started))
            self._started = started.pop_all()
        for stage in self.stages:
            for client in stage.clients:
                self._selector.register(client.socket, selectors.EVENT_READ, (stage, client))
        self._begin = time.monotonic()
        return self

    def __exit__(self, *_) -> None:
        self._selector.close()
        self._started.close()

    def go_on(self) -> bool:
        """Lets a frame's time pass; False when all is over. Throws ServerFailed."""
        frame_ends = self.now + FRAME_SECONDS
        while self.now < frame_ends:
            self.now = time.monotonic() - self._begin
            for stage in self.stages:
                for client in stage.clients:
                    self._do(stage, client.speak)
            for key, _ in self._selector.select(0.005):
                self.now = time.monotonic() - self._begin
                stage, client = key.data
                self._do(stage, client.hear)
        return self.now < SECONDS

    def _do(self, stage: Stage, action) -> None:
        try:
            action(self.now)
        except OSError as error:
            raise ServerFailed(f"{stage.name} has gone: {error.strerror or error}") from None
