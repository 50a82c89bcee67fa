"""Arrows between the rooms of the house point one way (docs/architecture.md draws them), those of tests included."""

import ast
import re
import tempfile
import unittest
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NET = "common/net"
KERNEL = "common/kernel"
TERMINAL = "common/terminal"
TESTING = "common/testing"
FOR_LABS = [NET, KERNEL, TERMINAL, "common/framing", "common/timeline", "common/demonstration"]
# From the bottom to the top: each may use those before it.
PROCESSES, *ABOVE = HARNESS = [
    f"common/harness/{room}"
    for room in ("processes", "load", "records", "measuring", "comparing", "judging", "experiments")
]
# Room → the rooms that its files may name, beside itself. A test may name common/testing too.
ARROWS: dict[str, list[str]] = {
    NET: [],
    KERNEL: [NET],
    "common/framing": [NET],
    TERMINAL: [],
    "common/timeline": [NET, KERNEL, TERMINAL],
    "common/demonstration": [NET],
    TESTING: [NET, PROCESSES],
    **{room: [NET, KERNEL, TERMINAL, *HARNESS[:place]] for place, room in enumerate(HARNESS)},
    "common/harness": [NET, KERNEL, TERMINAL, *HARNESS],
    "common/bench": [NET, KERNEL, TERMINAL, "common/framing", "common/harness", *HARNESS],
    "common/guide": [],
    "common/course": ["common/guide", "plots"],
    "common/taste": ["plots"],
    "common/setup": [],
    "common": [],
    "plots": [],
    "labs": [],
}
PAGE = "docs/architecture.md"
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.MULTILINE)


def room_of(path: str) -> str:
    """The innermost room that the file lies in; each lab is a room too."""
    for folder in map(str, Path(path).parents):
        if folder in ARROWS or re.fullmatch(r"labs/\d\d[a-z]?-[^/]+", folder):
            return folder
    return ""


def may_use(room: str) -> list[str]:
    """The rooms that files of this one may name."""
    return ARROWS[room] if room in ARROWS else FOR_LABS


def is_test(path: str) -> bool:
    """A test, or what a lab's tests share: no program of a lab is a module of Python."""
    name = Path(path).name
    return name.endswith("_test.cpp") or (
        name.endswith(".py") and (name.startswith("test_") or path.startswith("labs/"))
    )


def files(root: Path) -> list[str]:
    """The sources of the house, in C++ and in Python."""
    return sorted(
        str(path.relative_to(root))
        for top in ("common", "labs", "plots")
        for path in (root / top).rglob("*")
        if path.suffix in (".cpp", ".h", ".c", ".py")
    )


