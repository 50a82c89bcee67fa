"""Lab 15: servers that are not ours, and `make own`, which judges, measures and draws any server."""

import json
import re
import shutil
import sys
import tempfile
import unittest
from pathlib import Path

import pytest

from common.testing.processes import (
    BIN,
    ROOT,
    Family,
    Server,
    expected_of,
    finish,
    harness,
    known_servers,
    lacked_descriptors,
    rows_of,
    run,
    start,
)

pytestmark = pytest.mark.xdist_group("machine")  # measures, or goes to a limit of the machine
LAB = ROOT / "labs" / "15-your-own-server"
ASYNCIO = (sys.executable, LAB / "asyncio-echo.py", "--port", "0")
ONE_LINER = "socat TCP-LISTEN:{port},bind=127.0.0.1,backlog=4096,nodelay,fork EXEC:cat"
# Echoes, but it ends when more than five clients are connected.
FRAGILE = """
import os, socket, threading

def echo(client):
    try:
        while data := client.recv(65536):
            client.sendall(data)
    except OSError:
        pass
    clients.discard(client)

listener = socket.create_server(("127.0.0.1", 0), backlog=100)
print("listening on 127.0.0.1:%d" % listener.getsockname()[1], flush=True)
clients = set()
while True:
    client, _ = listener.accept()
    clients.add(client)
    if len(clients) > 5:
        os.write(2, b"too many clients\\n")
        os._exit(3)
    threading.Thread(target=echo, args=(client,), daemon=True).start()
"""


def behaviours():
    return list(expected_of(known_servers()[0]))


class Temporary(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)


class Matrix(Temporary):
    """What each of the examples answers to all questions of `check`."""

    def assert_answers(self, command, **exceptions):
        ended = harness("check", "--json", "--", *command)
        self.assertEqual(ended.left, [], ended.err)
        findings = json.loads(ended.text)["servers"][0]["findings"]
        expected = {name: ("yes",) for name in behaviours()}
        expected.update({name.replace("_", "-"): answers for name, answers in exceptions.items()})
        self.assertEqual({cell["behaviour"] for cell in findings}, set(expected))
        wrong = [
            cell
            for cell in findings
            if cell["answer"] not in expected[cell["behaviour"]] and not lacked_descriptors(cell)
        ]
        self.assertEqual(wrong, [])

    def test_asyncio(self):
        self.assert_answers(ASYNCIO, restarts_on_its_port=("n/a",))

    @unittest.skipUnless(shutil.which("socat"), "socat is not installed")
    def test_one_liner(self):
        """A signal ends socat with 128 + its number, and its children go on until their clients leave."""
        self.assert_answers(
            ONE_LINER.split(),
            stops_cleanly=("no",),
            restarts_on_its_port=("no",),
            survives_fd_exhaustion=("n/a",),
        )

    @unittest.skipUnless(shutil.which("go"), "Go is not installed")
    def test_goroutines(self):
        self.assert_answers(
            (build_go("goroutine-echo", self.folder), "--port", "0"), restarts_on_its_port=("n/a",)
        )


class Asyncio(unittest.TestCase):
    def test_a_port_in_use(self):
        with Server(*ASYNCIO) as server:
            ended = run(*ASYNCIO[:-1], server.port)
        self.assertEqual((ended.code, ended.out, len(ended.err)), (1, [], 1))
        self.assertRegex(ended.err[0], f"^asyncio-echo: Address already in use .*{server.port}")


def build_go(name, folder):
    """Builds one of the Go examples; its cache goes with the folder."""
    family = Family()
    family.environment["GOCACHE"] = str(folder / "cache")
    ended = finish(start(("go", "build", "-o", folder / name, LAB / f"{name}.go"), family), family)
    if ended.code != 0:
        raise AssertionError(ended.err)
    return folder / name


