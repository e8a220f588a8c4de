"""The page on data names every form that is read."""

from pathlib import Path

from striate.data import READERS

PAGE = Path(__file__).parents[2] / "docs" / "data.md"


def test_every_reader_stands_on_the_page() -> None:
    table = [line for line in PAGE.read_text("utf-8").split("\n") if line.startswith("| ")]
    forms = [line.split("|")[1] for line in table]
    missing = {each.name for each in READERS if not any(each.name in form for form in forms)}
    assert not missing
