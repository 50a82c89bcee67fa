"""million: a limit of the machine, whichever, ends it early and is said; what it had opened answers."""

import contextlib
import os
import shutil
import tempfile
import unittest
from pathlib import Path

import pytest

from common.testing.processes import Family, finish, run, start

from .running import EPHEMERAL, MILLION, Running, can_raise, figures, only


pytestmark = pytest.mark.xdist_group("machine")  # measures, or goes to a limit of the machine


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


if __name__ == "__main__":
    unittest.main()
