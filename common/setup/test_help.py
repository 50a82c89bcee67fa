"""What `make` alone prints."""

import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).parents[2]


class Help(unittest.TestCase):
    def test_it_is_short_and_fits_a_terminal(self):
        ended = subprocess.run(["make"], cwd=ROOT, capture_output=True, text=True, timeout=60)
        lines = ended.stdout.splitlines()
        self.assertEqual(ended.returncode, 0, ended.stderr)
        self.assertLessEqual(len(lines), 30)
        self.assertLessEqual(max(map(len, lines)), 80, max(lines, key=len))
        for target in ("course", "test", "taste", "lab-NN", "doctor"):
            self.assertIn(f"make {target} ", ended.stdout)


if __name__ == "__main__":
    unittest.main()
