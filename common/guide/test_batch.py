"""The guide without a terminal, and its command line."""

import json
import os
import signal
import subprocess
import sys
import tempfile
import time
import unittest
import uuid
from pathlib import Path

from common.guide.fixture import guide_environment, minimal, write_lab
from common.guide.at_terminal import PATIENCE, running

README = "labs/07-small/README.md"
BY_HAND = "```sh by-hand\nexport S_PORT=1\n```\n\n"  # a server block below it starts at line 9


class BatchTest(unittest.TestCase):
    def setUp(self):
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.root = Path(directory.name)
        self.marker = f"marker-{uuid.uuid4().hex}"

    def start(self, *arguments):
        command = [sys.executable, "-m", "common.guide", "--root", str(self.root), *arguments]
        return subprocess.Popen(
            command,
            env=guide_environment(),
            text=True,
            start_new_session=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )

    def guide(self, *arguments):
        """Runs the guide in a pipe: (exit status, output)."""
        process = self.start(*arguments)
        output, _ = process.communicate(timeout=3 * PATIENCE)
        return process.returncode, output

    def fails(self, body, line, message):
        write_lab(self.root, minimal(body))
        status, output = self.guide("lab", "07")
        self.assertEqual(status, 1, output)
        self.assertIn(f"{README}:{line}: {message}", output)
        self.assertEqual(running(self.marker), [])
        return output

    def passes(self, body):
        write_lab(self.root, minimal(body))
        status, output = self.guide("lab", "07")
        self.assertEqual(status, 0, output)
        return output


class Blocks(BatchTest):
    def test_every_block_runs_and_is_measured(self):
        write_lab(self.root)
        status, output = self.guide("lab", "7")
        self.assertEqual(status, 0, output)
        self.assertNotIn("\x1b", output)
        self.assertIn(f"{README}: ok, 3 of 3 blocks ran", output)
        entry = json.loads((self.root / "results/predictions.json").read_text())["07-small"]["longest-wait"]
        self.assertEqual((entry["predicted"], entry["measured"], entry["measured_by"]), (None, 2003, "batch"))
        self.assertFalse((self.root / "results/progress.json").exists())

    def test_the_first_failing_block_ends_the_run(self):
        output = self.fails(
            "```sh\necho one\n```\n\n```sh\necho two\nfalse\necho three\n```\n\n```sh\necho four\n```",
            9,
            "exit 1",
        )
        self.assertIn("one", output)
        self.assertNotIn("  three", output)
        self.assertNotIn("four", output)

    def test_a_pipeline_fails_with_any_of_its_parts(self):
        self.fails("```sh\nfalse | cat\n```", 5, "exit 1")
        self.fails("```sh\necho $NOT_SET_ANYWHERE\n```", 5, "exit 1")
        self.fails("```sh\nno-such-command\n```", 5, "exit 127 (command not found)")

    def test_expected_exit(self):
        self.fails("```sh expect-exit=2\ntrue\n```", 5, "exit 0, expected 2")
        self.passes("```sh expect-exit=143\nkill -TERM $$\n```\n\n```sh expect-exit=any\nexit 9\n```")

    def test_a_hanging_block_is_killed(self):
        self.fails(
            f"```sh timeout=0.5\necho here\nexec -a {self.marker} sleep 1000\n```", 5, "still running after"
        )

    def test_a_block_that_ignores_signals_is_killed_with_its_children(self):
        self.fails(
            f"```sh timeout=0.5\ntrap '' TERM INT\n(exec -a {self.marker} sleep 1000) &\nexec -a {self.marker} sleep 1000\n```",
            5,
            "still running",
        )

    def test_what_a_block_leaves_in_the_background_ends_with_it(self):
        self.passes(
            f"```sh\n(exec -a {self.marker} sleep 1000) &\necho done\n```\n\n```sh\n! pgrep -f '[m]{self.marker[1:]}'\n```"
        )
        self.assertEqual(running(self.marker), [])

    def test_expected_output(self):
        self.passes("```sh\necho pid $$; seq 5\n```\n\n```output\npid …\n1\n...\n5\n```")
        output = self.fails(
            "```sh\nseq 3\n```\n\n```output\n1\n2\n4\n```", 12, "the output differs from the page"
        )
        self.assertIn("    2\n  - 4\n  + 3\n", output)

    def test_a_line_wider_than_a_terminal_fails(self):
        print_it = f"printf '%0*d\\n' 79 0"
        self.fails(f"```sh\n{print_it}\n```", 5, "a line of its output takes 79 columns, more than 78")
        self.passes(f"```sh wide\n{print_it}\n```\n\n```sh\nprintf '%0*d\\n' 78 0\n```")

    def test_a_page_that_takes_another_time_than_it_says_fails(self):
        lab = minimal("```sh\ntrue\n```\n\n" + "word " * 4000)
        write_lab(self.root, lab)
        status, output = self.guide("lab", "07")
        self.assertEqual(
            (status, f"{README}:1: the page says 5 minutes; it takes 21" in output), (1, True), output
        )
        write_lab(self.root, lab.replace("minutes=5", "minutes=20"))
        status, output = self.guide("lab", "07")
        self.assertEqual(status, 0, output)

    def test_a_pattern_that_finds_nothing_fails(self):
        predict = '<!-- predict id=a question="?" unit=ms pattern="took ([0-9]+) ms" -->'
        self.fails(f"{predict}\n```sh\necho took a while\n```", 5, "the prediction `a` finds nothing")

    def test_a_missing_tool_passes_the_block_over(self):
        body = (
            '<!-- predict id=a question="?" unit=ms pattern="(x)" -->\n```sh needs=no-such-tool\nfalse\n```'
        )
        self.assertIn("passed over, there is no no-such-tool here", self.passes(body))

    def test_blocks_have_no_input_and_no_make_above_them(self):
        self.passes('```sh\ncat\ntest -z "${MAKEFLAGS-}"\ntest "$(pwd)" = "%s"\n```' % self.root.resolve())


