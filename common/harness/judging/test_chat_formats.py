"""Rooms with other words: judged as ours are once --format says how they speak, with a fault and without."""

import pytest

from common.harness.judging.faulty.catalogue import ROOMS, faulty_rooms
from common.harness.judging.faulty_chat.other_words import WORDS
from common.testing.judged import differences, judge, side_by_side
from common.testing.processes import harness, lacked_descriptors

FAULTY = {room.fault: room for room in faulty_rooms()}
# What has to be refused is told by a word that these have not.
NOT_ASKED: dict[str, set[str]] = {
    "greets": set(),
    "asks-for-names": {"long-line-refused"},
    "counts-bytes": {"long-line-refused"},
}
FAULTS = [
    ("greets", "forgets-who-joined"),
    ("greets", "tells-of-one-less"),
    ("greets", "passes-control-characters-on"),
    ("asks-for-names", "echoes-to-the-speaker"),
    ("asks-for-names", "forgets-who-was-reset"),
    ("asks-for-names", "dies-of-a-broken-pipe"),
    ("counts-bytes", "sends-once"),
    ("counts-bytes", "queues-without-bound"),
    ("counts-bytes", "spins-without-descriptors"),
]


def spoken(words, fault="none"):
    """What `harness check-chat` takes for a room that speaks so."""
    command = [*ROOMS["faulty-room"], "--port", "{port}", "--fault", fault, "--words", words]
    return ["--format", WORDS[words].format, "--", *command]


@pytest.mark.parametrize("words", side_by_side(WORDS, str))
def test_a_right_room_in_other_words_gets_a_yes_for_all_that_it_can_be_asked(words):
    ended, findings = judge("check-chat", *spoken(words))
    unasked = NOT_ASKED[words]
    expects = lambda name, answer: answer == ("n/a" if name in unasked else "yes")
    assert differences(findings, list(findings), expects) == {}
    assert ended.code == 0
    for name in unasked:
        assert "no word for a refusal" in findings[name]["evidence"]


@pytest.mark.parametrize(("words", "fault"), FAULTS)
def test_a_fault_gets_its_no_in_other_words_too(words, fault):
    due = FAULTY[fault].no - NOT_ASKED[words]
    assert due
    ended, findings = judge("check-chat", "--only", ",".join(sorted(due)), *spoken(words, fault))
    assert differences(findings, sorted(due), lambda name, answer: answer == "no") == {}
    assert ended.code == 1 or any(map(lacked_descriptors, findings.values()))


def test_our_own_words_as_a_format_change_no_answer():
    ours = (
        "greeting=* you are {name}; message={name}: {line}; joined=* {name} has joined; left=* {name} has left;"
        "dropped=* {count} lines were dropped: you read too slowly; refused=* refused:; quit=/quit"
    )
    ended, findings = judge("check-chat", "--format", ours, "chat-drop")
    assert {name: one["evidence"] for name, one in findings.items() if one["answer"] == "no"} == {}
    assert ended.code == 0


def test_a_room_that_nobody_has_described_gets_a_single_no():
    _, findings = judge("check-chat", *spoken("counts-bytes")[2:])
    answers = [finding["answer"] for finding in findings.values()]
    assert answers == ["no"] + ["n/a"] * (len(answers) - 1)
    assert "was not greeted by '* you are NAME'" in findings["all-hear-all"]["evidence"]


def test_a_format_of_another_room_gets_a_single_no():
    words = ["--format", "message={line}", *spoken("counts-bytes")[2:]]
    _, findings = judge("check-chat", *words)
    answers = [finding["answer"] for finding in findings.values()]
    assert answers == ["no"] + ["n/a"] * (len(answers) - 1)
    assert "did not hear each other" in findings["all-hear-all"]["evidence"]


@pytest.mark.parametrize(
    ("description", "what_is_wrong"),
    [
        ("message", "no WORD=TEXT"),
        ("message={name}", "lacks {line}"),
        ("quit=/bye", "it lacks message="),
        ("message={line}; colour=red", "unknown word 'colour': there are frame, longest, message, "),
        ("message={line}; frame=5-digits", "there are lines and 4-digits"),
        ("message={line}; longest=9", "from 100 to 9000"),
    ],
)
def test_a_bad_format_is_one_line(description, what_is_wrong):
    ended = harness("check-chat", "--format", description, "chat-drop")
    assert (ended.code, ended.out, len(ended.err)) == (2, [], 1)
    assert ended.err[0].startswith("harness: --format: ")
    assert what_is_wrong in ended.err[0]