@unittest.skipUnless(shutil.which("go"), "Go is not installed")
class WaitingGoroutines(Temporary):
    def setUp(self):
        super().setUp()
        self.program = build_go("waiting-goroutines", self.folder)

    def bytes_for_each(self, *options):
        """At 1000 and at 3000 goroutines."""
        ended = run(self.program, "--count", "3000", *options)
        self.assertEqual((ended.code, ended.err, len(ended.out)), (0, [], 4), ended.out)
        self.assertEqual(
            re.split("  +", ended.out[0].strip()),
            ["goroutines", "resident MB", "bytes for each", "ns to make one"],
        )
        rows = [line.split() for line in ended.out[1:3]]
        self.assertEqual([row[0] for row in rows], ["1000", "3000"])
        self.assertEqual(ended.out[3], "all 3000 found their clients gone and have ended")
        return [float(row[2]) for row in rows]

    def test_the_table_and_that_each_has_a_stack_and_a_buffer(self):
        """The smallest stack has 2048 bytes; of a buffer that holds one word a page is touched."""
        alone, with_buffer = self.bytes_for_each(), self.bytes_for_each("--buffer", "16384")
        for without, more in zip(alone, with_buffer):
            self.assertGreater(without, 2048)
            self.assertGreater(more, without + 3000)

    def test_bad_options(self):
        for options in (("--count", "0"), ("--buffer", "-1"), ("many",)):
            ended = run(self.program, *options)
            self.assertEqual((ended.code, ended.out, len(ended.err)), (2, [], 1), options)


class MakeOwn(Temporary):
    def own(self, server, *experiments, profile="quick", seed=1):
        family = Family()
        family.environment["SERVER"] = server
        self.results = self.folder / "results"
        words = ("common/setup/run-own.sh", BIN, profile, seed, self.results, *experiments)
        ended = finish(start(words, family), family, 300)
        self.assertEqual(ended.left, [])
        return ended

    def refuses(self, server, *phrases, **options):
        with self.subTest(server):
            ended = self.own(server, **options)
            self.assertEqual((ended.code, ended.out, len(ended.err)), (2, [], 1), ended.err)
            for phrase in ("own: ", *phrases):
                self.assertIn(phrase, ended.err[0])
            self.assertFalse((self.results / "behaviours.json").exists())

    def test_commands_that_start_no_server(self):
        for nothing in ("", "  "):
            self.refuses(nothing, 'make own SERVER="')
        self.refuses("python3 'my server.py", "quote", "'my server.py")
        self.refuses("no-such-program --port 0", "no such program", "'no-such-program'")
        self.refuses("python3 missing.py {port}", "ended at once", "missing.py")
        self.refuses("sleep 60", "never announced itself", "{port}")
        self.refuses("sh -c 'echo good morning; exec sleep 60'", "'good morning' instead of", "{port}")
        self.refuses("true", "PROFILE", "'huge'", profile="huge")

    def test_nothing_of_a_command_is_run_by_a_shell(self):
        self.refuses(f"true $(touch {self.folder}/made) ; touch {self.folder}/made", "ended at once")
        self.assertFalse((self.folder / "made").exists())

    def servers_in(self, experiment):
        return sorted(row["server"] for row in rows_of(self.results / experiment))

    def test_judged_measured_and_drawn(self):
        ended = self.own(f"{sys.executable} '{LAB}/asyncio-echo.py' --port 0", "head-of-line")
        self.assertEqual(ended.code, 0, ended.err)
        name = f"{Path(sys.executable).name} asyncio-echo.py --port 0"
        judged = json.loads((self.results / "behaviours.json").read_text())
        self.assertEqual([server["server"] for server in judged["servers"]], [name])
        self.assertEqual(self.servers_in("head-of-line"), sorted([name, "epoll", "thread-per-connection"]))
        self.assertTrue((self.results / "charts" / "waiting-client-by-client.svg").exists())
        self.assertIn(f"{self.results}/charts/", ended.out[-1])

    def test_one_that_ends_under_load(self):
        """With this seed it is measured first, and the sweep ends before any of ours."""
        script = self.folder / "fragile.py"
        script.write_text(FRAGILE)
        ended = self.own(f"{sys.executable} {script}", "head-of-line", seed=2)
        self.assertEqual(ended.code, 1)
        said = [line for line in ended.err if line.startswith(("harness: ", "own: "))]
        self.assertEqual(len(said), 2, ended.err)
        self.assertIn("ended during the run (exit 3): too many clients", said[0])
        self.assertIn("head-of-line: your server could not be measured", said[1])
        self.assertEqual(self.servers_in("head-of-line"), ["epoll", "thread-per-connection"])
        self.assertTrue((self.results / "charts" / "waiting-client-by-client.svg").exists())
        self.assertIn(f"{self.results}/charts/", ended.out[-1])


if __name__ == "__main__":
    unittest.main()
