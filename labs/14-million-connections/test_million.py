"""million: what it opens answers, limits are said, and nothing is left behind."""

import contextlib
import ctypes
import os
import pty
import re
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import unittest
from pathlib import Path
from typing import Any

import pytest

from common.testing.processes import BIN, Family, finish, read_line, run, start, wait_until

pytestmark = pytest.mark.xdist_group("machine")  # measures, or goes to a limit of the machine
MILLION = BIN / "million"
EPHEMERAL = Path("/proc/sys/net/ipv4/ip_local_port_range")
TIME_WAIT, LISTEN = "06", "0A"


def figures(ended):
    """The report's lines by their names; of `opened` and `answered` the two numbers too."""
    lines = {name: text.strip() for name, text in (line.split(":", 1) for line in ended.out)}
    counts = [name for name in ("opened", "answered") if name in lines]
    return lines, {name: tuple(map(int, re.findall(r"\d+", lines[name])[:2])) for name in counts}


def sockets(state):
    """(local, remote) of the IPv4 sockets in this state, each (address, port), with the inode."""
    found = []
    for line in Path("/proc/net/tcp").read_text(encoding="ascii").splitlines()[1:]:
        words = line.split()
        if words[3] == state:
            found.append((end(words[1]), end(words[2]), words[9]))
    return found


def end(word):
    address, port = word.split(":")
    return socket.inet_ntoa(bytes.fromhex(address)[::-1]), int(port, 16)


def descriptors(process):
    """Its open descriptors and what they are."""
    found = {}
    with contextlib.suppress(OSError):
        for link in Path(f"/proc/{process}/fd").iterdir():
            with contextlib.suppress(OSError):
                found[int(link.name)] = os.readlink(link)
    return found


def can_raise(limit):
    """True if a process with this hard limit may raise it."""

    def attempt():
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
        resource.setrlimit(resource.RLIMIT_NOFILE, (limit + 1, limit + 1))

    try:
        subprocess.run(["true"], preexec_fn=attempt, check=True)
        return True
    except subprocess.SubprocessError:
        return False


def only(limit):
    return {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))}


