"""Sweeps: what an end in the middle leaves, how it goes on, the order of the runs, what stands in the records."""

import json
import os
import re
import signal
import unittest
from concurrent.futures import ThreadPoolExecutor

import pytest

from common.testing.processes import (
    BIN,
    SERVERS,
    Family,
    finish,
    harness,
    needs_descriptors,
    rows_of,
    start,
    stop_sweep,
    wait_until,
)
from common.testing.sweeps import FAN_OUT_COLUMNS, LATENCY, OPEN_LOOP_COLUMNS, Sweep

pytestmark = pytest.mark.xdist_group("machine")  # measures, or goes to a limit of the machine
RUNS = 6  # of the quick profile, a server: 3 points, 2 repetitions
MAY_BE_EMPTY = {
    "invalid_reason",
    "capacity_percent",
    "capacity_per_s",
    "p99_us",
    "p999_us",
    "server_system_calls_per_request",
    *OPEN_LOOP_COLUMNS,
    *FAN_OUT_COLUMNS,
}


def order(rows):
    """The runs in the order in which they were made."""
    return [(row["server"], int(row["connections"]), int(row["repetition"])) for row in rows]


class Interrupted(Sweep):
    def test_ctrl_c_keeps_what_is_finished_and_resume_does_the_rest(self):
        needs_descriptors(1200)  # else fewer runs, and said so
        ended = stop_sweep(signal.SIGINT, self.results, LATENCY, "epoll", "poll")
        self.assertEqual((ended.code, ended.left), (130, []), ended.err)
        before = self.assert_intact()
        self.assertGreaterEqual(len(before), 2)
        self.assertLess(len(before), 2 * RUNS)
        self.assertRegex(
            ended.err[-1], rf"^harness: interrupted: {len(before)} of {2 * RUNS} runs are kept in .*--resume"
        )
        self.assertEqual(len([line for line in ended.err if "interrupted" in line]), 1)

        resumed = self.sweep("epoll", "poll", "--resume")
        self.assertEqual((resumed.code, resumed.left), (0, []), resumed.err)
        after = self.assert_intact()
        self.assertEqual(after[: len(before)], before)
        self.assertEqual(len(set(order(after))), 2 * RUNS)
        self.assertEqual(len(after), 2 * RUNS)
        self.assertEqual(resumed.out, [f"{2 * RUNS} runs recorded in {self.records}"])

    def test_a_terminal_sends_it_to_the_whole_group(self):
        """As the keys do it: the signal reaches every process of the foreground group. The servers have groups of
        their own."""
        family = Family()
        words = [BIN / "harness", "sweep", LATENCY, "epoll", "--results", self.results]
        process = start(words, family, start_new_session=True)
        wait_until(lambda: rows_of(self.records), 60)
        self.assertTrue(wait_until(lambda: "epoll" in family.programs()), "no server was started")
        os.killpg(process.pid, signal.SIGINT)
        ended = finish(process, family, 30)
        self.assertEqual((ended.code, ended.left), (130, []), ended.err)
        self.assertGreaterEqual(len(self.assert_intact()), 1)

    def test_other_signals_end_it_as_well(self):
        for number in (signal.SIGTERM, signal.SIGHUP):
            results = self.results / number.name
            ended = stop_sweep(number, results, LATENCY, "epoll", rows=1)
            self.assertEqual((ended.code, ended.left), (130, []), ended.err)
            self.assertIn("--resume goes on from there", ended.err[-1])
            self.assertGreaterEqual(len(rows_of(results / LATENCY)), 1)

    def test_a_check_and_a_load_end_too(self):
        for words in (("check", "epoll"), ("load", "epoll", "--duration", "60", "--results", self.results)):
            family = Family()
            process = start([BIN / "harness", *words], family)
            self.assertTrue(wait_until(lambda: len(family.processes()) > 1), "no server was started")
            process.send_signal(signal.SIGINT)
            ended = finish(process, family, 30)
            self.assertEqual((ended.code, ended.left), (130, []), ended.err)

    def test_a_killed_harness_leaves_no_server_and_whole_records(self):
        words = (self.results, LATENCY, "epoll", "thread-per-connection")
        ended = stop_sweep(signal.SIGKILL, *words, rows=1)
        self.assertEqual((ended.code, ended.left), (-signal.SIGKILL, []))
        before = self.assert_intact()
        resumed = stop_sweep(signal.SIGINT, *words, "--resume", rows=len(before) + 1)
        self.assertEqual((resumed.code, resumed.left), (130, []), resumed.err)
        self.assertEqual(self.assert_intact()[: len(before)], before)

    def test_a_new_sweep_sets_the_old_one_aside(self):
        stop_sweep(signal.SIGINT, self.results, LATENCY, "epoll", rows=1)
        before = rows_of(self.records)
        self.assertEqual(self.sweep("epol").code, 2)
        self.assertEqual(rows_of(self.records), before)
        ended = harness("sweep", LATENCY, "--results", self.results, "--", "false")
        self.assertEqual(ended.code, 1)
        self.assertEqual(rows_of(self.results / f"{LATENCY}.previous"), before)


