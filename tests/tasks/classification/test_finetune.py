"""Which layers are frozen."""

import pytest
import torch

from striate.models import Stages, create, describe
from striate.tasks.pictures import finetuning


@pytest.mark.parametrize(
    ("name", "frozen"),
    # by the tables of the papers: the last of these stages and all below it are frozen
    [("efficientnet_lite0", "stage5"), ("resnet18", "stage3"), ("vgg16", "conv3_3")],
)
def test_the_upper_layers_take_two_fifths_of_the_work(name: str, frozen: str) -> None:
    with torch.device("meta"):
        model = create(name)
    assert isinstance(model, Stages)
    found = finetuning.last_frozen(model, 224)
    rows = describe(name).stages
    place = [row.name for row in rows].index(found)
    total = sum(row.multiply_adds for row in rows)
    above = sum(row.multiply_adds for row in rows[place + 1 :])
    assert above <= finetuning.LEARNED * total < above + rows[place].multiply_adds
    assert found == frozen
