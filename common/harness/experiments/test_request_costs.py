"""The experiments work-per-request and system-calls: what reaches the servers, and what is recorded of them."""

import csv
import os
import shutil
import signal
import unittest

import pytest

from common.testing.processes import BIN, SERVERS, harness, python_server, rows_of, run, stop_sweep
from common.testing.sweeps import Sweep

pytestmark = pytest.mark.xdist_group("machine")  # measures, or goes to a limit of the machine
WORK = "work-per-request"
CALLS = "system-calls"
WAITS = [(0, 20, "no"), (0, 100, "no"), (0, 500, "no"), (0, 0, "no")]
COMPUTES = [(20, 0, "yes"), (100, 0, "yes"), (500, 0, "yes"), (0, 0, "yes")]
# Notes how it was started and where it may run, then becomes the real one.
NOTING = """#!/bin/sh
echo "$*; $(sed -n 's/^Cpus_allowed_list:[[:space:]]*//p' /proc/self/status)" >> '{log}'
exec '{program}' "$@"
"""


def cost(row):
    return int(row["work_us"]), int(row["wait_us"]), row["all_cores"]


def cores_of(text):
    """The cores of a list such as 0-3,5."""
    cores = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        cores.update(range(int(first), int(last or first) + 1))
    return cores


class WorkPerRequest(Sweep):
    def test_options_and_cores_reach_the_server(self):
        programs = self.results / "bin"
        programs.mkdir()
        for name in ("harness", "servers.csv", "chat_rooms.csv", "build.json"):
            shutil.copy(BIN / name, programs)
        log = self.results / "log"
        (programs / "epoll").write_text(NOTING.format(log=log, program=BIN / "epoll"), encoding="utf-8")
        (programs / "epoll").chmod(0o755)
        ended = run(programs / "harness", "sweep", WORK, "epoll", "--results", self.results)
        self.assertEqual((ended.code, ended.left), (0, []), ended.err)
        rows = rows_of(self.results / WORK)
        self.assertEqual(sorted(cost(row) for row in rows), sorted(2 * (WAITS + COMPUTES)))
        usable = os.sched_getaffinity(0)
        started = [line.split("; ") for line in log.read_text(encoding="utf-8").splitlines()]
        # A run that the hypervisor has disturbed is repeated: the same line once more.
        started = [one for number, one in enumerate(started) if number == 0 or one != started[number - 1]]
        wanted = []
        for work, wait, all_cores in map(cost, rows):
            words = f" --work-us {work}" * (work > 0) + f" --wait-us {wait}" * (wait > 0)
            cores = usable if all_cores == "yes" else {min(usable)}
            wanted.append((f"--port 0{words}", cores))
        wanted = [one for number, one in enumerate(wanted) if number == 0 or one != wanted[number - 1]]
        self.assertEqual([(words, cores_of(cores)) for words, cores in started], wanted)
        samples = [row["samples_file"] for row in rows]
        self.assertEqual(len(set(samples)), len(samples))

    def test_no_request_is_answered_before_it_was_paid_for(self):
        ended = self.sweep("thread-per-connection", experiment=WORK)
        self.assertEqual((ended.code, ended.left), (0, []), ended.err)
        for row in rows_of(self.results / WORK):
            self.assertEqual(
                (row["connections"], row["active"], row["errors"], row["corrupt"]), ("8", "8", "0", "0")
            )
            self.assertGreaterEqual(float(row["p50_us"]), int(row["work_us"]) + int(row["wait_us"]))

    def test_an_interrupted_one_is_resumed(self):
        ended = stop_sweep(signal.SIGINT, self.results, WORK, "epoll", rows=3)
        self.assertEqual((ended.code, ended.left), (130, []), ended.err)
        before = rows_of(self.results / WORK)
        self.assertLess(len(before), 16)
        resumed = self.sweep("epoll", "--resume", experiment=WORK)
        self.assertEqual((resumed.code, resumed.left), (0, []), resumed.err)
        after = rows_of(self.results / WORK)
        self.assertEqual(after[: len(before)], before)
        self.assertEqual(sorted(cost(row) for row in after), sorted(2 * (WAITS + COMPUTES)))

    def test_who_is_left_out(self):
        """The loops by their nature, another's server since it has no such options. The sweep is stopped at once."""
        foreign = ("--", *python_server("asyncio_echo_server.py", "{port}"))
        ended = harness(
            "sweep", WORK, "blocking-loop", "nonblocking-loop", "--results", self.results, *foreign
        )
        self.assertEqual((ended.code, ended.left), (0, []), ended.err)
        self.assertEqual(rows_of(self.results / WORK), [])
        left_out = self.environment(WORK)["left_out"]
        self.assertEqual(len(left_out), 3)
        for line, phrase in zip(
            left_out, ("silent-client-stops-no-one", "idle-costs-no-cpu", "no options --work-us")
        ):
            self.assertIn(phrase, line)