def imported(root: Path, path: str) -> Iterator[str]:
    """The files of the house that a Python file imports, wherever in it."""
    for node in ast.walk(ast.parse((root / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            modules = [name.name for name in node.names]
        elif isinstance(node, ast.ImportFrom):
            package = (
                list(Path(path).parents)[node.level - 1].as_posix().replace("/", ".") if node.level else ""
            )
            module = ".".join(filter(None, (package, node.module)))
            modules = [f"{module}.{name.name}" for name in node.names] + [module]
        else:
            continue
        for module in modules:
            file = module.replace(".", "/") + ".py"
            if (root / file).is_file():
                yield file


def named(root: Path, path: str) -> list[str]:
    """The files of the house that this one includes or imports."""
    if path.endswith(".py"):
        return list(imported(root, path))
    return INCLUDE.findall((root / path).read_text(encoding="utf-8"))


def reached(root: Path, path: str) -> Iterator[str]:
    """What the file names, and what it gets by way of the support of tests."""
    seen = {path}
    open_ends = [path]
    while open_ends:
        for other in named(root, open_ends.pop()):
            if other not in seen:
                seen.add(other)
                yield other
                if room_of(other) == TESTING:
                    open_ends.append(other)


def wrong_arrows(root: Path) -> list[str]:
    """A line for each file that reaches into a room which it may not know."""
    wrong = []
    for path in files(root):
        room = room_of(path)
        allowed = [room, *may_use(room), *([TESTING] if is_test(path) else [])]
        wrong += [f"{path} reaches {other}" for other in reached(root, path) if room_of(other) not in allowed]
    return wrong


def named_on_the_page(page: str) -> dict[str, list[str]]:
    """Room → the files that its section names: in the first column of its table, and elsewhere by their whole path."""
    sections = re.split(r"^#+ (.*)$", page, flags=re.MULTILINE)
    found = {}
    for title, text in zip(sections[1::2], sections[2::2]):
        room = title.strip("`") if title.startswith("`") else ""
        rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `") and room]
        found[room] = found.get(room, []) + [
            f"{room}/{name}" for row in rows for name in re.findall(r"`([^`]+)`", row)
        ]
        found[room] += re.findall(r"`((?:common|labs|plots|docs)/[\w/.-]+)`", text)
    return found


def is_there(path: str) -> bool:
    """True for a folder, a file, and the beginning of a file's name: `common/net/address` is address.h and address.cpp."""
    return (ROOT / path).exists() or any((ROOT / f"{path}{end}").exists() for end in (".h", ".cpp"))


class Rooms(unittest.TestCase):
    def test_no_arrow_runs_back_up(self) -> None:
        self.assertEqual(wrong_arrows(ROOT), [])

    def test_each_room_is_there_and_what_is_included_too(self) -> None:
        sources = files(ROOT)
        self.assertEqual({room for room in ARROWS if not (ROOT / room).is_dir()}, set())
        self.assertGreater(len([path for path in sources if room_of(path) in HARNESS]), 50)
        missing = [
            (path, other) for path in sources for other in named(ROOT, path) if not (ROOT / other).is_file()
        ]
        self.assertEqual(missing, [])

    def test_the_page_has_all_rooms_and_names_files_that_are_there(self) -> None:
        found = named_on_the_page((ROOT / PAGE).read_text(encoding="utf-8"))
        self.assertEqual(set(found) - {""}, set(ARROWS) - {"common"})
        names = [name for names in found.values() for name in names]
        self.assertGreater(len(names), 80)
        self.assertEqual([name for name in names if not is_there(name)], [])

    def test_an_arrow_that_runs_up_is_told_of(self) -> None:
        """Of a program, of a test, by way of the support of tests, from lab to lab, and in Python."""
        tree = {
            "common/net/address.cpp": '#include "common/harness/progress.h"\n',
            "common/harness/load/client_test.cpp": '#include "common/harness/measuring/environment.h"\n',
            "common/framing/codec_test.cpp": '#include "common/testing/interruptible.h"\n',
            "common/testing/interruptible.h": '#include "common/harness/processes/interruption.h"\n',
            "common/harness/load/client.cpp": '#include "common/testing/interruptible.h"\n',
            "labs/08-poll/poll.cpp": '# include "labs/07-select/select.h"\n#include "common/net/address.h"\n',
            "common/harness/experiments/test_scenarios.py": "from common.harness import test_sweep\n",
            "common/harness/test_sweep.py": "def later():\n    import common.testing.processes\n",
            "common/testing/processes.py": "import common.harness.test_sweep\n",
            "common/harness/judging/matrix_test.cpp": '#include "common/harness/measuring/environment.h"\n',
        }
        with tempfile.TemporaryDirectory() as folder:
            for path, text in tree.items():
                (Path(folder) / path).parent.mkdir(parents=True, exist_ok=True)
                (Path(folder) / path).write_text(text, encoding="utf-8")
            self.assertEqual(
                wrong_arrows(Path(folder)),
                [
                    "common/framing/codec_test.cpp reaches common/harness/processes/interruption.h",
                    "common/harness/experiments/test_scenarios.py reaches common/harness/test_sweep.py",
                    "common/harness/load/client.cpp reaches common/testing/interruptible.h",
                    "common/harness/load/client_test.cpp reaches common/harness/measuring/environment.h",
                    "common/net/address.cpp reaches common/harness/progress.h",
                    "common/testing/processes.py reaches common/harness/test_sweep.py",
                    "labs/08-poll/poll.cpp reaches labs/07-select/select.h",
                ],
            )


if __name__ == "__main__":
    unittest.main()
