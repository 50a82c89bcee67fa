"""What a program of this folder does beside its work: it takes the terminal and its reader as they are."""

import io
import signal
import sys
from typing import Callable


def show_what_the_locale_lacks() -> None:
    """A letter that the locale doesn't have, as in a folder's or a server's name, is shown as ? and is no error."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def run(main: Callable[[list[str]], int]) -> int:
    """`main` with the program's arguments; a reader who goes away ends it, as he ends any filter. Returns the exit code."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)
    show_what_the_locale_lacks()
    return main(sys.argv[1:])
