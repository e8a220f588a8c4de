"""Pictures of one color, and sentences that tell it."""

import numpy as np
import pytest
import torch
from PIL import Image

import striate

COLORS = {"red": (220, 30, 30), "green": (30, 200, 40), "blue": (40, 50, 220)}
FORMS = ("a {} wall", "this wall is {}")


@pytest.fixture(scope="session")
def colored(tmp_path_factory):
    """A folder of 30 pictures with two sentences each."""
    root = tmp_path_factory.mktemp("colored")
    random = np.random.default_rng(0)
    lines = ["split\timage\tcaption"]
    for number in range(30):
        name = list(COLORS)[number % 3]
        pixels = np.clip(np.array(COLORS[name]) + random.normal(0, 12, (48, 64, 3)), 0, 255)
        Image.fromarray(pixels.astype(np.uint8)).save(root / f"{number}.png")
        split = "train" if number < 18 else "val" if number < 24 else "test"
        lines += [f"{split}\t{number}.png\t{form.format(name)}" for form in FORMS]
    (root / "captions.tsv").write_text("\n".join(lines))
    return root


@pytest.fixture(scope="session")
def weights(tmp_path_factory):
    """Drawn weights of the smallest network with feature maps."""
    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("weights") / "drawn.pt"
    torch.save(striate.create("resnet20").state_dict(), path)
    return path


@pytest.fixture(scope="session")
def kept(colored, tmp_path_factory):
    """Methods without a network on those pictures."""
    return striate.compare(
        colored, ["constant", "hog_neighbors"], task="captions", keep_leaks=True,
        folder=tmp_path_factory.mktemp("kept"),
    )  # fmt: skip


@pytest.fixture(scope="session")
def compared(colored, weights, tmp_path_factory):
    """Methods with one: attention, which learns to tell colors, and others for an epoch."""

    def learned(methods, epochs):
        return striate.compare(
            colored, methods, task="captions", network="resnet20", weights=weights, seeds=1,
            settings=[f"epochs={epochs}", "batch_size=6", "learning_rate=0.01", "average=0"],
            keep_leaks=True, folder=tmp_path_factory.mktemp("compared"),
        )  # fmt: skip

    return learned(["deep_neighbors", "attend"], 12), learned(["show_and_tell", "tuned"], 1)
