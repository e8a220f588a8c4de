"""Which part of a picture each word of its sentence depends on: where the decoder attended, or what
of the word's probability is lost where a square is hidden (Zeiler & Fergus 2014, Section 4.2)."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray

from striate import images as pictures
from striate.errors import ModelError, UnknownName, UserError
from striate.inference import evaluating
from striate.progress import track
from striate.tasks.captions.answers import Caption
from striate.tasks.captions.describer import Describer
from striate.tasks.captions.drawing import drawn, sheet
from striate.tasks.contract import Predictor
from striate.visualize.explaining import Explanation

PLACES, SHARE = 7, 4  # of the square along a side; the square is such a part of the side
AT_ONCE = 16
METHODS = ("attention", "occlusion")


def explanation(predictor: Predictor, item: str, name: str | None, method: str) -> Explanation:
    """A page with a map for each word.

    Args:
        name: the one word that is asked about; all of the sentence where None.

    Raises:
        UserError, ModelError, ImageError: if it cannot be asked that.
    """
    if method not in METHODS:
        raise UnknownName("method", method, METHODS)
    if not isinstance(predictor, Describer):
        raise ModelError(f"{predictor.kind} gives no words that could be explained")
    if not item:
        raise UserError("give a picture, as in: striate explain MODEL photo.jpg")
    pixels = predictor.prepare(pictures.load(item))
    answer = predictor.predict([pixels])[0]
    words = answer.words
    if not words:
        raise UserError(f"{item}: it has no word to say of this picture")
    if name is not None and name not in words:
        raise UnknownName("word of the sentence", name, words)
    if method == "attention":
        if answer.maps is None:
            raise ModelError("this decoder sees the picture once; take --method occlusion")
        maps = answer.maps
    else:
        maps = lost_by_hiding(predictor, pixels, words)
    chosen = [k for k, word in enumerate(words) if name in (None, word)]
    whole = drawn(pixels, Caption(item, answer._replace(maps=None)))
    below = sheet(pixels, tuple(words[k] for k in chosen), maps[chosen].clip(min=0))
    page = np.full((whole.height + below.height, max(whole.width, below.width), 3), 255, np.uint8)
    page[: whole.height, : whole.width] = np.asarray(whole)
    page[whole.height :, : below.width] = np.asarray(below)
    facts = {
        "caption": Caption(item, answer).text,
        "words": [words[k] for k in chosen],
        "most": [float(maps[k].max()) for k in chosen],
        "where": [list(map(int, np.unravel_index(int(maps[k].argmax()), maps[k].shape)))
                  for k in chosen],
    }  # fmt: skip
    return Explanation(page, facts)


def lost_by_hiding(
    predictor: Describer, pixels: NDArray[np.uint8], words: Sequence[str]
) -> NDArray[np.float32]:
    """(words, PLACES, PLACES): how much of each word's probability, after the words before it, a
    hidden square takes away; the square has the mean color of the picture."""
    side = len(pixels)
    size = max(1, side // SHARE)
    starts = np.linspace(0, side - size, PLACES).round().astype(int).tolist()
    color = pixels.mean((0, 1)).round().astype(np.uint8)
    places = [(top, left) for top in starts for left in starts]
    before = probabilities(predictor, pixels[None], words)[0]
    lost = []
    for first in track(range(0, len(places), AT_ONCE), "hide parts"):
        some = places[first : first + AT_ONCE]
        views = np.repeat(pixels[None], len(some), 0)
        for view, (top, left) in zip(views, some, strict=True):
            view[top : top + size, left : left + size] = color
        lost.append(before - probabilities(predictor, views, words))
    return np.concatenate(lost).T.reshape(len(words), PLACES, PLACES).astype(np.float32)


def probabilities(
    predictor: Describer, pixels: NDArray[np.uint8], words: Sequence[str]
) -> NDArray[np.float64]:
    """(N, words) the probability of each word of a sentence, after those before it, for pictures
    (N, S, S, C)."""
    teller = predictor.teller
    numbers = torch.from_numpy(predictor.vocabulary.numbered(words))
    maps = predictor.maps(pixels)
    read = torch.cat([torch.tensor([teller.decoder.mark]), numbers[:-1]])
    with evaluating(teller):
        logits = teller(
            maps, torch.arange(len(maps)).to(maps.device),
            read.expand(len(maps), -1).to(maps.device),
        ).double().softmax(2).cpu()  # fmt: skip
    chosen = logits.gather(2, numbers.expand(len(maps), -1)[:, :, None])[:, :, 0]
    found: NDArray[np.float64] = chosen.numpy()
    return found
