"""The model card: every number is there, with its interval; nothing of the user's is markup."""

from dataclasses import replace

from striate.exporting import card
from striate.recognizer import Calibration


def test_scores_with_intervals(recognizer):
    page = card(recognizer, "insects.onnx")
    # Wilson, 175 of 200: (p + z²/2n ± z sqrt(p(1-p)/n + z²/4n²)) / (1 + z²/n) with z = 1.96
    assert "| top1 | 87.5% | 82.2% to 91.4% |" in page
    assert "200 test images" in page
    for words in ("insects", "ab12", "0.031", "approach: none", "lenet5", '"rate": 0.1', "0.1100"):
        assert words in page, words


def test_what_is_not_recorded_is_said_to_be_missing(recognizer):
    page = card(
        replace(recognizer, provenance={}, familiarity=None, calibration=Calibration(1.0, 0.25)),
        "insects.onnx",
    )
    assert "nobody should rely on it before `striate evaluate`" in page
    assert "the largest probability is below 0.2500" in page
    assert page.count("ot recorded") >= 4


def test_names_are_no_markup(recognizer):
    page = card(recognizer, "insects.onnx")
    assert "<script>" not in page
    assert r"\<script\>\*" in page
