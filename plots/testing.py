"""What the tests of charts share: what is looked for in a drawn figure, and that nothing lies over anything."""

import tempfile
import unittest
from itertools import combinations
from pathlib import Path

from matplotlib.text import Text


def lines_of(axes, label: str) -> list:
    return [line for line in axes.get_lines() if line.get_label() == label]


def ends_of(axes) -> list[str]:
    """The names at the ends of lines, from the top down."""
    ends = [text for text in axes.texts if text.get_label() == "_end"]
    return [text.get_text() for text in sorted(ends, key=lambda text: -text.xyann[1])]


def legend_of(axes) -> list[str]:
    return [text.get_text() for text in axes.get_legend().get_texts()]


def words_of(figure) -> str:
    # The footer is written from its last line up.
    return " ".join(text.get_text() for text in reversed(figure.texts))


class ChartTest(unittest.TestCase):
    def setUp(self):
        temporary = tempfile.TemporaryDirectory()
        self.addCleanup(temporary.cleanup)
        self.results = Path(temporary.name)

    def assert_apart(self, figure):
        """No legend lies over a panel, nothing of a panel over the title, no text leaves the figure."""
        figure.draw_without_rendering()
        for axes in figure.axes:
            below = figure._suptitle.get_window_extent().y0
            self.assertLess(axes.get_tightbbox(figure._get_renderer()).y1, below, axes.get_title("left"))
            legend = axes.get_legend()
            for other in figure.axes if legend else []:
                if other.axison:
                    self.assertFalse(legend.get_window_extent().overlaps(other.get_window_extent()))
        for text in [*figure.texts, *(text for axes in figure.axes for text in axes.texts)]:
            extent = Text.get_window_extent(text)
            inside = extent.x0 >= 0 and extent.x1 <= figure.bbox.x1 and extent.y0 >= 0
            self.assertTrue(inside, text.get_text())
        self.assertLess(figure._suptitle.get_window_extent().x1, figure.bbox.x1)
        for axes in figure.axes:
            ends = [Text.get_window_extent(text) for text in axes.texts if text.get_label() == "_end"]
            for one, other in combinations(ends, 2):
                self.assertFalse(one.overlaps(other), axes.get_title("left"))
