"""A model card (Mitchell et al. 2019, arXiv:1810.03993): what a recognizer is and is not good for.

Every number comes from the recognizer and its provenance; what those lack is named as missing.
"""

import json
from typing import Any

from striate.data.names import counted
from striate.pages.markdown import plain
from striate.recognizer import Recognizer

LIMITS = "What it does not know"


def card(recognizer: Recognizer, file: str) -> str:
    """The card in Markdown of the recognizer in a file of that name."""
    own = dict(recognizer.task.card(recognizer))
    sections = {
        "What it answers": answers(recognizer),
        "Data": data(recognizer.provenance),
        "How it learned": recipe(recognizer.provenance),
        "How well": scores(recognizer),
    }
    limits = [*own.pop(LIMITS, ()), *ANY]
    parts = [f"# {plain(file)}"]
    for title, lines in {**sections, **own, LIMITS: limits}.items():
        parts.append(f"## {title}\n\n" + "\n".join(lines))
    return "\n\n".join(parts) + "\n"


def answers(recognizer: Recognizer) -> list[str]:
    """The question, and the names that may be its answer."""
    title = f"{recognizer.task.title[:1].upper()}{recognizer.task.title[1:]}"
    if not recognizer.names:
        return [f"{title}."]
    names = [f"{number}. {plain(name)}" for number, name in enumerate(recognizer.names)]
    return [f"{title}, of {counted(len(names), 'class')}:", "", *names]


def data(provenance: dict[str, Any]) -> list[str]:
    """What it learned from."""
    known = provenance.get("data")
    if not isinstance(known, dict):
        return ["Not recorded."]
    return [f"- set: {plain(known.get('name', 'not recorded'))}",
            f"- fingerprint: `{plain(known.get('fingerprint', 'not recorded'))}`"]  # fmt: skip


def recipe(provenance: dict[str, Any]) -> list[str]:
    """By which method, and with which settings."""
    lines = [
        f"- {key}: {plain(provenance.get(key) or 'not recorded')}"
        for key in ("method", "approach", "network")
    ]
    lines.append(f"- seed: {plain(provenance.get('seed', 'not recorded'))}")
    if "recipe" in provenance:
        text = json.dumps(provenance["recipe"], indent=2, default=str).replace("`", "'")
        lines += ["", "```json", text, "```"]
    return lines


def scores(recognizer: Recognizer) -> list[str]:
    """The main score on the test examples with its 95 % interval, and further metrics."""
    test: Any = recognizer.provenance.get("test")
    try:
        count, value, (low, high) = int(test["examples"]), test["value"], test["interval"]
        drawn = plain(test.get("drawn", "example"))
        rows = [f"| {recognizer.task.score_title} | {value:.1%} | {low:.1%} to {high:.1%} |"]
        rows += [f"| {plain(name)} | {number(one)} | |" for name, one in test["metrics"].items()]
    except (LookupError, TypeError, ValueError, AttributeError):  # a file may hold anything
        return ["Not recorded: nobody should rely on it before `striate evaluate`."]
    return [
        f"On {counted(count, f'test {drawn}')} that took no part in learning or in any choice:",
        "",
        "| score | value | 95 % interval |",
        "|---|---|---|",
        *rows,
    ]


def number(value: object) -> str:
    """A metric; "none" where it is not a number."""
    known = isinstance(value, int | float) and value == value
    return f"{value:.4g}" if known else "none"


ANY = [
    "- The scores hold for inputs like the test examples: those of another origin may give others. "
    "Measure on your own before you rely on it.",
    "- Nothing was measured about fairness between groups of people, nor about inputs made to "
    "deceive it.",
]
