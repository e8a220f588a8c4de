"""What is asked of methods reaches those that have it, and is refused where none has."""

from dataclasses import fields

import pytest

from striate.comparing import Wishes
from striate.errors import UserError
from striate.tasks.table import TASKS
from striate.training import Recipe


@pytest.mark.parametrize("name", TASKS)
def test_a_setting_that_changes_nothing_is_refused_with_those_that_do(name):
    task = TASKS[name]
    known = {field.name for field in fields(Recipe)}
    for title, method in task.methods.items():
        assert method.ignores | task.ignores | method.settings <= known
        if not method.by_epochs:
            continue
        for setting in task.ignores | method.ignores:
            with pytest.raises(UserError, match=f"{title} has no such setting; it has epochs, "):
                Wishes(settings=(f"{setting}=1",)).plan(task, title, 0)


def test_what_is_inside_of_a_setting_goes_with_it():
    with pytest.raises(UserError, match="cnn-rand has no such setting"):
        Wishes(settings=("mirror=0",)).plan(TASKS["text"], "cnn-rand", 0)


def test_a_setting_goes_to_those_methods_that_have_it():
    wishes = Wishes(settings=("balance=1", "clip=2"))
    found = wishes.plans(TASKS["tags"], ["handcrafted", "scratch"], 0)
    assert [plan.ask.settings for plan in found] == [("balance=1",), ("balance=1", "clip=2")]
    with pytest.raises(UserError, match="balance=1: none of unet has it; they have epochs"):
        wishes.plans(TASKS["segmentation"], ["unet"], 0)
    with pytest.raises(UserError, match="balance must be from 0 to 1, not 3"):
        Wishes(settings=("balance=3",)).plans(TASKS["tags"], ["handcrafted"], 0)
