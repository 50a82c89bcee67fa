"""What goes wrong in a step, and what the reader is told."""

import unittest

from common.guide.at_terminal import CTRL_C, ENTER, SessionTest, running


class Trouble(SessionTest):
    def begin(self, body):
        self.lab(body)
        reader = self.read()
        reader.expect("[Enter start · q quit]")
        reader.press(ENTER)
        reader.expect("q quit]")
        reader.press(ENTER)
        return reader

    def test_ctrl_c_ends_the_command_not_the_guide(self):
        reader = self.begin(
            f"```sh\necho begun\n(exec -a {self.marker} sleep 1000) &\nexec -a {self.marker} sleep 1000\n```\n\nAfter."
        )
        reader.expect("│ begun")
        reader.press(CTRL_C)
        reader.expect("(ended by Ctrl-C)")
        reader.expect("r run again")
        self.assertEqual(running(self.marker), [])
        reader.press(ENTER)
        reader.expect("After.")
        reader.expect("q quit]")
        reader.press("q")
        self.assertEqual(reader.end(), 0)

    def test_ctrl_c_ends_a_command_that_ignores_it(self):
        reader = self.begin(f"```sh\ntrap '' INT\necho begun\nexec -a {self.marker} sleep 1000\n```")
        reader.expect("│ begun")
        reader.press(CTRL_C)
        reader.expect("(ended by Ctrl-C)")
        self.assertEqual(running(self.marker), [])

    def test_a_failing_command_says_so_and_goes_on(self):
        reader = self.begin("```sh\necho so far\nfalse\n```\n\nAfter.")
        reader.expect("│ so far")
        reader.expect("This isn't what the page expects: exit 1")
        reader.expect("r run again")
        reader.press(ENTER)
        reader.expect("After.")

    def test_other_output_than_the_page_shows(self):
        reader = self.begin("```sh\necho two\n```\n\n```output\none\n```")
        reader.expect("the output differs from the page")
        reader.expect("- one")
        reader.expect("+ two")

    def test_a_long_command_says_how_to_end_it(self):
        reader = self.begin("```sh\nsleep 1000\n```")
        reader.expect("still running; Ctrl-C ends it")
        reader.press(CTRL_C)
        reader.expect("(ended by Ctrl-C)")

    def test_output_is_live(self):
        # The program writes through stdio and waits: in a pipe, its line would come only at its end.
        reader = self.begin('```sh\nawk \'BEGIN { print "early"; while (1) system("sleep 1") }\'\n```')
        reader.expect("│ early")
        reader.press(CTRL_C)
        reader.expect("(ended by Ctrl-C")

    def test_missing_tool(self):
        reader = self.begin("```sh needs=no-such-tool-here\nno-such-tool-here\n```")
        reader.expect("This machine has no no-such-tool-here")

    def test_server_that_never_announces_itself(self):
        by_hand = "```sh by-hand\nexport MUTE_PORT=1\n```\n\n"
        reader = self.begin(f"{by_hand}```sh server=mute timeout=0.5\nexec -a {self.marker} sleep 1000\n```")
        reader.expect("README.md:9: the server mute didn't print")
        reader.expect("q quit]")
        self.assertEqual(running(self.marker), [])

    def test_a_server_speaks_while_a_prompt_stands(self):
        by_hand = "```sh by-hand\nexport SLOW_PORT=1\n```\n\n"
        reader = self.begin(
            f"{by_hand}```sh server=slow\necho listening on x:1\nwhile [ ! -e go ]; do sleep 0.1; done\necho late\nsleep 1000\n```"
        )
        reader.expect("r run again")
        (self.root / "go").touch()
        reader.expect("[slow] late")
        reader.expect("r run again")  # the prompt is there again, below


if __name__ == "__main__":
    unittest.main()
