"""Bad input, of users and of surroundings: one clear line, the right exit code, nothing left behind or lost.

Exit 2: what was asked for is not allowed. Exit 1: it is, but the server or the machine doesn't do it.
"""

import json
import re
import resource
import shutil
import signal
import socket
import sys
import tempfile
import unittest
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from common.testing.processes import BIN, ROOT, SERVERS, harness, needs_descriptors, rows_of, run, stop_sweep

PROGRESS = re.compile(r"[a-z-]+ \d+/\d+: .*")
UNRESOLVED = "no-such-host.invalid"  # never resolves: RFC 2606
# Holds the port that it is given, so that nobody else's server answers there, and never listens.
DEAF = """
import signal, socket, sys
deaf = socket.socket()
deaf.bind(("127.0.0.1", int(sys.argv[1])))
signal.pause()
"""
GARBAGE = """
import socket
listener = socket.create_server(("127.0.0.1", 0))
print("listening on 127.0.0.1:%d" % listener.getsockname()[1], flush=True)
while True:
    client, _ = listener.accept()
    client.sendall(b"220 good morning, this is not an echo")
    client.detach()
"""


class OneLine(unittest.TestCase):
    """Programs run in an empty folder of their own: what they write there shows."""

    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def contents(self):
        return sorted(str(path.relative_to(self.folder)) for path in self.folder.rglob("*"))

    def assert_one_line(self, ended, code, program, *phrases):
        """`ended` with `code`, said one thing and said it in one line, and left no process."""
        said = [line for line in ended.err if not PROGRESS.fullmatch(line)]
        self.assertEqual((ended.code, len(said), ended.left), (code, 1, []), ended.err)
        for phrase in (f"{program}: ", *phrases):
            self.assertIn(str(phrase), said[0])

    def refuses(self, words, *phrases):
        """The harness says in one line what was wrong and what is allowed, and has done nothing."""
        with self.subTest(" ".join(map(str, words))):
            before = self.contents()
            ended = harness(*words, cwd=self.folder)
            self.assert_one_line(ended, 2, "harness", *phrases)
            self.assertEqual((ended.out, self.contents()), ([], before))

    def fails(self, words, *phrases, **options):
        """The harness says in one line what went wrong."""
        with self.subTest(" ".join(map(str, words))):
            self.assert_one_line(harness(*words, cwd=self.folder, **options), 1, "harness", *phrases)


class Servers(OneLine):
    def each_refuses(self, code, options, *phrases):
        for name in SERVERS:
            with self.subTest(f"{name} {options}"):
                ended = run(BIN / name, *options, cwd=self.folder)
                self.assert_one_line(ended, code, name, *phrases)
                self.assertEqual(ended.out, [])

    def test_ports_that_are_none(self):
        for port in ("65536", "-1", "http", "", "80x", "99999999999999999999"):
            self.each_refuses(2, ("--port", port), "--port takes a whole number from 0 to 65535", f"'{port}'")

    def test_a_port_in_use(self):
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
            self.each_refuses(1, ("--port", port), f"bind 127.0.0.1:{port}: Address already in use")

    def test_options_that_are_none(self):
        for options, word in ((("--verbose",), "--verbose"), (("9000",), "9000"), (("--port",), "--port")):
            self.each_refuses(2, options, word, "--help")

    def test_a_host_that_does_not_resolve(self):
        self.each_refuses(2, ("--host", UNRESOLVED, "--port", "0"), UNRESOLVED, "does not resolve")

    def test_a_host_that_is_not_here(self):
        self.each_refuses(1, ("--host", "192.0.2.1", "--port", "0"), "bind 192.0.2.1:0", "Cannot assign")

    def test_nowhere_to_announce(self):
        with open("/dev/full", "w", encoding="utf-8") as full:
            for name in SERVERS:
                ended = run(BIN / name, "--port", "0", stdout=full)
                self.assert_one_line(ended, 1, name, "write to stdout: No space left on device")


