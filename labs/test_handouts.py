"""What each handout says on its first screen."""

import re
import unittest
from pathlib import Path

HANDOUTS = sorted((Path(__file__).parent).glob("[0-9][0-9]*-*/README.md"))


class FirstScreen(unittest.TestCase):
    def test_what_the_reader_can_do_afterwards_and_how_long_it_takes(self):
        self.assertGreater(len(HANDOUTS), 15)
        for handout in HANDOUTS:
            with self.subTest(handout.parent.name):
                text = handout.read_text(encoding="utf-8")
                first = re.split(r"^(?:\||##|```)", text, maxsplit=1, flags=re.MULTILINE)[0]
                self.assertRegex(first, r"\n\*\*Afterwards you can\*\* [a-z].{40,}\.\n")
                annotated = re.search(r"<!-- lab minutes=(\d+) -->", first)
                said = re.search(r"\n\*\*Time:\*\* (\d+) minutes\. \*\*Before it:\*\* ", first)
                self.assertEqual(annotated[1], said[1])


if __name__ == "__main__":
    unittest.main()