class Servers(BatchTest):
    def test_port_and_pid_reach_later_blocks(self):
        server = f"```sh server=s\nulimit -n 64\n{sys.executable} server.py\n```"
        self.passes(
            f'{BY_HAND}{server}\n\n```output\nlistening on 127.0.0.1:…\n```\n\n```sh\n{sys.executable} client.py "$S_PORT"\ngrep -a server.py /proc/$S_PID/cmdline >/dev/null\ngrep "open files *64 " /proc/$S_PID/limits\n```'
        )

    def test_never_announces_itself(self):
        self.fails(
            f"{BY_HAND}```sh server=s timeout=0.5\nexec -a {self.marker} sleep 1000\n```",
            9,
            "the server s didn't print `listening on HOST:PORT` within 0.5 s",
        )

    def test_dies_at_once(self):
        self.fails(
            f"{BY_HAND}```sh server=s\necho no port left\nexit 1\n```",
            9,
            "the server s ended at once with exit 1; it said: no port left",
        )

    def test_dies_later(self):
        server = f"\n{sys.executable} server.py\n```\n\n```sh\nkill -KILL $S_PID\nsleep 0.2\n```"
        self.fails(f"{BY_HAND}```sh server=s{server}", 9, "the server s ended by itself (killed by SIGKILL)")
        self.passes(f"{BY_HAND}```sh server=s may-end{server}")

    def test_a_server_that_ended_is_started_again_where_it_is_needed(self):
        server = f"\n{sys.executable} server.py\n```\n\n```sh\nkill -KILL $S_PID\n```\n\n```sh\n{sys.executable} client.py $S_PORT\n```"
        output = self.passes(f"{BY_HAND}```sh server=s may-end{server}")
        self.assertEqual(output.count("[s] listening on"), 2)

    def test_a_chatty_server_does_not_block(self):
        server = "echo listening on x:1; i=0; while true; do echo $((i++)) xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx; done"
        self.passes(f"{BY_HAND}```sh server=s\n{server}\n```\n\n```sh\necho $S_PORT\nsleep 0.3\n```")


class Interruptions(BatchTest):
    def test_signals_end_everything(self):
        for number, status in ((signal.SIGTERM, 143), (signal.SIGHUP, 129), (signal.SIGINT, 130)):
            with self.subTest(number.name):
                write_lab(
                    self.root,
                    minimal(
                        f"```sh\nsetsid -f bash -c 'exec -a {self.marker} sleep 1000'\necho begun\nexec -a {self.marker} sleep 1000\n```"
                    ),
                )
                process = self.start("lab", "7")
                for line in process.stdout:
                    if line == "  begun\n":
                        break
                os.killpg(process.pid, number)  # to the group, as a terminal's Ctrl-C comes
                process.communicate(timeout=PATIENCE)
                self.assertEqual(process.returncode, status)
                self.assertEqual(running(self.marker), [])

    def test_handouts_end_at_a_signal_too(self):
        for name in ("07-small", "08-poll"):
            write_lab(self.root, minimal(f"```sh\ntouch {name}\nexec -a {self.marker} sleep 1000\n```"), name)
        process = self.start("handouts")
        deadline = time.monotonic() + PATIENCE
        while not running(self.marker) and time.monotonic() < deadline:
            time.sleep(0.02)
        process.terminate()
        process.communicate(timeout=PATIENCE)
        self.assertEqual(process.returncode, 143)
        self.assertFalse((self.root / "08-poll").exists())
        self.assertEqual(running(self.marker), [])


