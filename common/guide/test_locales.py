"""What our Python programs print survives every locale: a character that it lacks is shown as ?, and they go on."""

import os
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from common.testing.processes import ROOT

# What a user may have set: Python's own wishes, and locales that every system has. The last is C as it is: without
# Python's replacing it by C.UTF-8 (PEP 538, PEP 540).
SETTINGS = (
    {"PYTHONIOENCODING": "ascii"},
    {"PYTHONIOENCODING": "latin-1"},
    {"LC_ALL": "C"},
    {"LC_ALL": "POSIX", "LANG": "de_DE.ISO-8859-1"},
    {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"},
)


class Locales(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.folder = Path(temporary.name)

    def run_module(self, setting, *words):
        environment = {
            name: value for name, value in os.environ.items() if not name.startswith(("LC_", "PYTHON"))
        }
        return subprocess.run(
            [sys.executable, "-m", *words],
            cwd=ROOT,
            env={**environment, **setting},
            capture_output=True,
            timeout=120,
        )

    def assert_no_traceback(self, ended, code, phrase):
        self.assertNotIn(b"Traceback", ended.stderr)
        self.assertEqual(ended.returncode, code, ended.stderr)
        self.assertIn(phrase, ended.stdout + ended.stderr)

    def settings(self):
        """All of them, and the one of a Latin-1 system where such a locale can be made."""
        yield from SETTINGS
        if shutil.which("localedef"):
            made = self.folder / "en_US.ISO-8859-1"
            subprocess.run(
                ["localedef", "-i", "en_US", "-f", "ISO-8859-1", made], capture_output=True, timeout=60
            )
            if made.exists():
                yield {"LC_ALL": made.name, "LOCPATH": str(self.folder)}

    def test_doctor(self):
        for setting in self.settings():
            with self.subTest(setting):
                # Something that is missing, so that its cure with an arrow in front is printed.
                ended = self.run_module({**setting, "CXX": "", "PATH": "/nonexistent"}, "common.guide.doctor")
                self.assert_no_traceback(ended, 1, b"Missing and essential: C++ compiler")
                ended = self.run_module(setting, "common.guide.doctor")
                self.assert_no_traceback(ended, 0, b"Everything essential is here.")

    def test_guide(self):
        for setting in self.settings():
            with self.subTest(setting):
                ended = self.run_module(setting, "common.guide", "progress")
                self.assert_no_traceback(ended, 0, b"first")
                ended = self.run_module(setting, "common.guide", "parse", "labs/02-sticky-packets/README.md")
                self.assert_no_traceback(ended, 0, b"README.md: ok")

    def test_charts(self):
        reference = self.folder / "mesur\u00e9 \u4f60\u597d"
        name = "memory-vs-connections"
        shutil.copytree(ROOT / "docs" / "reference" / name, reference / name)
        for setting in (SETTINGS[0], SETTINGS[-1]):
            with self.subTest(setting):
                nothing = self.run_module(setting, "plots", "--results", self.folder / "\u4f60")
                self.assert_no_traceback(nothing, 2, b"no results in")
        drawn = self.run_module(SETTINGS[0], "plots", "--results", reference)
        self.assert_no_traceback(drawn, 0, b"memory-against-connections: ")
