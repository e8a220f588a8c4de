"""Which words spoke for an answer: each hidden in turn, exactly, without a second look at the rest.

A hidden word counts for nothing in the windows that hold it. Kim's maximum over time is the largest
of those changed windows, of all windows before and of all behind: two running maxima of what is
known already, and as many differences as a window has words.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from striate.inference import evaluating
from striate.layers.word_convolution import by_place, laid, windows
from striate.models.kim import Kim
from striate.tasks.text.bag import Bag
from striate.tasks.text.network import Network

HIDDEN = "\0"  # a word that no text has


class Spoken(NamedTuple):
    """What each word of a text does to the probability of a class.

    Attributes:
        probability: of the class, of the whole text.
        words: in their order.
        losses: (n,) how much of that is lost where the word is hidden.
    """

    class_number: int
    probability: float
    words: tuple[str, ...]
    losses: NDArray[np.float64]


def spoken(predictor: Bag | Network, words: Sequence[str], class_number: int | None) -> Spoken:
    """The words that spoke for a class, or for the most probable one.

    Raises:
        ValueError: if there is no word.
    """
    if not words:
        raise ValueError("there is no word to hide")
    logits = hidden(predictor, words)
    probabilities = predictor.calibration(logits).double().numpy()
    whole = probabilities[-1]
    number = int(whole.argmax()) if class_number is None else class_number
    losses = whole[number] - probabilities[:-1, number]
    return Spoken(number, float(whole[number]), tuple(words), losses)


def hidden(predictor: Bag | Network, words: Sequence[str]) -> Tensor:
    """(n + 1, classes) logits with each of n words hidden in turn, and with none hidden."""
    if isinstance(predictor, Network):
        model = predictor.model
        with evaluating(model):
            return occluded(model, predictor.numbered(words)).float().cpu()
    versions = [[*words[:place], HIDDEN, *words[place + 1 :]] for place in range(len(words))]
    return predictor.logits([*versions, list(words)])


def occluded(model: Kim, numbers: NDArray[np.int64]) -> Tensor:
    """(n + 1, classes) logits of a text with each of its n words hidden in turn, and whole."""
    pad, count = model.longest - 1, len(numbers)
    device = model.decision.weight.device
    text = laid([numbers], pad)
    places = text.places.to(device)
    vectors = model.embedded(text.words.to(device))
    maxima = []
    for weight, bias in zip(model.filters, model.biases, strict=True):
        maps, length, _ = weight.shape
        products = windows(vectors, weight, places)  # (windows, maps)
        none = products.new_full((1, maps), -torch.inf)
        before = torch.cat([none, products.cummax(0).values])  # row t: of the windows before t
        behind = torch.cat([products.flip(0).cummax(0).values.flip(0), none])
        table = (vectors @ by_place(weight)).view(-1, length, maps)
        own = table[places[pad : pad + count]]  # (n, h, maps): what each word adds, by its place
        best = torch.maximum(
            before[pad - length + 1 : pad - length + 1 + count], behind[pad + 1 : pad + 1 + count]
        )
        for place in range(length):
            changed = products[pad - place : pad - place + count] - own[:, place]
            best = torch.maximum(best, changed)
        whole = products.amax(0, keepdim=True)
        maxima.append(F.relu(torch.cat([best, whole]).clamp(min=0) + bias))
    return model.decided(torch.cat(maxima, 1))


class Fired(NamedTuple):
    """What a filter fires on most.

    Attributes:
        filter: its number, of all.
        weights: (classes,) its weights in the decision.
        runs: n-grams and how strongly it fires, the strongest first, each once.
    """

    filter: int
    weights: NDArray[np.float32]
    runs: tuple[tuple[str, float], ...]


def fired(network: Network, texts: Sequence[Sequence[str]], *, most: int = 5) -> list[Fired]:
    """The n-grams of some texts that each filter fires on most, in the order of the filters."""
    model, pad = network.model, Kim.longest - 1
    text = laid([network.numbered(words) for words in texts], pad)
    flat: list[str] = []
    for words in texts:
        flat += [""] * pad + list(words)
    flat += [""] * pad
    found: list[Fired] = []
    with evaluating(model):
        device = model.decision.weight.device
        vectors, places = model.embedded(text.words.to(device)), text.places.to(device)
        decision = model.decision.weight.detach().cpu().numpy()
        for weight in model.filters:
            maps, length, _ = weight.shape
            products = windows(vectors, weight, places).cpu()
            strongest = products.topk(min(8 * most, len(products)), 0)
            for number in range(maps):
                runs: dict[str, float] = {}
                rows, values = strongest.indices[:, number], strongest.values[:, number]
                for row, value in zip(rows.tolist(), values.tolist(), strict=True):
                    run = " ".join(filter(None, flat[row : row + length]))
                    if run and len(runs) < most:
                        runs.setdefault(run, value)
                place = len(found)
                found.append(Fired(place, decision[:, place], tuple(runs.items())))
    return found


def neighbors(
    vectors: Tensor, words: Sequence[str], asked: Sequence[str], known: Sequence[str], *, most: int
) -> dict[str, tuple[str, ...]]:
    """The nearest words of each asked word, by the cosine, among those that are known.

    Args:
        vectors: (V, D), row k + 1 of `words[k]`.
    """
    number = {word: place for place, word in enumerate(words, 1)}
    rows = torch.tensor([number[word] for word in known])
    unit = F.normalize(vectors[rows].float(), dim=1)
    found = {}
    for word in asked:
        likeness = unit @ F.normalize(vectors[number[word]].float(), dim=0)
        order = likeness.topk(min(most + 1, len(rows))).indices.tolist()
        found[word] = tuple(known[place] for place in order if known[place] != word)[:most]
    return found
