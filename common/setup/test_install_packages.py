"""`make deps` where something is missing: which packages it names, on which distribution."""

import os
import subprocess
import tempfile
import unittest
from pathlib import Path

from common.testing.processes import ROOT

SCRIPT = ROOT / "common/setup/install-packages.sh"
# A compiler that knows every header but these.
COMPILER = """#!/bin/sh
header=$(cat)
case $header in {lacks}) exit 1 ;; esac
"""


class InstallPackages(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def deps(self, release, lacks="none"):
        """Exit code and stderr on this distribution, where the compiler lacks these headers. Nothing is installed:
        neither apt-get nor sudo is on PATH."""
        (self.folder / "os-release").write_text(release)
        compiler = self.folder / "some-g++"
        compiler.write_text(COMPILER.format(lacks=lacks))
        compiler.chmod(0o755)
        programs = self.folder / "programs"
        programs.mkdir(exist_ok=True)
        for name in ("sh", "sed", "cat", "dirname", "id", "tr", "python3"):
            place = programs / name
            if not place.exists():
                place.symlink_to("/usr/bin/" + name)
        ended = subprocess.run(
            ["/bin/sh", SCRIPT],
            env={
                **{key: value for key, value in os.environ.items() if key != "PYTHON"},
                "PATH": str(programs),
                "CXX": str(compiler),
                "OS_RELEASE": str(self.folder / "os-release"),
            },
            capture_output=True,
            text=True,
            timeout=60,
        )
        return ended.returncode, ended.stderr

    def test_nothing_is_missing(self):
        for release in ("ID=debian\n", "ID=fedora\n", "ID=arch\n", ""):
            self.assertEqual(self.deps(release), (0, ""), release)

    def test_each_distribution_has_its_names(self):
        lacks = "*fmt/format.h* | *json.hpp*"
        code, said = self.deps("ID=fedora\n", lacks)
        self.assertEqual(
            (code, said),
            (2, "missing: install it with 'sudo dnf install fmt-devel json-devel', then run make again\n"),
        )
        _, said = self.deps('ID=rocky\nID_LIKE="rhel centos fedora"\n', lacks)
        self.assertIn("dnf install fmt-devel json-devel'", said)
        _, said = self.deps('ID=manjaro\nID_LIKE="arch"\n', lacks)
        self.assertIn("'sudo pacman -S --needed fmt nlohmann-json'", said)
        code, said = self.deps("ID=linuxmint\nID_LIKE='ubuntu debian'\n", lacks)
        self.assertEqual(code, 2)
        self.assertIn("missing: libfmt-dev nlohmann-json3-dev (Debian's names", said)

    def test_what_is_only_wished_is_never_asked_for(self):
        self.assertEqual(self.deps("ID=arch\n", "*liburing*"), (0, ""))
        _, said = self.deps("ID=arch\n", "*liburing* | *zlib*")
        self.assertIn("--needed zlib liburing'", said)

    def test_a_compiler_that_is_missing(self):
        (self.folder / "some-g++").unlink(missing_ok=True)
        (self.folder / "os-release").write_text("ID=fedora\n")
        for compiler, package in (("no-such-g++", "gcc-c++"), ("no-such-clang++", "clang")):
            ended = subprocess.run(
                ["/bin/sh", SCRIPT],
                env={**os.environ, "CXX": compiler, "OS_RELEASE": str(self.folder / "os-release")},
                capture_output=True,
                text=True,
                timeout=60,
            )
            self.assertEqual(ended.returncode, 2)
            self.assertRegex(ended.stderr, f"dnf install {package.replace('+', '.')} fmt-devel")

    def test_a_wish_that_the_release_has_not_got_keeps_nothing_else_away(self):
        programs = self.folder / "programs"
        programs.mkdir()
        log = self.folder / "apt-get.log"
        for name, text in (
            ("id", "echo 0"),
            ("env", 'shift; exec "$@"'),
            ("apt-get", f'echo "$*" >>{log}; case "$*" in *liburing*) exit 100 ;; esac'),
        ):
            (programs / name).write_text(f"#!/bin/sh\n{text}\n")
            (programs / name).chmod(0o755)
        code, said = self.deps("ID=debian\n", "*liburing* | *zlib*")
        self.assertEqual(
            log.read_text().splitlines(),
            [
                "update -q",
                "install -q -y --no-install-recommends zlib1g-dev",
                "install -q -y --no-install-recommends liburing-dev",
            ],
        )
        self.assertIn("could not install: liburing-dev. Only one lab needs it.", said)
        # The compiler of this test goes on saying so.
        self.assertEqual(
            (code, said.splitlines()[-1]), (2, "still missing after the installation: zlib1g-dev")
        )

    def test_a_compiler_that_is_too_old(self):
        for lacks in ("*coroutine*", "*source_location* | *fmt*"):
            code, said = self.deps("ID=debian\n", lacks)
            self.assertEqual(code, 2)
            self.assertRegex(said, r"^\S*some-g\+\+ is too old, .* make CXX=g\+\+-12 build\n$")

    def test_every_line_of_the_table_names_all_three(self):
        for line in (ROOT / "common/setup/packages.txt").read_text().splitlines():
            if line and not line.startswith("#"):
                how, what, *packages = line.split()
                self.assertIn(how, ("needed", "wished"))
                self.assertRegex(what, "^(compiler|header|module):")
                self.assertEqual(len(packages), 3, line)
