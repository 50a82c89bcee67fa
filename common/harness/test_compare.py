"""`harness compare`: who is measured how often and in what order, what is recorded, told and kept."""

import json
import os
import re
import signal
import tempfile
import unittest
from pathlib import Path
from statistics import median

import pytest

from common.testing.processes import BIN, Family, finish, harness, lab_server, rows_of, start, wait_until
from common.testing.sweeps import COLUMNS

SMALL = ("--connections", "4", "--rounds", "2")
EPOLL = (BIN / "epoll", "--port", "0")
ONE_CORE = len(os.sched_getaffinity(0)) < 2
needs_two_cores = unittest.skipIf(ONE_CORE, "latency is measured on two cores")
# Answers one connection, for the first look at it, and no other.
ONCE = """
import socket
listener = socket.create_server(("127.0.0.1", 0))
print("listening on 127.0.0.1:%d" % listener.getsockname()[1], flush=True)
client, _ = listener.accept()
client.send(client.recv(99))
listener.accept()
"""


def told(ended):
    """What --json has printed."""
    return json.loads(ended.text)


def ratio_of(result, quantity, subject):
    """The one object about that."""
    (found,) = [
        ratio for ratio in result["ratios"] if (ratio["quantity"], ratio["subject"]) == (quantity, subject)
    ]
    return found


