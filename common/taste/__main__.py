"""A first taste: one silent client against two servers, side by side, live; then the picture of it.

Run:       make taste
Look for:  who waits. Both servers have one thread. Client A connects first and says nothing for two seconds; B, C and D speak.

Exit code 0; 1: a server or the harness failed, and said so; 2: it can't begin; 130: interrupted.
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path

from common.taste.display import Display
from common.taste.scene import Scene, ServerFailed
from plots import head_of_line
from plots.__main__ import draw

SERVERS = ("blocking-loop", "epoll")


def play(programs: Path) -> None:
    """Runs both servers beside one another and shows who waits. Throws ServerFailed."""
    with Scene([programs / name for name in SERVERS]) as scene, Display(sys.stdout) as display:
        while scene.go_on():
            display.show(scene)
        display.show(scene, at_last=True)
    for stage in scene.stages:
        longest = stage.longest_wait(scene.now) * 1000
        print(f"{stage.name}: B, C and D waited {longest:,.1f} ms at most.")


def draw_picture(programs: Path, results: Path) -> int:
    """Lets the harness measure the same with eight clients and draws it; returns the exit code."""
    print("\nThe same with eight clients, measured by the harness, for the picture:", flush=True)
    sweep = ["sweep", "head-of-line", *SERVERS, "--results", str(results)]
    ended = subprocess.run([programs / "harness", *sweep], stdout=subprocess.DEVNULL).returncode
    if ended != 0:
        return 130 if ended in (130, -2) else 1
    return draw([head_of_line], results, results / "charts")


def main() -> int:
    """The command; returns the exit code."""
    parser = argparse.ArgumentParser(prog="taste", description="One silent client against two servers.")
    parser.add_argument("programs", type=Path, metavar="BIN", help="the folder of the built programs")
    parser.add_argument("--results", type=Path, default=Path("results/taste"), metavar="DIR")
    options = parser.parse_args()
    missing = [name for name in (*SERVERS, "harness") if not os.access(options.programs / name, os.X_OK)]
    if missing:
        print(
            f"taste: {options.programs} has no {', '.join(missing)}: `make taste` builds them",
            file=sys.stderr,
        )
        return 2
    try:
        play(options.programs)
        status = draw_picture(options.programs, options.results)
    except ServerFailed as error:
        print(f"taste: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    if status == 0:
        print("\nnow: make lab-01")
    return status


if __name__ == "__main__":
    sys.exit(main())