class SystemCalls(Sweep):
    def calls(self, row):
        with open(self.results / CALLS / row["samples_file"], newline="", encoding="utf-8") as file:
            return {line["call"]: float(line["per_request"]) for line in csv.DictReader(file)}

    @unittest.skipUnless(shutil.which("strace"), "strace is not installed")
    def test_each_request_is_received_and_sent_once(self):
        ended = self.sweep(experiment=CALLS)
        self.assertEqual((ended.code, ended.left), (0, []), ended.err)
        rows = {(row["server"], row["connections"]): row for row in rows_of(self.results / CALLS)}
        self.assertEqual(
            set(rows), {(server, connections) for server in SERVERS for connections in ("1", "20")}
        )
        for (server, connections), row in rows.items():
            with self.subTest(f"{server}, {connections} connections"):
                said = [
                    line for line in ended.err if line.startswith(f"{server}, {connections} connections: ")
                ]
                self.assertNotIn("not counted", *said)
                calls = self.calls(row)
                self.assertAlmostEqual(
                    float(row["server_system_calls_per_request"]), sum(calls.values()), delta=0.01
                )
                self.assertGreater(
                    int(row["server_voluntary_switches"]) + int(row["server_involuntary_switches"]), 0
                )
                if server == "io-uring":
                    self.assertNotIn("sendto", calls)
                    continue
                self.assertAlmostEqual(calls["sendto"], 1, delta=0.05)
                self.assertGreater(calls["recvfrom"], 0.95)
                if server in ("thread-per-connection", "process-per-connection"):
                    self.assertAlmostEqual(sum(calls.values()), 2, delta=0.1)
        # With one connection nothing can be shared: a wait for each request.
        for server, wait in (("select", "pselect6"), ("poll", "poll"), ("epoll", "epoll_wait")):
            self.assertAlmostEqual(self.calls(rows[server, "1"])[wait], 1, delta=0.05)
            self.assertLess(self.calls(rows[server, "20"])[wait], 1)

    def without_counts(self, environment, *phrases, servers=("epoll",)):
        ended = run(BIN / "harness", "sweep", CALLS, *servers, "--results", self.results, env=environment)
        self.assertEqual((ended.code, ended.left), (0, []), ended.err)
        rows = rows_of(self.results / CALLS)
        self.assertEqual(len(rows), 2)
        for row in rows:
            self.assertEqual((row["server_system_calls_per_request"], row["samples_file"]), ("", ""))
            self.assertNotEqual(row["server_voluntary_switches"], "")
        said = [line for line in ended.err if "system calls not counted: " in line]
        self.assertEqual(len(said), 2)
        for phrase in phrases:
            self.assertIn(phrase, said[0])

    def test_without_strace_only_the_switches_are_measured(self):
        self.without_counts(
            {"PATH": str(self.results)},
            "context switches a request; ",
            "strace was not found (Debian: strace)",
        )

    def test_where_tracing_is_not_allowed(self):
        strace = self.results / "strace"
        strace.write_text(
            "#!/bin/sh\necho 'strace: attach: ptrace(PTRACE_SEIZE, 1): Operation not permitted' >&2\nexit 1\n"
        )
        strace.chmod(0o755)
        self.without_counts(
            {"PATH": f"{self.results}:/usr/bin:/bin"}, "ended at once (exit 1)", "Operation not permitted"
        )


if __name__ == "__main__":
    unittest.main()