class Chosen(Sweep):
    def test_points_repetitions_and_servers_of_the_users_choice(self):
        ended = self.sweep(
            "--servers", "epoll,poll", "--connections", "3,12", "--active", "2", "--repetitions", "3"
        )
        self.assertEqual((ended.code, ended.left), (0, []), ended.err)
        rows = rows_of(self.records)
        wanted = {
            (server, connections, repetition)
            for server in ("epoll", "poll")
            for connections in (3, 12)
            for repetition in (1, 2, 3)
        }
        self.assertEqual(set(order(rows)), wanted)
        self.assertEqual(len(rows), len(wanted))
        self.assertEqual({row["active"] for row in rows}, {"2"})

    def test_a_server_that_waits_for_the_silent_ones_is_left_out_where_some_are_silent(self):
        words = ("--connections", "10", "--active", "2", "--repetitions", "1", "--results", self.results)
        ended = harness("sweep", "throughput-vs-connections", "blocking-loop", "epoll", *words)
        self.assertEqual((ended.code, ended.left), (0, []), ended.err)
        self.assertEqual(
            [row["server"] for row in rows_of(self.results / "throughput-vs-connections")], ["epoll"]
        )
        self.assertIn("left out: blocking-loop: by its nature not 'silent-client-stops-no-one'", ended.err)

    def test_what_cannot_be_chosen_is_refused_and_nothing_is_set_aside(self):
        for words, complaint in (
            (
                (LATENCY, "--connections", "10,ten"),
                "--connections takes whole numbers with commas between them, from 1 to 1000000, not 'ten'",
            ),
            ((LATENCY, "--connections", "4,100"), "8 of 4 connections can't speak"),
            ((LATENCY, "--connections", ""), "not ''"),
            (("head-of-line", "--connections", "9"), "head-of-line has its own number of connections"),
            (("byte-ribbon", "--active", "1"), "byte-ribbon has its own number of connections"),
            (("memory-vs-connections", "--active", "3"), "says itself who speaks"),
            ((LATENCY, "--servers", "epol"), "epol"),
        ):
            ended = harness("sweep", *words, "--results", self.results)
            self.assertEqual((ended.code, len(ended.err)), (2, 1), words)
            self.assertIn(complaint, ended.err[0])
        self.assertEqual(list(self.results.iterdir()), [])


