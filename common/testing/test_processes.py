"""What the tests of real processes stand on: programs are started with the signals that they expect."""

import subprocess
import sys
import unittest

from common.testing.processes import ROOT

# What a shell without job control does to whatever it puts into the background.
IGNORING = "import os, signal, sys; signal.signal(signal.SIGINT, signal.SIG_IGN); os.execv(sys.argv[1], sys.argv[1:])"
STARTS_A_PROGRAM = """
import signal, subprocess
from common.testing import processes
program = subprocess.Popen(["sleep", "10"])
program.send_signal(signal.SIGINT)
print(program.wait())
"""


class StartedPrograms(unittest.TestCase):
    def test_sigint_ends_them_though_the_tests_run_in_the_background_of_a_shell(self):
        run = subprocess.run(
            [sys.executable, "-c", IGNORING, sys.executable, "-c", STARTS_A_PROGRAM],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=True,
        )
        self.assertEqual(run.stdout, "-2\n")
