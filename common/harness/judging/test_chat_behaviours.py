"""The matrix of our own chat rooms, and that the judge catches every faulty one, in the right places only."""

import json
import re

import pytest

from common.harness.judging.faulty.catalogue import ROOMS, faulty_rooms, known_rooms
from common.testing.judged import differences, judge, side_by_side
from common.testing.processes import (
    ROOT,
    can_run,
    harness,
    lab_server,
    lacked_descriptors,
    run,
)

ABOUT_A_ROOM = ("room", "lab", "needs")
ROWS = {
    name: {column: cell for column, cell in row.items() if column not in ABOUT_A_ROOM}
    for name, row in known_rooms().items()
}
BEHAVIOURS = list(next(iter(ROWS.values())))
FAULTY = faulty_rooms()


OURS = [name for name, row in known_rooms().items() if can_run(name, row["needs"])]


@pytest.mark.parametrize("room", side_by_side(OURS, str))
def test_our_rooms_behave_as_the_data_say(room):
    ended, findings = judge("check-chat", room)
    assert differences(findings, BEHAVIOURS, lambda name, answer: answer == ROWS[room][name]) == {}
    assert all(finding["as_expected"] for finding in findings.values())
    assert ended.code == 0


@pytest.mark.parametrize("room", side_by_side(FAULTY, lambda one: one.name))
def test_a_faulty_room_gets_its_whole_row(room):
    ended, findings = judge("check-chat", *room.command())
    assert differences(findings, BEHAVIOURS, room.expects) == {}
    unasked = {name for name, finding in findings.items() if lacked_descriptors(finding)}
    assert ended.code == (1 if room.no - unasked else 0)


def test_a_room_elsewhere_is_asked_what_needs_no_process():
    """chat-drop by its address alone: what its process would tell is n/a, and nothing is a no."""
    with lab_server("chat-drop") as room:
        ended = harness("check-chat", "--json", "--connect", f"{room.host}:{room.port}")
    (judged,) = json.loads(ended.text)["servers"]
    answers = {finding["behaviour"]: finding["answer"] for finding in judged["findings"]}
    unasked = {"slow-listener-memory-bounded", "survives-fd-exhaustion"}
    assert answers == {name: "n/a" if name in unasked else "yes" for name in BEHAVIOURS}
    assert ended.code == 0


def test_every_behaviour_has_a_fault():
    assert set().union(*(room.no for room in FAULTY)) == set(BEHAVIOURS)
    assert {cell for row in ROWS.values() for cell in row.values()} == {"yes", "no"}


def test_every_faulty_room_gets_a_no_and_the_right_one_none():
    for room in FAULTY:
        assert bool(room.no) != room.is_right, room.name
        assert room.no | room.not_applicable <= {*BEHAVIOURS, "*"}, room.name
        assert not room.no & room.not_applicable, room.name
    assert len({room.name for room in FAULTY}) == len(FAULTY)


def test_each_room_has_its_program():
    for name, row in known_rooms().items():
        assert len(list(ROOT.glob(f"labs/{row['lab']}-*/{name}.cpp"))) == 1, name


def test_the_page_names_each_behaviour_and_the_faults_that_get_its_no():
    page = (ROOT / "docs" / "chat-behaviours.md").read_text(encoding="utf-8")
    sections = dict(section.split("\n", 1) for section in page.split("\n## ")[1:])
    assert [heading for heading in sections if heading in BEHAVIOURS] == BEHAVIOURS
    for behaviour in BEHAVIOURS:
        faults = {room.fault for room in FAULTY if behaviour in room.no}
        named = {fault for fault in faults if f"`{fault}`" in sections[behaviour]}
        assert named == faults, behaviour


def test_the_list_holds_every_fault_that_the_program_knows():
    for program, command in ROOMS.items():
        refusal = run(*command, "--fault", "unheard-of")
        assert refusal.code == 2
        (names,) = re.findall(r"choose from (.*?)\)", refusal.err[-1])
        known = re.findall(r"[a-z][a-z-]+", names)
        assert sorted(known) == sorted(room.fault for room in FAULTY if room.program == program)


def test_the_harness_lists_rooms_and_their_behaviours():
    listed = [line.split()[0] for line in harness("list").out]
    assert set(ROWS) | set(BEHAVIOURS) <= set(listed)
    assert all(len(line) <= 80 for line in harness("list").out)


def test_an_unknown_room_is_bad_use():
    ended = harness("check-chat", "epoll")
    assert (ended.code, ended.out, len(ended.err)) == (2, [], 1)
    assert "unknown chat room 'epoll': there are chat-wait, " in ended.err[0]
