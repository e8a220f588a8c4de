"""Hidden words: the incremental form against texts that are read anew, and by hand."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from striate.handcrafted.bag_of_words import BagOfWords
from striate.layers.word_convolution import laid
from striate.models.kim import Kim
from striate.tasks.text.bag import Bag
from striate.tasks.text.explaining import fired, neighbors, occluded, spoken
from striate.tasks.text.network import Network
from striate.texts import Tokenizer


def network(words: int = 9, *, seed: int = 0) -> Kim:
    torch.manual_seed(seed)
    vectors = torch.randn(words, 4)
    vectors[0] = 0
    model = Kim(vectors, "static", classes=3).double()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter)
    return model.eval()


@given(st.lists(st.integers(0, 8), min_size=1, max_size=9), st.integers(0, 99))
def test_hiding_a_word_is_exact(numbers: list[int], seed: int) -> None:
    model, text = network(seed=seed), np.array(numbers)
    versions = [np.where(np.arange(len(text)) == place, 0, text) for place in range(len(text))]
    with torch.no_grad():
        plain = model(laid([*versions, text], Kim.longest - 1))
        torch.testing.assert_close(occluded(model, text), plain)


def test_words_of_a_bag() -> None:
    bag = BagOfWords(("bad", "good", "not good"), 2, "presence", np.ones(3, np.float32))
    weight = torch.tensor([[1.0, -1.0, 3.0], [-1.0, 1.0, -3.0]])
    predictor = Bag(tokenizer=Tokenizer(), bag=bag, weight=weight, bias=torch.zeros(2))
    found = spoken(predictor, ["it", "is", "not", "good"], None)
    assert found.class_number == 0
    assert found.losses[:2].tolist() == [0, 0]
    # Without "not" what stays is "good": logits -1 and 1.
    assert found.losses[2] == pytest.approx(1 / (1 + np.exp(-4)) - 1 / (1 + np.exp(2)), abs=1e-6)
    with pytest.raises(ValueError, match="no word"):
        spoken(predictor, [], None)


def test_the_runs_that_a_filter_fires_on() -> None:
    model = network().float()
    with torch.no_grad():  # filter 0 adds the first numbers of three words
        model.filters[0][0] = 0
        model.filters[0][0, :, 0] = 1
        model.vectors[:, 0] = torch.tensor([0, 1, 2, 3, -1, -1, -1, -1, -1.0])
    words = tuple("abcdefgh")
    found = fired(
        Network(tokenizer=Tokenizer(), words=words, model=model), [["a", "b", "c", "d"], ["c", "c"]]
    )
    assert len(found) == 300
    assert [run for run, _ in found[0].runs[:3]] == ["a b c", "c c", "b c d"]
    assert [value for _, value in found[0].runs[:3]] == [6, 6, 4]


def test_neighbors() -> None:
    vectors = torch.tensor([[0.0, 0], [1, 0], [2, 0.1], [0, 1], [1, 1]])
    words = ("a", "b", "c", "d")
    assert neighbors(vectors, words, ["a"], words, most=2) == {"a": ("b", "d")}