class Running:
    """million, halted while it holds open connections, until told to go on. It can't get further than its report, which
    comes before the answers: nothing fits into its stdout. (It has few descriptors a process, where that limit holds: many
    take long to look at.)"""

    def __init__(self, *words, prefix=()):
        self.process: Any = None
        self.family = Family()
        out, full = os.pipe()
        os.set_blocking(full, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(full, b"\n" * 4096)
        os.set_blocking(full, True)
        self.process = start([*prefix, MILLION, *words], self.family, stdout=full, **only(256))
        self.process.stdout = os.fdopen(out, encoding="utf-8")
        os.close(full)

    def __enter__(self):
        if not read_line(self.process.stderr, 30):
            ended = self.go_on()
            raise AssertionError(f"opened too few to begin with: {ended.out} {ended.err}")
        self.process.send_signal(signal.SIGSTOP)
        wait_until(self.listeners)
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.family.kill()
        self.process.communicate()

    def children(self):
        return [number for number in self.family.processes() if number != self.process.pid]

    def listeners(self):
        """Where its processes listen."""
        texts = {text for child in self.children() for text in descriptors(child).values()}
        inodes = {text[8:-1] for text in texts if text.startswith("socket:")}
        return [local for local, _, inode in sockets(LISTEN) if inode in inodes]

    def go_on(self):
        self.process.send_signal(signal.SIGCONT)
        ended = finish(self.process, self.family, 60)
        ended.out = [line for line in ended.out if line]
        return ended


class Answers(unittest.TestCase):
    def assert_all_answer(self, ended, connections):
        lines, pairs = figures(ended)
        self.assertEqual((ended.code, ended.left), (0, []), ended.err)
        self.assertEqual(
            pairs, {"opened": (connections, connections), "answered": (connections, connections)}
        )
        self.assertEqual(lines["stopped by"], "nothing")
        # The machine's, not the program's alone: what ends beside it may give more back than the connections take.
        self.assertRegex(lines["kernel memory"], r"^-?\d+ bytes of slab per connection")
        self.assertRegex(lines["user memory"], r"^\d+ bytes per connection")
        return int(re.match(r"\d+", lines["processes"])[0]), lines["processes"]

    def test_few(self):
        for connections in (1, 2000):
            with self.subTest(connections):
                self.assert_all_answer(run(MILLION, "--connections", connections), connections)

    def test_more_than_one_process_may_hold(self):
        processes, text = self.assert_all_answer(run(MILLION, "--connections", 30_000, **only(256)), 30_000)
        if can_raise(256):
            self.skipTest("the hard descriptor limit can be raised here: few processes are enough")
        self.assertGreater(processes, 30_000 * 2 // 256)
        self.assertIn("up to 256 descriptors each (the hard limit; raising it: ", text)

    def test_the_soft_limit_is_raised(self):
        hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
        options = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, hard))}
        processes, _ = self.assert_all_answer(run(MILLION, "--connections", 2000, **options), 2000)
        self.assertLessEqual(processes, max(os.cpu_count(), 1 + 4000 // (hard - 64)))

    def test_one_that_is_cut_or_answers_wrongly_is_counted(self):
        for harm in (lambda end: end.send(b"nonsense"), lambda end: end.shutdown(socket.SHUT_RDWR)):
            with self.subTest(), Running("--connections", "2500") as running:
                with self.server_end(running) as end:
                    harm(end)
                ended = running.go_on()
                self.assertEqual((ended.code, ended.left), (1, []), ended.err)
                self.assertEqual(figures(ended)[1], {"opened": (2500, 2500), "answered": (2499, 2500)})

    def server_end(self, running):
        """A second descriptor of one of the connections inside a process of its."""
        pidfd_getfd = 438
        child = running.children()[0]
        with contextlib.closing(os.fdopen(os.pidfd_open(child))) as process:
            for number in (
                number for number, text in descriptors(child).items() if text.startswith("socket:")
            ):
                copy = ctypes.CDLL(None).syscall(pidfd_getfd, process.fileno(), number, 0)
                if copy < 0:
                    self.skipTest("this machine forbids to reach into another process")
                end = socket.socket(fileno=copy)
                with contextlib.suppress(OSError):  # the listener has no peer
                    if end.getpeername()[0] == "127.0.0.1":
                        return end
                end.close()
        raise AssertionError("no connection found")


class Limits(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def pretending(self, folders=None, **files):
        """A command's beginning: what follows finds these texts in place of the kernel's files. A private mount namespace
        does it; who isn't root needs a user namespace too."""
        unshare = ["unshare", "-m"] if os.geteuid() == 0 else ["unshare", "-rm"]
        binds = [f'mount --bind "{folder}" {path}' for path, folder in (folders or {}).items()]
        for name, (path, text) in files.items():
            if not Path(path).exists():
                self.skipTest(f"this kernel has no {path}")
            (self.folder / name).write_text(text, encoding="ascii")
            binds.append(f'mount --bind "{self.folder / name}" {path}')
        words = [*unshare, "sh", "-c", " && ".join([*binds, 'exec "$@"']), "sh"]
        if not shutil.which("unshare") or run(*words, "true").code != 0:
            self.skipTest("private mounts are not allowed here")
        return words

    def test_too_few_descriptors(self):
        if can_raise(16):
            self.skipTest("the hard descriptor limit can be raised here")
        ended = run(MILLION, "--connections", 2000, **only(16))
        self.assertEqual((ended.code, ended.out, len(ended.err), ended.left), (1, [], 1, []))
        self.assertEqual(ended.err[0], "million: 16 descriptors a process: Too many open files")

    def test_no_memory_to_spare_from_the_start(self):
        ended = run(MILLION, "--connections", 2000, "--keep-free", 1 << 30)
        self.assertEqual((ended.code, ended.left), (1, []))
        lines, pairs = figures(ended)
        self.assertEqual(pairs, {"opened": (0, 2000)})
        self.assertTrue(lines["stopped by"].startswith("memory: "), lines)

    def test_memory_gets_short_on_the_way(self):
        def meminfo(available):
            return f"MemTotal: 9000000 kB\nMemAvailable: {available} kB\nSReclaimable: 1000 kB\nSUnreclaim: 1000 kB\n"

        words = self.pretending(meminfo=("/proc/meminfo", meminfo(8_000_000)))
        family = Family()
        process = start([*words, MILLION, "--connections", "1000000", "--keep-free", "500"], family)
        with contextlib.ExitStack() as stack:
            stack.callback(family.kill)
            self.assertIn("opened", process.stderr.readline())
            with open(
                self.folder / "meminfo", "r+", encoding="ascii"
            ) as file:  # in place: that very file is mounted
                file.write(meminfo("0000000"))
            self.assert_stopped_early(finish(process, family, 60), 1_000_000, "memory: ")

    def assert_stopped_early(self, ended, wish, reason):
        """Fewer than wished for, all of which answered: no failure."""
        lines, pairs = figures(ended)
        self.assertEqual((ended.code, ended.left), (0, []), ended.err)
        opened = pairs["opened"][0]
        self.assertTrue(0 < opened < wish, lines)
        self.assertEqual(pairs, {"opened": (opened, wish), "answered": (opened, opened)})
        self.assertTrue(lines["stopped by"].startswith(reason), lines)
        return opened

    def test_open_files_of_the_system(self):
        words = self.pretending(files=("/proc/sys/fs/file-nr", "1000\t0\t5000\n"))
        ended = run(*words, MILLION, "--connections", 3000)
        self.assertEqual(self.assert_stopped_early(ended, 3000, "the open files of the whole system"), 1900)

    def test_number_of_processes(self):
        if can_raise(64):
            self.skipTest("the hard descriptor limit can be raised here: few processes are enough")
        running = int(Path("/proc/loadavg").read_text(encoding="ascii").split("/")[1].split()[0])
        words = self.pretending(processes=("/proc/sys/kernel/pid_max", f"{running + 40}\n"))
        ended = run(*words, MILLION, "--connections", 9000, **only(64))
        self.assert_stopped_early(ended, 9000, "the number of processes")

    def test_the_firewalls_table(self):
        words = self.pretending(count=("/proc/sys/net/netfilter/nf_conntrack_count", "0\n"))
        most = int(Path("/proc/sys/net/netfilter/nf_conntrack_max").read_text(encoding="ascii"))
        family = Family()
        process = start([*words, MILLION, "--connections", "1000000"], family)
        with contextlib.ExitStack() as stack:
            stack.callback(family.kill)
            self.assertIn("opened", process.stderr.readline())
            (self.folder / "count").write_text(f"{most}\n", encoding="ascii")
            self.assert_stopped_early(finish(process, family, 60), 1_000_000, "the firewall's table")

    def test_control_group(self):
        groups = Path("/proc/self/cgroup").read_text(encoding="ascii").splitlines()
        group = next((line[3:] for line in groups if line.startswith("0::/")), None)
        if group is None:
            self.skipTest("no control groups of version 2 here")
        place = self.folder / group.lstrip("/")
        place.mkdir(parents=True, exist_ok=True)
        for name, text in (("max", f"{900 << 20}"), ("current", f"{700 << 20}"), ("stat", "inactive_file 0")):
            (place / f"memory.{name}").write_text(text + "\n", encoding="ascii")
        words = self.pretending(folders={"/sys/fs/cgroup": self.folder})
        for keep_free, code in ((201, 1), (100, 0)):
            with self.subTest(keep_free):
                self.assertEqual(
                    run(*words, MILLION, "--connections", 2000, "--keep-free", keep_free).code, code
                )

    def test_listeners_are_outside_of_the_ephemeral_range(self):
        first, last = map(int, EPHEMERAL.read_text(encoding="ascii").split())
        with Running("--connections", "2500") as running:
            for address, port in running.listeners():
                self.assertTrue(1024 <= port < first or last < port, port)
                self.assertRegex(address, r"^127\.")

    def test_listeners_where_hardly_a_port_is_left(self):
        words = self.pretending(range=(str(EPHEMERAL), "1100\t65535\n"))
        with Running("--connections", "2500", prefix=words) as running:
            ports = {port for _, port in running.listeners()}
            self.assertTrue(ports and all(1024 <= port < 1100 for port in ports), ports)


class Ends(unittest.TestCase):
    def test_nothing_is_left_in_time_wait(self):
        with Running("--connections", "2500") as running:
            places = set(running.listeners())
            ended = running.go_on()
        self.assertEqual((ended.code, ended.left), (0, []), ended.err)
        self.assert_no_trace(places)

    def assert_no_trace(self, places):
        self.assertTrue(places)
        self.assertEqual([pair for pair in sockets(TIME_WAIT) if places & set(pair[:2])], [])
        self.assertEqual([place for place, _, _ in sockets(LISTEN) if place in places], [])

    def test_signals(self):
        for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGKILL, -9)):
            with self.subTest(number), Running("--connections", "100000") as running:
                self.assertGreater(len(running.children()), 0)
                places = set(running.listeners())
                for child in running.children():  # they can't end by themselves now
                    os.kill(child, signal.SIGSTOP)
                running.process.send_signal(number)
                running.process.send_signal(signal.SIGCONT)
                self.assertEqual(running.family.left(), [])
                ended = running.go_on()
                self.assertEqual((ended.code, ended.out), (code, []))
                self.assert_no_trace(places)

    def test_a_process_of_its_own_is_killed(self):
        with Running("--connections", "100000") as running:
            child = running.children()[0]
            os.kill(child, signal.SIGKILL)
            ended = running.go_on()
        self.assertEqual((ended.code, ended.out, ended.left), (1, [], []))
        self.assertEqual(ended.err[-1], f"million: process {child} was ended by signal 9")

    def test_bad_options(self):
        for words in (
            "--connections 0",
            "--connections many",
            "--connections -1",
            "--keep-free -1",
            "--no-such",
            "7",
        ):
            with self.subTest(words):
                ended = run(MILLION, *words.split())
                self.assertEqual((ended.code, ended.out, len(ended.err), ended.left), (2, [], 1, []))
                self.assertTrue(ended.err[0].startswith("million: "))


class Display(unittest.TestCase):
    def seen(self, **environment):
        """What goes to stderr when that is a terminal."""
        ours, theirs = pty.openpty()
        family = Family()
        family.environment.update(TERM="xterm", **environment)
        process = start([MILLION, "--connections", "5000"], family, stderr=theirs)
        os.close(theirs)
        text = b""
        with contextlib.suppress(OSError):  # Linux: EIO when the last of the other side has closed
            while more := os.read(ours, 65536):
                text += more
        os.close(ours)
        self.assertEqual(finish(process, family).code, 0)
        return text.decode()

    def test_a_bar_on_a_terminal_only(self):
        moving, plain = self.seen(), self.seen(NO_COLOR="1")
        self.assertIn("\x1b[K", moving)
        self.assertIn("█", moving)
        self.assertNotIn("million: ", moving)
        self.assertNotIn("\x1b", plain)
        self.assertRegex(plain, r"million: opened [0-9,]+ of 5,000, [0-9,]+ bytes of slab each")


if __name__ == "__main__":
    unittest.main()