class CommandLine(BatchTest):
    def test_handouts_goes_on_after_a_failure(self):
        write_lab(self.root)
        write_lab(self.root, minimal("```sh\nfalse\n```"), "03-loop")
        write_lab(self.root, "no title\n", "08-poll")
        status, output = self.guide("handouts")
        self.assertEqual(status, 1)
        self.assertRegex(output, r"03-loop +FAILED +[\d.]+ s\nlabs/03-loop/README.md:5: exit 1")
        self.assertRegex(output, r"07-small +ok +[\d.]+ s")
        self.assertRegex(output, r"08-poll +FAILED +[\d.]+ s\nlabs/08-poll/README.md:1: ")
        self.assertEqual(self.guide("handouts", "7")[0], 0)

    def test_bad_requests_are_one_line_and_exit_2(self):
        write_lab(self.root)
        for arguments, message in (
            (["lab", "8"], "no handout for lab `8`; there are: 07"),
            (["lab", "select"], "there are: 07"),
            (["handouts", "9"], "there are: 07"),
            (["lab", "7", "--from", "7"], "FROM takes a step from 1 to 6, not `7`"),
            (["lab", "7", "--from", "x"], "from 1 to 6, not `x`"),
            (["lab", "7", "--restart"], "for a terminal"),
            (["lab"], "required: NN"),
            (["dance"], "invalid choice"),
            ([], "required: COMMAND"),
        ):
            with self.subTest(arguments):
                status, output = self.guide(*arguments)
                self.assertEqual(status, 2, output)
                self.assertIn(message, output)
                self.assertEqual(output.count("\n"), 1, output)

    def test_malformed_handout(self):
        write_lab(self.root, minimal("```sh colour=red\ntrue\n```"))
        status, output = self.guide("lab", "7")
        self.assertEqual((status, output.count("\n")), (2, 1))
        self.assertTrue(output.startswith(f"{README}:5: unknown `colour`"), output)

    def test_parse(self):
        good = write_lab(self.root)
        bad = write_lab(self.root, "x\n", "08-poll")
        self.assertEqual(self.guide("parse", str(good))[0], 0)
        status, output = self.guide("parse", str(good), str(bad))
        self.assertEqual(status, 2)
        self.assertIn("08-poll/README.md:1: ", output)

    def test_progress_summary_and_doctor(self):
        self.assertEqual(self.guide("progress")[0], 2)
        self.assertEqual(self.guide("summary"), (0, "No predictions yet: `make lab-NN` asks for them.\n"))
        write_lab(self.root)
        write_lab(self.root, minimal("text"), "08-poll")
        (self.root / "results").mkdir()
        (self.root / "results/progress.json").write_text(
            '{"07-small": {"step": 3, "steps": 6, "done": false}}'
        )
        status, output = self.guide("progress")
        self.assertEqual(status, 0)
        self.assertRegex(output, r"07-small +Lab 07: a small server +5 +started: step 3 of 6")
        self.assertRegex(output, r"08-poll .* 5 +open")
        status, output = self.guide("doctor")
        self.assertIn(status, (0, 1))
        for what in (
            "C++ compiler",
            "descriptors",
            "threads",
            "cores",
            "namespaces",
            "io_uring",
            "liburing",
            "strace",
            "go ",
            "socat",
            "terminal",
            "Chinese fonts",
        ):
            self.assertIn(what, output)
        self.assertNotIn("no lab needs it", output)

    def test_a_closed_pipe_leaves_nothing(self):
        write_lab(self.root, minimal(f"```sh\nyes {self.marker}\n```"))
        process = self.start("lab", "7")
        process.stdout.readline()
        process.stdout.close()
        self.assertEqual(process.wait(PATIENCE), 141)
        deadline = time.monotonic() + PATIENCE
        while running(self.marker) and time.monotonic() < deadline:
            time.sleep(0.02)
        self.assertEqual(running(self.marker), [])


if __name__ == "__main__":
    unittest.main()
