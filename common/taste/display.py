"""Shows on a terminal who waits, and how long; elsewhere a line now and then."""

import os
from typing import TextIO

from common.taste.scene import SILENT_SECONDS, Client, Scene

CELLS = 12
COLUMN = 34
LINE_SECONDS = 0.5  # where nothing may move


def may_move(stream: TextIO) -> bool:
    """True on a terminal that can move its cursor and is wide enough, unless NO_COLOR wants it plain."""
    wide = stream.isatty() and os.get_terminal_size(stream.fileno()).columns >= 10 + 2 * COLUMN
    return wide and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "dumb") != "dumb"


class Display:
    """Use it with `with`: then the cursor stands below the last picture, however it ends."""

    def __init__(self, stream: TextIO):
        self._stream = stream
        self._moves = may_move(stream)
        self._lines = 0  # of the last picture
        self._next_line = 0.0

    def __enter__(self) -> "Display":
        print("One thread each. A connects first and is silent for two seconds;", file=self._stream)
        print("B, C and D speak.\n", file=self._stream)
        return self

    def __exit__(self, *_) -> None:
        print(file=self._stream, flush=True)

    def show(self, scene: Scene, at_last: bool = False) -> None:
        """The scene as it is now."""
        if self._moves:
            self._draw(scene)
        elif at_last or scene.now >= self._next_line:
            self._next_line = scene.now + LINE_SECONDS
            print(_line(scene), file=self._stream, flush=True)

    def _draw(self, scene: Scene) -> None:
        # Up to the first line of the last picture, and clear from there (ECMA-48: CUU, ED).
        back = f"\x1b[{self._lines}A\x1b[J" if self._lines else ""
        names = "".join(f"{stage.name:<{COLUMN}}" for stage in scene.stages)
        rows = [f"{scene.now:5.1f} s   {names}".rstrip()]
        for place, first in enumerate(scene.stages[0].clients):
            cells = [_cell(stage.clients[place], scene.now) for stage in scene.stages]
            rows.append(f"   {first.name}      " + "".join(f"{cell:<{COLUMN}}" for cell in cells).rstrip())
        self._lines = len(rows)
        print(back + "\n".join(rows), file=self._stream, flush=True)


def _cell(client: Client, now: float) -> str:
    waits = client.waits(now)
    if waits == 0 and client.replies == 0:
        return "silent" if client.name == "A" else ""
    filled = min(round(waits / SILENT_SECONDS * CELLS), CELLS)
    bar = "█" * filled + "░" * (CELLS - filled)
    replies = "1 reply" if client.replies == 1 else f"{client.replies} replies"
    return f"{bar} waits {waits:.1f} s" if waits > 0.05 else f"{bar} {replies}"


def _line(scene: Scene) -> str:
    told = []
    for stage in scene.stages:
        waiting = sum(client.waits(scene.now) > 0.05 for client in stage.clients)
        replies = sum(client.replies for client in stage.clients)
        told.append(f"{stage.name}: {waiting} wait, {replies} replies")
    return f"{scene.now:5.1f} s   {'   '.join(told)}"
