"""The page docs/other-servers.md: what the servers that others wrote answered on one machine."""

import os
import platform

INTRODUCTION = """# What other servers answer

Servers that others wrote, and echo servers in other languages as their own documentation teaches them, asked by `harness check` like ours. `python3 -m common.harness.judging.others` judges those that are
installed on your machine; this page was written by it (`--write`), on Linux {kernel} with {cores} cores. What each behaviour asks: `build/bin/harness list`.

A *no* is no verdict on a program: none of them was written for the contract of this course. It says what would happen to *your* clients, and the reason is from the program's manual or source. Read the
column of the one that you use.

## In one table
"""
CHARACTERS = {"yes": "yes", "no": "**no**", "n/a": "n/a"}


def page(judged):
    """The page in Markdown. Each of `judged` has server, version, findings, count(answer)."""
    parts = [
        INTRODUCTION.format(kernel=platform.release().split("-")[0], cores=os.cpu_count()),
        *_matrix(judged),
    ]
    parts += ["", "## One by one", ""]
    for one in judged:
        parts += _section(one)
    return "\n".join(parts).rstrip() + "\n"


def _matrix(judged):
    """The behaviours down, the servers across."""
    yield "| | " + " | ".join(one.server.name for one in judged) + " |"
    yield "|---|" + "---|" * len(judged)
    for index, finding in enumerate(judged[0].findings):
        answers = (CHARACTERS[one.findings[index]["answer"]] for one in judged)
        yield f"| {finding['behaviour']} | " + " | ".join(answers) + " |"
    yield "| **yes, in all** | " + " | ".join(str(one.count("yes")) for one in judged) + " |"


def _section(one):
    """One server: its version, its command, and each answer that isn't yes."""
    command = " ".join(word.replace("{here}/", "").replace("{built}/", "") for word in one.server.command)
    yield f"### {one.server.name}"
    yield ""
    yield f"{one.server.model[0].upper()}{one.server.model[1:]}. {one.version}."
    yield ""
    yield f"```text\n{command}\n```"
    yield ""
    for finding in one.findings:
        if finding["answer"] == "yes":
            continue
        reason = one.server.reasons.get(finding["behaviour"], "")
        yield f"- {CHARACTERS[finding['answer']]} {finding['behaviour']}: {_inline(finding['evidence'])}." + (
            f" *Why:* {reason}" if reason else ""
        )
    yield ""


def _inline(text):
    """Evidence inside of a sentence: no characters that Markdown would take for its own."""
    return text.rstrip(".").replace("|", "\\|").replace("<", "\\<").replace("*", "\\*").replace("_", "\\_")
