"""The model card: every number is there, with its interval; nothing of the user's is markup."""

from dataclasses import replace
from typing import Any

import pytest

from striate.exporting import card


def test_scores_with_intervals(recognizer):
    page = card(recognizer, "insects.onnx")
    assert page.startswith("# insects.onnx\n\n## What it answers\n\nWhich class")
    assert "| top-1 | 87.5% | 82.2% to 91.4% |" in page
    assert "| top5 | 1 | |" in page
    assert "| odd | none | |" in page
    assert "On 200 test examples" in page
    for words in ("insects", "ab12", "0.031", "method: scratch", "lenet5", '"rate": 0.1', "0.1100"):
        assert words in page, words


def test_sections_of_the_task(recognizer):
    """They follow those of every task, and its limits stand with the limits of all."""
    page = card(recognizer, "insects.onnx")
    titles = [line for line in page.splitlines() if line.startswith("## ")]
    assert titles[:4] == ["## What it answers", "## Data", "## How it learned", "## How well"]
    assert titles[-1] == "## What it does not know"
    assert len(titles) == len(set(titles)) > 5
    limits = page.split("## What it does not know")[1]
    assert "calibrated on average" in limits
    assert "fairness between groups" in limits


@pytest.mark.parametrize(
    "test",
    [
        None, 3, {}, {"examples": 5}, {"examples": "x", "value": 1, "interval": [0, 1]},
        {"examples": 5, "value": "x", "interval": [0, 1], "metrics": {}},
        {"examples": 5, "value": 0.5, "interval": [0], "metrics": {}},
        {"examples": 5, "value": 0.5, "interval": [0, 1], "metrics": []},
    ],
)  # fmt: skip
def test_what_is_not_recorded_is_named_as_missing(test: Any, recognizer):
    """A file's provenance may be anything."""
    page = card(replace(recognizer, provenance={"test": test}), "insects.onnx")
    assert "nobody should rely on it before `striate evaluate`" in page
    assert page.count("ot recorded") >= 5


def test_names_are_not_markup(recognizer):
    page = card(recognizer, "insects.onnx")
    assert "<script>" not in page
    assert "1. bee\n2. \\<script\\>\\*" in page
    hostile = {"data": {"name": "<b>", "fingerprint": "`"}, "method": "a|b", "recipe": "```<i>"}
    page = card(replace(recognizer, provenance=hostile), "in_sects.onnx")
    assert "<b>" not in page
    assert "# in\\_sects.onnx" in page
    assert "- method: a\\|b" in page
    assert page.count("```") == 2


def test_a_task_without_names(recognizer):
    page = card(replace(recognizer, names=()), "x.onnx")
    assert "## What it answers\n\nWhich class a picture belongs to.\n" in page