class Harness(OneLine):
    def test_unknown_words(self):
        self.refuses((), "--help")
        self.refuses(("measure",), "--help")
        self.refuses(("check", "--verbose"), "--verbose")
        for command in (("check",), ("load",), ("sweep", "head-of-line")):
            self.refuses((*command, "epol"), "unknown server 'epol'", *SERVERS, "after --")
        self.refuses(
            ("sweep", "latency"), "unknown experiment 'latency'", "latency-vs-connections", "head-of-line"
        )
        self.refuses(("sweep",), "experiment")
        self.refuses(("load",), "one server")
        self.refuses(("load", "poll", "epoll"), "one server")

    def test_loads_that_are_none(self):
        for option, word, phrase in (
            ("--connections", "0", "from 1 to"),
            ("--connections", "-5", "from 1 to"),
            ("--connections", "many", "a whole number"),
            ("--active", "51", "from 1 to 50"),
            ("--active", "0", "from 1 to 50"),
            ("--active", "101%", "up to 100%"),
            ("--active", "few", "from 1 to 50"),
            ("--message-bytes", "11", "from 12 to"),
            ("--message-bytes", "0", "from 12 to"),
            ("--duration", "0", "from 0.01 to 3600"),
            ("--duration", "-1", "from 0.01 to 3600"),
            ("--duration", "nan", "from 0.01 to 3600"),
            ("--warm-up", "-1", "from 0 to 3600"),
        ):
            self.refuses(("load", "epoll", option, word), option, phrase, f"'{word}'")

    def test_rates_that_are_none(self):
        for rate in ("0", "-5", "0.5", "many", "10x", "nan", "inf", "1000001"):
            self.refuses(("load", "epoll", "--rate", rate), "--rate", "from 1 to 1000000", f"'{rate}'")
        self.refuses(("load", "epoll", "--rate", "10", "--active", "0"), "--active", "from 1 to 50")
        self.refuses(("load", "epoll", "--arrivals", "poisson"), "--arrivals", "give --rate")
        self.refuses(("load", "epoll", "--rate", "10", "--arrivals", "often"), "fixed, poisson", "'often'")
        for rate, duration in (("1000000", "60"), ("5", "0.1")):
            self.refuses(
                ("load", "epoll", "--rate", rate, "--duration", duration), "requests: a run takes from 1 to"
            )

    def test_comparisons_that_are_none(self):
        for words in ((), ("epoll",), ("--", "cat")):
            self.refuses(("compare", *words), "two servers or more")
        self.refuses(("compare", "epoll", "epol"), "unknown server 'epol'")
        for words in (("--", "true", "--"), ("--", "--", "true")):
            self.refuses(("compare", "epoll", *words), "after each --", "command")
        for rate in ("0", "-5", "many"):
            self.refuses(("compare", "epoll", "poll", "--rate", rate), "--rate", "from 1 to", f"'{rate}'")
        for option, word in (("--rounds", "0"), ("--at-most", "0"), ("--connections", "0"), ("--seed", "-1")):
            self.refuses(("compare", "epoll", "poll", option, word), option, f"'{word}'")
        self.refuses(("compare", "epoll", "poll", "--active", "51"), "--active", "from 1 to 50")
        self.refuses(("compare", "epoll", "poll", "--connect", "127.0.0.1"), "HOST:PORT", "'127.0.0.1'")
        for addresses in (",", ",127.0.0.1:9", "127.0.0.1:9,,127.0.0.1:8", "127.0.0.1:9,"):
            self.refuses(
                ("compare", "epoll", "--connect", addresses), "HOST:PORT", f"'{addresses}'", "no address"
            )
        self.refuses(
            ("compare", "epoll", "select", "--connections", "3000"),
            "select can't serve 3000",
            "1000 or fewer",
        )
        self.refuses(
            ("compare", "epoll", "blocking-loop", "--active", "1"), "stops at a silent", "--active 100%"
        )

    def test_differences_that_are_none(self):
        """Of what the folders hold, plots/test_diff.py has the rest. That it finds its own program, wherever it is called."""
        for words in ((), ("one",), ("one", "two", "three")):
            self.refuses(("diff", *words), "two folders of results")
        self.refuses(("diff", ROOT / "docs" / "reference", "."), "has no results")
        self.refuses(("diff", "missing", ROOT / "docs" / "reference"), "missing: is no folder")
        plots = self.folder / "plots"
        plots.mkdir()
        (plots / "diff.py").write_text("raise SystemExit('this is not ours')")
        self.refuses(("diff", "--", "-x", "."), "-x: is no folder")
        ended = harness("diff", *2 * [ROOT / "docs" / "reference"], cwd=self.folder)
        self.assertEqual((ended.code, ended.err, ended.left), (0, [], []))
        self.assertIn("latency-vs-connections", ended.out)

    def test_exports_that_are_none(self):
        """Of what a folder holds, plots/test_export.py has the rest."""
        self.refuses(("export",), "--hdr FILE, --csv FILE")
        self.refuses(("export", "one", "two", "--csv", "x"), "one folder")
        self.refuses(("export", "--csv", "x"), "results/load: has no runs")
        self.refuses(("export", "--hdr", "-x", "--", "-y"), "-y: has no runs")
        ended = harness(
            *("export", ROOT / "docs" / "reference" / "byte-ribbon", "--csv", "x"), cwd=self.folder
        )
        self.assertEqual((ended.code, ended.out, len(ended.err)), (2, [], 1))
        self.assertIn("No such file or directory", ended.err[0])

    def test_more_connections_than_descriptors(self):
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        if 0 <= limit < 1_000_000:
            self.refuses(("load", "epoll", "--connections", "1000000"), "1000000", str(limit), "ulimit -n")
            self.refuses(
                ("compare", "epoll", "poll", "--connections", str(limit // 3)),
                "to each of 3 servers at once",
                str(limit),
                "ulimit -n",
                f"--connections {(limit - 50) // 3} or fewer",
            )

    def test_sweeps_that_are_none(self):
        self.refuses(("sweep", "head-of-line", "--profile", "huge"), "quick, full", "'huge'")
        self.refuses(("sweep", "head-of-line", "--seed", "-1"), "--seed", "from 0 to", "'-1'")

    def test_servers_where_none_are_taken(self):
        for experiment in ("byte-ribbon", "write-write-read"):
            for words in (("epoll",), ("all",), ("epol",), ("--connect", "127.0.0.1:9"), ("--", "cat")):
                self.refuses(
                    ("sweep", experiment, *words), f"{experiment} starts programs of its own", "alone"
                )

    def test_addresses_that_are_none(self):
        for command in (("check",), ("load",), ("sweep", "head-of-line")):
            for address in (
                "127.0.0.1",
                "127.0.0.1:",
                ":9000",
                "127.0.0.1:0",
                "127.0.0.1:65536",
                "127.0.0.1:http",
            ):
                self.refuses((*command, "--connect", address), "HOST:PORT", f"'{address}'")
            self.refuses((*command, "--connect", f"{UNRESOLVED}:9000"), UNRESOLVED, "does not resolve")
            self.refuses((*command, "--"), "after --", "command")


class BadServers(OneLine):
    """A server that does not do its part: exit 1."""

    def each_fails(self, server, *phrases):
        for command in (("check",), ("load",), ("sweep", "head-of-line")):
            self.fails((*command, "--", *server), *phrases)

    def test_one_that_ends_at_once(self):
        self.each_fails(
            ("sh", "-c", "echo my last words >&2; exit 7"), "ended at once (exit 7): my last words"
        )
        self.each_fails(("sh", "-c", "kill -9 $$"), "ended at once (killed by signal 9")

    def test_one_that_cannot_be_executed(self):
        self.each_fails((self.folder / "missing",), "does not start: No such file or directory")
        plain = self.folder / "plain.txt"
        plain.write_text("no program")
        self.each_fails((plain,), "does not start: Permission denied")

    def test_one_that_announces_something_else(self):
        for said in ("hello", "listening on nowhere", "listening on 127.0.0.1:99999", r"\377\376"):
            self.each_fails(
                ("sh", "-c", f"printf '{said}\\n'; exec sleep 60"), "instead of 'listening on HOST:PORT'"
            )
        elsewhere = f"echo listening on {UNRESOLVED}:9; exec sleep 60"
        self.each_fails(("sh", "-c", elsewhere), UNRESOLVED, "does not resolve")

    def test_one_that_never_announces_itself_or_accepts(self):
        """Two at the same time: the harness waits ten seconds."""
        with ThreadPoolExecutor() as pool:
            announces = pool.submit(harness, "load", "--", "sleep", "60", cwd=self.folder)
            deaf = (self.script("deaf.py", DEAF), "{port}")
            elsewhere = ("--results", self.folder / "elsewhere")
            accepts = pool.submit(harness, "sweep", "head-of-line", *elsewhere, "--", *deaf, cwd=self.folder)
        self.assert_one_line(announces.result(), 1, "harness", "never announced itself", "within 10 s")
        self.assert_one_line(accepts.result(), 1, "harness", "did not listen on port", "within 10 s")

    def test_one_that_speaks_garbage(self):
        options = ("--connections", "5", "--duration", "0.1")
        ended = harness("load", *options, "--", self.script("garbage.py", GARBAGE), cwd=self.folder)
        self.assertEqual((ended.err, ended.left), ([], []))
        row = rows_of(self.folder / "results" / "load")[0]
        self.assertEqual((row["requests"], row["corrupt"]), ("0", "5"))

    def test_those_that_cannot_be_compared_are_said_each_in_a_line(self):
        """And what an earlier comparison has recorded stays where it is."""
        records = self.folder / "results" / "compare"
        records.mkdir(parents=True)
        (records / "runs.csv").write_text("two\nlines\n")
        before = self.contents()
        with socket.create_server(("127.0.0.1", 0)) as listener:
            nobody = f"127.0.0.1:{listener.getsockname()[1]}"
        commands = ("--", "false", "--", "./missing", "--", *(self.script("garbage.py", GARBAGE),))
        ended = harness("compare", "epoll", "--connect", nobody, *commands, cwd=self.folder)
        self.assertEqual((ended.code, ended.out, ended.left), (2, [], []), ended.err)
        for line, phrase in zip(
            ended.err,
            (
                f"'{nobody}' does not echo",
                "'false' ended at once",
                "does not start: No such file",
                "wrong bytes",
            ),
            strict=True,
        ):
            self.assertTrue(line.startswith("harness: server "), line)
            self.assertIn(phrase, line)
        self.assertEqual(self.contents(), sorted([*before, "garbage.py"]))

    def test_one_that_ends_under_load(self):
        dies = GARBAGE.replace(
            'client.sendall(b"220 good morning, this is not an echo")', "raise SystemExit(3)"
        )
        self.fails(("load", "--", self.script("dies.py", dies)), "ended during the load (exit 3)")

    def script(self, name, text):
        path = self.folder / name
        path.write_text(f"#!{sys.executable}\n{text}")
        path.chmod(0o755)
        return path

    def test_nobody_at_the_address(self):
        with socket.create_server(("127.0.0.1", 0)) as listener:
            port = listener.getsockname()[1]
            listener.close()
            self.fails(
                ("sweep", "head-of-line", "--connect", f"127.0.0.1:{port}"), f":{port}: Connection refused"
            )


class Results(OneLine):
    LOAD = (*"load epoll --connections 2 --duration 0.05 --warm-up 0 --tries 1".split(),)

    def test_folders_that_cannot_be_written(self):
        (self.folder / "file").write_text("precious")
        for folder in (
            self.folder / "file",
            self.folder / "file" / "below",
            "/dev/null/results",
            "/proc/results",
        ):
            self.fails((*self.LOAD, "--results", folder), "can't make the folder", str(folder))
            self.fails(
                ("sweep", "head-of-line", "epoll", "--results", folder), "can't make the folder", str(folder)
            )
        self.assertEqual((self.folder / "file").read_text(), "precious")

    def test_a_matrix_that_cannot_be_saved_is_said_before_the_judging(self):
        (self.folder / "made").mkdir()
        for path, phrase in (
            ("/proc/nothing.json", "can't write /proc/nothing.json"),
            (self.folder / "made", "it is a folder"),
            ("/dev/null/below/matrix.json", "can't make the folder"),
        ):
            with self.subTest(path):
                ended = harness("check", "epoll", "--save", path)
                self.assertEqual((ended.code, ended.out, len(ended.err)), (1, [], 1), ended.err)
                self.assertIn(phrase, ended.err[0])
        ended = harness("check", "--save", self.folder / "matrix.json", "--", "false")
        self.assertEqual((ended.code, self.contents()), (1, ["made"]), "an attempt leaves nothing")

    def test_nobody_listens_to_the_progress(self):
        """stderr closed or full: what was asked for is done, and no socket takes the stream's number."""
        for no_stderr in ('exec "$@" 2>&-', 'exec "$@" 2>/dev/full', 'exec "$@" <&- 2>&-'):
            with self.subTest(no_stderr):
                results = self.folder / "results"
                ended = run("sh", "-c", no_stderr, "sh", BIN / "harness", *self.LOAD, "--results", results)
                self.assertEqual((ended.code, ended.err), (0, []))
                self.assertIn("figures ", ended.text)
                ended = run("sh", "-c", no_stderr, "sh", BIN / "harness", "check", "epoll")
                self.assertEqual((ended.code, ended.out[-1]), (0, "all as expected"), ended.out)

    def test_a_closed_stdout_is_said(self):
        ended = run("sh", "-c", 'exec "$@" >&-', "sh", BIN / "harness", "list")
        self.assert_one_line(ended, 1, "harness")

    def test_a_file_that_grows_too_large(self):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (256, 256))

        self.fails(self.LOAD, "can't write", "environment.json", "File too large", preexec_fn=limit)
        self.assertEqual([path for path in self.contents() if path.endswith((".new", ".json", ".csv"))], [])

    def test_a_full_disk_costs_no_finished_run(self):
        """The file that is written beside runs.csv is one on a device that is always full."""
        needs_descriptors(1200)  # else fewer runs, and said so
        ended = stop_sweep(signal.SIGINT, self.folder, "latency-vs-connections", "epoll")
        self.assertEqual(ended.code, 130, ended.err)
        records = self.folder / "latency-vs-connections"
        before = (records / "runs.csv").read_bytes()
        (records / "runs.csv.new").symlink_to("/dev/full")
        resume = ("sweep", "latency-vs-connections", "epoll", "--resume", "--results", self.folder)
        self.fails(resume, f"can't write {records}/runs.csv: No space left on device")
        self.assertEqual((records / "runs.csv").read_bytes(), before)
        self.assertEqual(list(records.glob("*.new")), [])

    def test_a_failure_costs_no_finished_run(self):
        results = ("--results", self.folder)
        self.assertEqual(harness(*self.LOAD, *results).code, 0)
        before = rows_of(self.folder / "load")
        self.assertEqual(len(before), 1)
        for _ in range(2):
            self.fails(("load", *results, "--", "false"), "ended at once")
            self.refuses(("load", "epol", *results), "unknown server")
        self.assertIn(before, [rows_of(self.folder / name) for name in ("load", "load.previous")])

    def test_nothing_to_resume(self):
        sweep = ("sweep", "head-of-line", "epoll", "--resume", "--results", self.folder / "none")
        self.fails(sweep, "nothing to resume", "start without --resume")
        self.assertEqual(self.contents(), [])

    def test_builds_that_are_not_for_measuring(self):
        """A copy of the harness beside a build.json that says so."""
        programs = self.folder / "bin"
        programs.mkdir()
        for name in ("harness", "servers.csv", "chat_rooms.csv", "epoll"):
            shutil.copy(BIN / name, programs)
        for sanitize, phrase in (
            ("address,undefined", "sanitizers: address,undefined"),
            ("", "not optimised"),
        ):
            build = {
                "compiler": "g++",
                "flags": "-O0",
                "sanitize": sanitize,
                "commit": "c",
                "measurable": False,
            }
            (programs / "build.json").write_text(json.dumps(build))
            for words in (self.LOAD, ("sweep", "head-of-line", "epoll")):
                ended = run(programs / "harness", *words, cwd=self.folder)
                self.assert_one_line(ended, 2, "harness", "not for measuring", phrase, "make build")
        self.assertFalse((self.folder / "results").exists())


if __name__ == "__main__":
    unittest.main()
