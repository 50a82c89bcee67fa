"""What the tests of both judges share: one judging, set beside the row that its subject has to get."""

import json

import pytest

from common.testing.processes import harness, lacked_descriptors


def side_by_side(subjects, name):
    """Parameters of a test that runs three at a time: more would compete for the cores that some checks measure."""
    return [
        pytest.param(subject, id=name(subject), marks=pytest.mark.xdist_group(f"judge-{index % 3}"))
        for index, subject in enumerate(subjects)
    ]


def judge(command, *words):
    """`harness check` or `check-chat` of one server: how it ended, and behaviour → finding."""
    ended = harness(command, "--json", *words)
    assert ended.left == []
    (server,) = json.loads(ended.text)["servers"]
    return ended, {finding["behaviour"]: finding for finding in server["findings"]}


def differences(findings, behaviours, expects):
    """The answers that are not those of the row, with their evidence: behaviour → words."""
    assert list(findings) == behaviours
    assert all(finding["evidence"] for finding in findings.values())
    return {
        name: f"{finding['answer']}: {finding['evidence']}"
        for name, finding in findings.items()
        if not expects(name, finding["answer"]) and not lacked_descriptors(finding)
    }
