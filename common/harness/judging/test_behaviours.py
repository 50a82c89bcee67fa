"""The behaviour matrix of our own servers, and that the judge catches every faulty one, in the right places only."""

import re

import pytest

from common.harness.judging.faulty.catalogue import PROGRAMS, faulty_servers
from common.testing.judged import differences, judge, side_by_side
from common.testing.processes import (
    ROOT,
    SERVERS,
    expected_of,
    harness,
    known_servers,
    lacked_descriptors,
    run,
)

ROWS = {row["server"]: expected_of(row) for row in known_servers()}
BEHAVIOURS = list(next(iter(ROWS.values())))
FAULTY = faulty_servers()


# What can't run here is left out, there is nothing to judge (test_left_out.py).
@pytest.mark.parametrize("server", side_by_side(SERVERS, str))
def test_our_servers_behave_as_the_data_say(server):
    ended, findings = judge("check", server)
    assert differences(findings, BEHAVIOURS, lambda name, answer: answer == ROWS[server][name]) == {}
    assert all(finding["as_expected"] for finding in findings.values())
    assert ended.code == 0


@pytest.mark.parametrize("server", side_by_side(FAULTY, lambda one: one.name))
def test_a_faulty_server_gets_its_whole_row(server):
    ended, findings = judge("check", *server.command())
    assert differences(findings, BEHAVIOURS, server.expects) == {}
    unasked = {name for name, finding in findings.items() if lacked_descriptors(finding)}
    assert ended.code == (1 if server.no - unasked else 0)


def test_every_behaviour_has_a_fault_and_every_answer_was_seen():
    assert {cell for row in ROWS.values() for cell in row.values()} == {"yes", "no", "n/a"}
    assert set().union(*(server.no for server in FAULTY)) == set(BEHAVIOURS)


def test_faults_are_many_in_two_languages_and_of_four_kinds():
    wrong = [server for server in FAULTY if not server.is_right]
    assert len(wrong) >= 36
    assert (
        len([one for one in wrong if one.program in ("faulty-epoll", "faulty-threads", "faulty-fork")]) >= 12
    )
    assert all(server.no for server in wrong)
    # The right one of each kind gets no single no: what it is built on is not what the judge says no to.
    right = {server.program for server in FAULTY if server.is_right and not server.no}
    assert right == {server.program for server in FAULTY}


def test_the_list_names_each_fault_once_and_only_behaviours_that_exist():
    assert len({server.name for server in FAULTY}) == len(FAULTY)
    for server in FAULTY:
        assert server.no | server.not_applicable <= {*BEHAVIOURS, "*"}, server.name
        assert not server.no & server.not_applicable, server.name


def test_the_page_names_each_behaviour_and_the_faults_that_get_its_no():
    """But for one that is wrong nearly everywhere."""
    page = (ROOT / "docs" / "behaviours.md").read_text(encoding="utf-8")
    sections = dict(section.split("\n", 1) for section in page.split("\n## ")[1:])
    assert [heading for heading in sections if heading in BEHAVIOURS] == BEHAVIOURS
    for behaviour in BEHAVIOURS:
        faults = {server.fault for server in FAULTY if behaviour in server.no and len(server.no) < 18}
        named = {fault for fault in faults if f"`{fault}`" in sections[behaviour]}
        assert named == faults, behaviour


@pytest.mark.parametrize("program", sorted(PROGRAMS))
def test_the_list_holds_every_fault_that_a_program_knows(program):
    refusal = run(*PROGRAMS[program], "--fault", "unheard-of")
    assert refusal.code == 2
    (names,) = re.findall(r"(?:takes one of|choose from) (.*?)(?:, not |\))", refusal.err[-1])
    known = re.findall(r"[a-z][a-z-]+", names)
    assert sorted(known) == sorted(server.fault for server in FAULTY if server.program == program)