class Order(Sweep):
    def test_the_seed_decides_the_order(self):
        """Three sweeps, stopped once they have shown enough of it."""
        enough = RUNS - 2
        seen = {}
        for name, seed in (("first", "1"), ("again", "1"), ("other", "2")):
            results = self.results / name
            stop_sweep(signal.SIGINT, results, LATENCY, "epoll", "poll", "--seed", seed, rows=enough)
            seen[name] = order(rows_of(results / LATENCY))[:enough]
            self.assertEqual(len(set(seen[name])), enough)
        self.assertEqual(seen["first"], seen["again"])
        self.assertNotEqual(seen["first"], seen["other"])
        self.assertEqual({server for server, _, _ in seen["first"]}, {"epoll", "poll"})

    def test_another_seed_or_profile_or_build_is_not_resumed(self):
        needs_descriptors(1200)  # else fewer runs, and said so
        stop_sweep(signal.SIGINT, self.results, LATENCY, "epoll", rows=1)
        before = (self.records / "runs.csv").read_bytes()
        others = {
            ("--seed", "2"): "its seed is '1', not '2'",
            ("--profile", "full"): "its profile is 'quick'",
        }
        for words, phrase in others.items():
            ended = self.sweep("epoll", "--resume", *words)
            self.assertEqual((ended.code, len(ended.err), ended.left), (1, 1, []), ended.err)
            self.assertIn(phrase, ended.err[0])
        environment = self.environment()
        for field in ("commit", "compiler", "flags", "kernel", "cpu"):
            (self.records / "environment.json").write_text(json.dumps({**environment, field: "another"}))
            ended = self.sweep("epoll", "--resume")
            self.assertEqual((ended.code, len(ended.err)), (1, 1), ended.err)
            self.assertIn(f"its {field} is 'another'", ended.err[0])
        self.assertEqual((self.records / "runs.csv").read_bytes(), before)


class Records(Sweep):
    def test_a_whole_sweep(self):
        needs_descriptors(1200)  # else fewer runs, and said so
        ended = self.sweep("blocking-loop", "epoll", "--seed", "7")
        self.assertEqual((ended.code, ended.left), (0, []), ended.err)
        rows = self.assert_intact()
        points = [
            ("epoll", connections, repetition) for repetition in (1, 2) for connections in (8, 100, 1000)
        ]
        self.assertEqual(sorted(order(rows)), sorted(points))
        self.assertEqual([repetition for _, _, repetition in order(rows)], [1, 1, 1, 2, 2, 2])
        for row in rows:
            empty = {column for column, cell in row.items() if cell == ""}
            self.assertLessEqual(empty, MAY_BE_EMPTY)
            self.assertLessEqual({*OPEN_LOOP_COLUMNS, *FAN_OUT_COLUMNS}, empty)
            self.assertEqual((row["active"], row["message_bytes"], row["loop"]), ("8", "14", "closed"))
            columns = ("p50_us", "p90_us", "p99_us", "p999_us", "max_us")
            latencies = [float(row[column]) for column in columns if row[column]]
            self.assertEqual(latencies, sorted(latencies))
        self.assert_environment(ended)

    def assert_environment(self, ended):
        environment = self.environment()
        build = json.loads((BIN / "build.json").read_text())
        self.assertEqual(environment["kernel"].split()[1], os.uname().release)
        self.assertEqual(environment["cores"], os.cpu_count())
        self.assertEqual((environment["seed"], environment["profile"]), (7, "quick"))
        for field in ("compiler", "flags", "commit"):
            self.assertEqual(environment[field], build[field])
        for field in (
            "cpu",
            "time",
            "clock_source",
            "load_average",
            "limit_descriptors",
            "congestion_control",
        ):
            self.assertTrue(environment[field], field)
        self.assertEqual(len(environment["left_out"]), 1)
        self.assertRegex(environment["left_out"][0], "^blocking-loop: .*silent-client-stops-no-one")
        said = [line.removeprefix("left out: ") for line in ended.err if line.startswith("left out: ")]
        self.assertEqual(said, environment["left_out"])

    def test_head_of_line_of_all_servers(self):
        """All at the same time, each in a folder of its own: mostly they wait."""

        def one(server):
            return server, harness("sweep", "head-of-line", server, "--results", self.results / server)

        waits = {}
        with ThreadPoolExecutor() as pool:
            for server, ended in pool.map(one, SERVERS):
                self.assertEqual((ended.code, ended.left), (0, []), ended.err)
                (row,) = rows_of(self.results / server / "head-of-line")
                self.assertEqual((row["errors"], row["timeouts"], row["corrupt"]), ("0", "0", "0"))
                (said,) = [line for line in ended.err if "longest wait" in line]
                waits[server] = float(re.search(r"([0-9.]+) ms", said)[1])
        self.assertGreater(waits.pop("blocking-loop"), 1900)
        self.assertLess(max(waits.values()), 1000, waits)


if __name__ == "__main__":
    unittest.main()
