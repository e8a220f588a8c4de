"""docs/looking_inside.md: its examples run."""

import doctest
from pathlib import Path


def test_the_examples_run():
    path = Path(__file__).parents[2] / "docs" / "looking_inside.md"
    failures, tried = doctest.testfile(str(path), module_relative=False)
    assert tried > 8
    assert failures == 0
