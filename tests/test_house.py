"""A task is a folder and a line in the table: what serves every task knows none by its name."""

import re
from pathlib import Path

import pytest

import striate
from striate.tasks.table import TASKS

SOURCE = Path(striate.__file__).parent
HOUSE = ("cli", "comparing", "serving", "exporting", "recognizer.py", "tasks/opening.py")
FILES = sorted(
    file
    for place in HOUSE
    for file in ((SOURCE / place).rglob("*") if (SOURCE / place).is_dir() else [SOURCE / place])
    if file.suffix in (".py", ".jinja", ".js", ".css", ".html")
)
EVERYDAY = {
    "faces",
    "questions",
    "style",
    "tags",
    "text",
}  # what code may speak of without meaning the task
TOLD = "|".join(name for name in TASKS if name not in EVERYDAY)
NAMES = re.compile(rf"\b({TOLD})\b|tasks\.({'|'.join(TASKS)})\b", re.IGNORECASE)


def told(text: str) -> list[str]:
    """Every line that names a task.

    >>> told("one\\nif task == 'detection':\\nfrom striate.tasks.classification.scores import x")
    ["if task == 'detection':", 'from striate.tasks.classification.scores import x']
    """
    return [line for line in text.splitlines() if NAMES.search(line)]


def test_the_house_is_there():
    assert len(FILES) > 50
    assert set(TASKS) == {
        "captions",
        "classification",
        "detection",
        "faces",
        "generation",
        "keypoints",
        "questions",
        "segmentation",
        "speech",
        "style",
        "tags",
        "text",
    }


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_no_task_is_named(file):
    assert told(file.read_text(encoding="utf-8")) == []


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_nothing_asks_which_task_it_is(file):
    text = file.read_text(encoding="utf-8")
    assert re.findall(r"task(?:\.name)? ?(?:==|!=|in) ?[(\"']", text) == []


def test_every_line_of_the_table_is_a_folder():
    for name, task in TASKS.items():
        assert task.name == name
        assert type(task).__module__ == f"striate.tasks.{name}.task"
        assert (SOURCE / "tasks" / name).is_dir()
        assert set(task.compared) <= set(task.methods)
        assert task.default in task.methods
