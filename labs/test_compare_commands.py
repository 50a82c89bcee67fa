"""Each `Compare:` command in a program's header runs, and finds two files that differ."""

import itertools
import re
import shlex
import subprocess
import unittest
from pathlib import Path

TOP = Path(__file__).resolve().parents[1]


def compare_commands(program):
    """The commands of a program's header: those behind `Compare:` and on the lines that go on under it."""
    header = program.read_text(encoding="utf-8").split("\n#include", 1)[0]
    found = re.search(r"^// Compare:((?:.*\n//   )*.*)$", header, re.MULTILINE)
    return [line.removeprefix("//").strip() for line in found[1].split("\n")] if found else []


def changed_lines(one, other):
    """How many lines `diff ONE OTHER` prints that are of one file only."""
    files = [str(TOP / one), str(TOP / other)]
    out = subprocess.run(["diff", *files], capture_output=True, text=True, check=False).stdout
    return len(re.findall(r"^[<>]", out, re.MULTILINE))


class CompareCommands(unittest.TestCase):
    def test_all_of_them_run_and_show_a_difference(self):
        commands = [
            (program.name, command)
            for program in sorted(TOP.glob("labs/*/*.cpp"))
            for command in compare_commands(program)
        ]
        self.assertGreater(len(commands), 15)
        for name, command in commands:
            with self.subTest(name, command=command):
                self.assertEqual(shlex.split(command)[0], "diff")
                ended = subprocess.run(
                    command, shell=True, cwd=TOP, capture_output=True, text=True, check=False
                )
                self.assertEqual((ended.returncode, ended.stderr), (1, ""))
                self.assertIn("\n> ", ended.stdout)

    def test_every_program_has_one_command_a_line_in_its_header(self):
        """A line that the layout broke in two would begin with no command."""
        for program in sorted(TOP.glob("labs/*/*.cpp")):
            header = program.read_text(encoding="utf-8").split("\n#include", 1)[0]
            self.assertNotRegex(header, r"(?m)^// labs/\S+$", program.name)


class Ladder(unittest.TestCase):
    """Neighbouring servers differ in what the lesson is about."""

    def test_a_step_between_the_ways_to_wait_is_forty_lines_at_most(self):
        poll = "labs/08-poll/poll.cpp"
        self.assertLessEqual(changed_lines("labs/07-select/select.cpp", poll), 40)
        self.assertLessEqual(changed_lines(poll, "labs/09-epoll/epoll.cpp"), 40)

    def test_a_mistake_differs_in_a_few_lines_from_the_right_server(self):
        edge = "labs/09-epoll/epoll-edge.cpp"
        for mistake in sorted(TOP.glob("labs/09-epoll/epoll-edge-*.cpp")):
            self.assertLessEqual(changed_lines(edge, mistake), 30, mistake.name)

    def test_what_saves_a_completion_is_sixty_lines_at_most(self):
        plain = "labs/13-io-uring/io-uring.cpp"
        self.assertLessEqual(changed_lines(plain, "labs/13-io-uring/io-uring-skip-success.cpp"), 60)

    def test_a_step_between_the_rooms_is_their_policy(self):
        """Between forget and keep the queue comes in with all that belongs to it, from drop to cut-off the time."""
        rooms = {"wait": 0, "forget": 30, "keep": 90, "drop": 40, "cut-off": 95}
        for (one, _), (other, at_most) in itertools.pairwise(rooms.items()):
            paths = [f"labs/16-one-to-many/chat-{name}.cpp" for name in (one, other)]
            self.assertLessEqual(changed_lines(*paths), at_most, paths)

    def test_one_turn_is_the_same_in_all_four_event_loops(self):
        turns = {
            re.search(
                r"  // One turn(?:.*\n)+?  bool echo(?:.*\n)+?  }\n", (TOP / path).read_text(encoding="utf-8")
            )[0]
            for path in (
                "labs/06-nonblocking-loop/nonblocking-loop.cpp",
                "labs/07-select/select.cpp",
                "labs/08-poll/poll.cpp",
                "labs/09-epoll/epoll.cpp",
            )
        }
        self.assertEqual(len(turns), 1)


if __name__ == "__main__":
    unittest.main()
