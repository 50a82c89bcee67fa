"""A plugin of pytest: runs the tests that an earlier run skipped, and no others.

Run:  python3 -m pytest -p common.testing.left_out --skipped-in FILE.xml

FILE.xml is what that run wrote with --junitxml. So what a machine lacked is tested on one that has it, and the rest isn't
tested twice.
"""

import pytest

from common.testing.junit import SKIPPED, Unfinished, results_in


def pytest_addoption(parser: pytest.Parser) -> None:
    """Called by pytest: adds --skipped-in."""
    parser.addoption("--skipped-in", required=True, metavar="FILE.xml", help="run what was skipped there")


def without_group(name: str) -> str:
    """A test's name without what xdist adds to it, the group's: "test_x@machine" → "test_x"."""
    return name.split("@")[0]


def skipped_in(path: str) -> set[str]:
    """The tests that were skipped, as JUnit's XML names them: class.test. A file that isn't whole is bad use."""
    try:
        return {
            f"{result.place}.{without_group(result.name)}"
            for result in results_in(path)
            if result.ending == SKIPPED
        }
    except Unfinished as error:
        raise pytest.UsageError(f"{path}: {error}") from None


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Called by pytest when it knows all tests: keeps those that were skipped."""
    skipped = skipped_in(config.getoption("--skipped-in"))

    def was_skipped(item: pytest.Item) -> bool:
        file, *names = without_group(item.nodeid).split("::")
        return ".".join([file.removesuffix(".py").replace("/", "."), *names]) in skipped

    kept = [item for item in items if was_skipped(item)]
    config.hook.pytest_deselected(items=[item for item in items if item not in kept])
    items[:] = kept
