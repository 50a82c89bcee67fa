"""Any program can be the server: a small one of asyncio is judged, measured and recorded like our own."""

import json
import os
import tempfile
import unittest
from pathlib import Path

from common.testing import conversation
from common.testing.processes import (
    Family,
    harness,
    is_refused,
    lacks_descriptors,
    needs_descriptors,
    python_server,
    raise_descriptors,
    rows_of,
    start,
    wait_until,
)

COMMAND = ("--", *python_server("asyncio_echo_server.py", "{port}"))
NAME = f"{Path(COMMAND[1]).name} asyncio_echo_server.py"
# What asyncio does without descriptors depends on its version.
UNCERTAIN = {"survives-fd-exhaustion", "takes-a-burst"}  # its backlog is 100 by default
UNASKED = {"more-than-1024"} if lacks_descriptors(1200) else set()
NEEDS_PROCESS = {
    "slow-reader-memory-bounded",
    "survives-fd-exhaustion",
    "survives-stop-and-continue",
    "takes-a-burst",
    "restarts-on-its-port",
    "leaks-nothing",
    "listens-on-loopback",
    "idle-costs-no-cpu",
    "stops-cleanly",
    "leaves-no-zombies",
}


class Foreign(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.results = Path(temporary.name)

    def succeeds(self, *words):
        ended = harness(*words)
        self.assertEqual((ended.code, ended.left), (0, []), ended.err)
        return ended

    def answers(self, *words):
        """Of a check: its exit code, the server's name, and behaviour → answer."""
        ended = harness("check", "--json", *words)
        self.assertEqual(ended.left, [])
        server = json.loads(ended.text)["servers"][0]
        return (
            ended.code,
            server["server"],
            {cell["behaviour"]: cell["answer"] for cell in server["findings"]},
        )

    def one_row(self, experiment):
        rows = rows_of(self.results / experiment)
        self.assertEqual(len(rows), 1)
        return rows[0]

    def assert_measured(self, row, name):
        self.assertEqual(
            (row["server"], row["connections"], row["active"], row["loop"]), (name, "4", "2", "closed")
        )
        self.assertGreater(int(row["requests"]), 0)
        self.assertEqual([row[key] for key in ("errors", "timeouts", "refused", "corrupt")], ["0"] * 4)
        samples = self.results / "load" / row["samples_file"]
        self.assertEqual(samples.stat().st_size, 4 * int(row["requests"]))


# The server of COMMAND, which does not start the second time and never again. argv: a file to count in, the port.
STARTS_ONCE = """
import os, sys
os.open(sys.argv[1], os.O_CREAT | os.O_EXCL)
os.execvp(sys.argv[2], sys.argv[2:])
"""


class Command(Foreign):
    """As the harness starts it: `-- COMMAND… {port}`."""

    def test_one_check_without_a_server_leaves_the_others_their_answers(self):
        # The two run at the same time: whichever is the first to start it.
        once = ("--", "python3", "-c", STARTS_ONCE, str(self.results / "started"), *COMMAND[1:])
        ended = harness("check", "--json", "--only", "echoes-exactly,serves-many", *once)
        (server,) = json.loads(ended.text)["servers"]
        answers = sorted(finding["answer"] for finding in server["findings"])
        self.assertEqual((ended.code, answers), (0, ["n/a", "yes"]), ended.err)
        (evidence,) = [one["evidence"] for one in server["findings"] if one["answer"] == "n/a"]
        self.assertIn("it was started for other checks, not for this one: ", evidence)
        self.assertIn("FileExistsError", evidence)

    def test_check(self):
        code, name, answers = self.answers(*COMMAND)
        self.assertEqual(name, NAME)
        wrong = {behaviour for behaviour, answer in answers.items() if answer != "yes"}
        wrong -= UNASKED
        self.assertLessEqual(wrong, UNCERTAIN)
        self.assertEqual(code, 1 if wrong else 0)
        self.assertEqual(len(answers), 22)

    def test_load(self):
        options = ("--connections", "4", "--active", "2", "--duration", "0.2", "--tries", "1")
        ended = self.succeeds("load", *options, "--results", self.results, *COMMAND)
        self.assertTrue(ended.out[0].startswith(f"{NAME}: 4 connections"), ended.out)
        row = self.one_row("load")
        self.assert_measured(row, NAME)
        self.assertGreater(int(row["rss_bytes"]), 1_000_000)

    def test_sweep(self):
        self.succeeds("sweep", "head-of-line", "--results", self.results, *COMMAND)
        row = self.one_row("head-of-line")
        self.assertEqual((row["server"], row["timeouts"], row["errors"]), (NAME, "0", "0"))
        requests = (self.results / "head-of-line" / row["samples_file"]).read_text().splitlines()
        self.assertEqual(len(requests), int(row["requests"]) + 1)


class Running(Foreign):
    """As it runs already: `--connect HOST:PORT`."""

    def setUp(self):
        super().setUp()
        family = Family()
        port = self.start_server(family)
        self.name = f"127.0.0.1:{port}"
        self.addCleanup(
            lambda: self.assertIsNone(self.server.poll(), "the harness has ended a server of ours")
        )

    def start_server(self, family):
        """Starts it on a port that is free now; tries again if somebody takes it before the server does."""
        for _ in range(5):
            with conversation.listen() as probe:
                port = probe.getsockname()[1]
            self.server = start(
                python_server("asyncio_echo_server.py", port),
                family,
                stderr=None,
                preexec_fn=raise_descriptors,
            )
            self.addCleanup(self.end, self.server)
            wait_until(lambda: self.server.poll() is not None or not is_refused(lambda: connect(port)))
            if self.server.poll() is None:
                return port
        raise AssertionError("no port for the server")

    def end(self, server):
        server.terminate()
        server.communicate()

    def test_check(self):
        code, name, answers = self.answers("--connect", self.name)
        self.assertEqual(name, self.name)
        self.assertEqual(
            {behaviour for behaviour, answer in answers.items() if answer == "n/a"}, NEEDS_PROCESS | UNASKED
        )
        self.assertEqual({answer for answer in answers.values()}, {"yes", "n/a"}, answers)
        self.assertEqual(code, 0)

    def test_load(self):
        options = ("--connections", "4", "--active", "2", "--duration", "0.2", "--tries", "1")
        self.succeeds("load", *options, "--results", self.results, "--connect", self.name)
        row = self.one_row("load")
        self.assert_measured(row, self.name)
        self.assertEqual([row[key] for key in ("rss_bytes", "server_cpu_share", "socket_bytes")], [""] * 3)

    def test_sweep(self):
        self.succeeds("sweep", "head-of-line", "--results", self.results, "--connect", self.name)
        self.assertEqual(self.one_row("head-of-line")["server"], self.name)

    def test_sweep_of_many_points(self):
        needs_descriptors(1200)  # else fewer runs, and said so
        self.succeeds("sweep", "memory-vs-connections", "--results", self.results, "--connect", self.name)
        rows = rows_of(self.results / "memory-vs-connections")
        points = sorted((int(row["connections"]), int(row["repetition"])) for row in rows)
        self.assertEqual(points, [(n, repetition) for n in (10, 100, 1000) for repetition in (1, 2)])
        self.assertEqual(
            {(row["server"], row["refused"], row["timeouts"]) for row in rows}, {(self.name, "0", "0")}
        )
        self.assertTrue(os.path.exists(self.results / "memory-vs-connections" / "environment.json"))


def connect(port):
    return conversation.connect(("127.0.0.1", port), 5)


if __name__ == "__main__":
    unittest.main()