@pytest.mark.xdist_group("machine")
class Compare(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.results = Path(temporary.name)
        self.records = self.results / "compare"

    def compare(self, *words):
        """To its end, which is a good one."""
        ended = harness("compare", "--results", self.results, *words)
        self.assertEqual((ended.code, ended.left), (0, []), ended.err)
        return ended

    def rows(self, experiment):
        return [row for row in rows_of(self.records) if row["experiment"] == f"compare-{experiment}"]

    def assert_whole(self):
        files = [row["samples_file"] for row in rows_of(self.records) if row["samples_file"]]
        self.assertEqual(len(set(files)), len(files), "each run has samples of its own")
        for row in rows_of(self.records):
            self.assertEqual(list(row), COLUMNS)
            self.assertNotIn(None, row.values())
            if row["experiment"] == "compare-latency" and row["loop"] == "closed":
                samples = self.records / row["samples_file"]
                self.assertEqual(samples.stat().st_size, 4 * int(row["requests"]))

    def test_each_round_measures_everybody_once_and_the_first_under_two_names(self):
        ended = self.compare("epoll", "poll", *SMALL, "--active", "3", "--json")
        names = ["epoll", "epoll again", "poll"]
        self.assertEqual([server["name"] for server in told(ended)["servers"]], names)
        experiments = ("cpu",) if ONE_CORE else ("cpu", "latency")
        for experiment in experiments:
            rows = self.rows(experiment)
            self.assertEqual([row["repetition"] for row in rows], ["1"] * 3 + ["2"] * 3)
            self.assertEqual(sorted(row["server"] for row in rows), sorted(2 * names))
            for row in rows:
                self.assertEqual((row["connections"], row["active"], row["errors"]), ("4", "3", "0"))
                self.assertGreater(int(row["requests"]), 0)
                self.assertGreater(float(row["server_cpu_us_per_request"]), 0)
        self.assertEqual(len(rows_of(self.records)), 6 * len(experiments))
        self.assert_whole()
        if not ONE_CORE:
            self.assertEqual(
                [row["server"] for row in self.rows("latency")],
                ["epoll again", "epoll", "poll", "poll", "epoll", "epoll again"],
            )
        # What was said is what the rows say, and what is kept.
        self.assertEqual(json.loads((self.records / "ratios.json").read_text()), told(ended))
        ratio = ratio_of(told(ended), "server_cpu_us_per_request", "poll")
        valid = [row for row in self.rows("cpu") if row["valid"] == "yes"]
        cost = {(row["server"], row["repetition"]): float(row["server_cpu_us_per_request"]) for row in valid}
        ratios = [
            cost["poll", repetition] / cost["epoll", repetition]
            for repetition in ("1", "2")
            if ("poll", repetition) in cost
        ]
        self.assertEqual(ratio["n"], len(ratios))
        if ratios:
            self.assertAlmostEqual(ratio["ratio"], median(ratios), places=3)
        self.assertIn("nothing can be told", ratio["sentence"])
        self.assertIn("an interval needs 6", ratio["sentence"])

    def test_a_server_that_computes_more_for_each_request_is_told(self):
        """Two commands, each behind a -- of its own, of one program: their names differ."""
        ended = self.compare(
            "--connections", "4", "--rounds", "6", "--", *EPOLL, "--", *EPOLL, "--work-us", "400"
        )
        names = ["epoll --port 0", "epoll --port 0 again", "epoll --port 0 --work-us 400"]
        self.assertEqual([row["server"] for row in self.rows("cpu")][:3], names)
        result = json.loads((self.records / "ratios.json").read_text())
        ratio = ratio_of(result, "server_cpu_us_per_request", names[2])
        same = ratio_of(result, "server_cpu_us_per_request", names[1])
        self.assertTrue(same["same_server"])
        if min(ratio["n"], same["n"]) < 6:
            self.skipTest("a hypervisor took time in one of the rounds: " + ratio["rejected"])
        self.assertGreaterEqual(ratio["low"], 3)
        self.assertLessEqual(ratio["low"], ratio["ratio"])
        self.assertLessEqual(ratio["ratio"], ratio["high"])
        self.assertGreaterEqual(ratio["confidence"], 0.95)
        self.assertLess(same["low"], 2)
        said = " ".join(ended.text.split())
        self.assertRegex(
            said,
            r"epoll --port 0 --work-us 400 needs \d+(\.\d+)? to \d+(\.\d+)? times the CPU of epoll --port 0 here; "
            r"this machine can tell \d+\.\d %",
        )
        self.assertLessEqual(max(map(len, ended.out)), 78)

    def test_the_same_server_twice_shows_what_this_machine_can_tell(self):
        ended = self.compare("epoll", "epoll", *SMALL)
        self.assertEqual({row["server"] for row in rows_of(self.records)}, {"epoll", "epoll again"})
        self.assertRegex(ended.text, r"nothing can be told of the CPU: \d valid pairs?, an interval needs 6")

    def test_two_builds_of_one_program_have_names_that_differ(self):
        other = self.results / "epoll"
        other.symlink_to(BIN / "epoll")
        self.compare("--connections", "4", "--rounds", "1", "--", *EPOLL, "--", other, "--port", "0")
        self.assertIn("epoll --port 0 (2)", {row["server"] for row in rows_of(self.records)})

    @needs_two_cores
    def test_commands_whose_names_make_the_same_file_name_keep_their_samples_apart(self):
        self.compare("--connections", "4", "--rounds", "1", "--", *EPOLL, "--", BIN / "epoll", "--port=0")
        self.assertEqual(
            {row["server"] for row in self.rows("latency")},
            {"epoll --port 0", "epoll --port 0 again", "epoll --port=0"},
        )
        self.assert_whole()
        self.assertEqual(len(list((self.records / "samples").iterdir())), 3)

    @needs_two_cores
    def test_servers_that_run_elsewhere_are_compared_by_latency_alone(self):
        with lab_server("epoll") as one, lab_server("poll") as two:
            addresses = [f"127.0.0.1:{server.port}" for server in (one, two)]
            ended = self.compare("--connect", ",".join(addresses), "--connections", "4", "--rounds", "1")
        self.assertEqual(self.rows("cpu"), [])
        self.assertEqual(
            sorted(row["server"] for row in self.rows("latency")),
            sorted([*addresses, addresses[0] + " again"]),
        )
        self.assertIn("nothing can be told of the CPU", ended.text)

    @needs_two_cores
    def test_a_rate_is_for_the_latency(self):
        self.compare("epoll", "poll", "--connections", "4", "--rounds", "1", "--seed", "2", "--rate", "500")
        self.assertEqual({row["loop"] for row in self.rows("cpu")}, {"closed"})
        self.assertEqual([row["server"] for row in self.rows("latency")], ["poll", "epoll again", "epoll"])
        for row in self.rows("latency"):
            self.assertEqual((row["loop"], row["arrivals"]), ("open", "fixed"))
            self.assertEqual(float(row["offered_per_s"]), 500)
            requests = (self.records / row["samples_file"]).read_text().splitlines()
            self.assertGreaterEqual(len(requests) - 1, 1000, "enough for a p99")

    def test_it_says_how_long_it_takes_and_ends_then(self):
        ended = self.compare("epoll", "poll", "--connections", "4", "--rounds", "500", "--at-most", "1")
        self.assertEqual(
            ended.err[0],
            "compare: 500 rounds of 3 servers; about 1 s, at most 1 s",
        )
        self.assertIn("the time is over: 1 of 500 rounds", ended.err)
        self.assertEqual({row["repetition"] for row in rows_of(self.records)}, {"1"})

    def test_an_interrupted_one_tells_and_keeps_what_it_has(self):
        family = Family()
        words = ("compare", "epoll", "poll", "--connections", "4", "--rounds", "500", "--json")
        process = start([BIN / "harness", *words, "--results", self.results], family)
        wait_until(
            lambda: any(row["repetition"] == "2" for row in rows_of(self.records)) or process.poll(), 60
        )
        process.send_signal(signal.SIGINT)
        ended = finish(process, family, 30)
        self.assertEqual((ended.code, ended.left), (130, []), ended.err)
        found = re.fullmatch(r"harness: interrupted: (\d+) of 500 rounds are kept in .*", ended.err[-1])
        self.assertIsNotNone(found, ended.err[-1])
        self.assertEqual(told(ended)["rounds"], int(found[1]))
        self.assertGreaterEqual(int(found[1]), 1)
        self.assert_whole()

    def test_a_server_that_loses_clients_ends_it_and_costs_nothing_that_is_kept(self):
        script = self.results / "once.py"
        script.write_text(ONCE)
        ended = harness(
            "compare", "epoll", *SMALL, "--results", self.results, "--", "/usr/bin/env", "python3", script
        )
        self.assertEqual((ended.code, ended.left), (1, []), ended.err)
        self.assertRegex(ended.err[-1], r"^harness: server .*once\.py.*; 0 of 2 rounds are kept in ")
        self.assertTrue((self.records / "ratios.json").exists())


if __name__ == "__main__":
    unittest.main()
