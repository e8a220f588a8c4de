"""A small set of questions whose answers are in the pictures: one color a picture."""

import numpy as np
import pytest
import torch
from PIL import Image

import striate
from striate.models import create
from striate.tasks.contract import Ask, Plan
from striate.tasks.questions.methods import METHODS
from striate.tasks.table import TASKS

COLORS = {"red": (200, 30, 30), "green": (30, 180, 30), "blue": (30, 30, 200)}
HEAD = "split\timage\tquestion\tanswer\n"


@pytest.fixture(scope="session")
def colors(tmp_path_factory):
    """A folder: 36 pictures of one color, each with two questions; qa.tsv beside images/."""
    folder = tmp_path_factory.mktemp("colors")
    (folder / "images").mkdir()
    random = np.random.default_rng(0)
    lines = []
    for number in range(36):
        name = list(COLORS)[number % 3]
        pixels = np.clip(np.array(COLORS[name]) + random.normal(0, 12, (40, 50, 3)), 0, 255)
        Image.fromarray(pixels.astype(np.uint8)).save(folder / f"images/image{number}.png")
        split = ("train", "train", "val", "test")[number // 3 % 4]
        lines.append(f"{split}\timage{number}.png\twhat is the colour of the wall ?\t{name}\n")
        thing = "chair, table" if number % 2 else "lamp"
        lines.append(
            f"{split}\timage{number}.png\twhat is on the left side {number % 5} ?\t{thing}\n"
        )
    (folder / "qa.tsv").write_text(HEAD + "".join(lines))
    return folder


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """A file with weights of ResNet-20 that nobody has taught."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "resnet20.pt"
    torch.save(create("resnet20", classes=10).state_dict(), path)
    return path


@pytest.fixture(scope="session")
def data(colors, tmp_path_factory):
    """The set, its pictures decoded as Ask Your Neurons reads them on ResNet-20."""
    plans = [Plan("neurons", METHODS["neurons"], Ask(network="resnet20"))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STRIATE_CACHE", str(tmp_path_factory.mktemp("cache")))
        return TASKS["questions"].prepare(striate.open(colors), plans)


@pytest.fixture(scope="session")
def learned(data, weights):
    ask = Ask(network="resnet20", weights=weights, epochs=30, settings=("learning_rate=0.01",))
    return METHODS["neurons"].learn(data, ask)


@pytest.fixture(scope="session")
def learned_bag(data, weights):
    return METHODS["bow-image"].learn(data, Ask(network="resnet20", weights=weights))


@pytest.fixture(scope="session")
def learned_words(data, weights):
    return METHODS["neurons-words"].learn(data, Ask(network="resnet20", weights=weights, epochs=2))


@pytest.fixture(scope="session")
def kept(learned, tmp_path_factory):
    """The file of a recognizer."""
    path = tmp_path_factory.mktemp("kept") / "colors.safetensors"
    striate.Recognizer(TASKS["questions"], learned.predictor).save(path)
    return path
