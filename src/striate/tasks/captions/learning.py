"""How each method learns to describe; of what can be chosen, the validation pictures decide."""

from collections.abc import Callable, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.data import Decoded
from striate.data.captions import LONG
from striate.data.splits import TEST, TRAIN, VALIDATION
from striate.inference import Preprocessing, fastest_device
from striate.inference.outputs import outputs_of
from striate.models import Normalization, entry, folded
from striate.models.stages import Stages
from striate.models.word_decoder import Ensemble, WordDecoder
from striate.ops.memory import channels_last
from striate.progress import Clock, stage, track
from striate.tasks.captions.answers import Answer, Words
from striate.tasks.captions.constant import Constant
from striate.tasks.captions.describer import Describer, Search, Teller
from striate.tasks.captions.encoders import (
    HOG,
    Gradients,
    last_maps,
    parts,
    plain_view,
    pooled,
    view,
)
from striate.tasks.captions.neighbors import Neighbors, Pooled, consensus, grams_of
from striate.tasks.captions.problem import Mapped, NextWord
from striate.tasks.captions.scores import of_sentences
from striate.tasks.contract import Ask, Learned
from striate.tasks.pictures.features import kept
from striate.tasks.pictures.starting import PRETRAINED, started, weights_of
from striate.texts.caption_words import caption_words
from striate.texts.vocabulary import Vocabulary
from striate.training import Recipe, Run, fit, seeded

# A few thousand sentences: half of all that is read is dropped, and what is kept is the mean of the
# weights on the way; a run ends when BLEU on the validation pictures no longer rises.
SHOW = Recipe(
    epochs=20, batch_size=20, learning_rate=4e-3, optimizer="adamw", weight_decay=1e-4,
    schedule="cosine", clip=5.0, average=0.98, patience=8, threads=1,
)  # fmt: skip
STEPS = 600  # at least, for sets of few pictures
TUNE = SHOW.but(epochs=10, learning_rate=5e-4, kept_rate=0.04, freeze_statistics=True, patience=5)
LEAST = 3  # times that a word occurs in training sentences, from which on it is given
FEW_WORDS = 5_000  # running words, below which every word is
SIZE, HIDDEN, DROPOUT = 128, 256, 0.5
DECODERS = 3  # of Show and Tell on a kept network: learned apart, they give words together
CANDIDATES = 200  # sentences that are tried for all pictures
NEAREST = (1, 2, 5, 10, 20, 50)  # pictures whose sentences are tried
SEARCHES = (
    Search("greedy"),
    *(Search("beam", width, power) for width in (2, 3, 5) for power in (0.0, 0.7, 1.0)),
)
LEVELS = Normalization((0.0,) * 3, (1.0,) * 3)  # as they are
CHUNK = 64
TUNED = 2  # stages with feature maps, at the end of the network, that are tuned


class Source(NamedTuple):
    """A trained network whose maps are read."""

    name: str
    weights: str
    preprocessing: Preprocessing
    model: Stages


def source_for(data: Decoded, ask: Ask) -> Source:
    """The network that is asked for, with its weights."""
    name = ask.network or PRETRAINED
    weights = weights_of(name, ask.weights)
    start = started(name, weights, entry(name).classes)
    assert isinstance(start.model, Stages)
    preprocessing = Preprocessing(view(data.dataset, ask), start.normalization)
    return Source(name, str(weights), preprocessing, start.model)


def sentences_of(data: Decoded, row: int) -> list[list[str]]:
    """The words of a picture's sentences, as far as they are learned."""
    return [caption_words(one)[:LONG] for one in data.dataset.targets.sentences[row]]


def whole_sentences(data: Decoded, rows: Sequence[int]) -> list[list[list[str]]]:
    """The words of all sentences of those pictures."""
    return [list(map(caption_words, data.dataset.targets.sentences[row])) for row in rows]


def rows_of(data: Decoded, part: int) -> list[int]:
    """The rows of a split."""
    return list(np.flatnonzero(data.dataset.split == part).tolist())


def constant(data: Decoded, ask: Ask) -> Learned:
    """Of the training sentences that are most like all others the best on validation."""
    clock = Clock()
    with clock.stage("choose"):
        known = list(
            dict.fromkeys(
                tuple(words) for row in rows_of(data, TRAIN) for words in sentences_of(data, row)
            )
        )
        order = consensus(grams_of(known))[:CANDIDATES].tolist()
        held = whole_sentences(data, rows_of(data, VALIDATION))
        best, values = _best(
            [known[place] for place in order], lambda words: of_sentences([words] * len(held), held)
        )
    return Learned(Constant(words=best), values, clock.seconds, notes=(" ".join(best),))


def _best(some: Sequence[Any], score: Callable[[Any], dict[str, float]]) -> tuple[Any, Any]:
    """That of some with the best BLEU-4, then BLEU-1, the first of equals, and all its values."""
    values = [score(one) for one in track(some, "choose on validation")]
    place = max(
        range(len(some)), key=lambda k: (values[k]["bleu4"], values[k]["bleu1"], -k)
    )  # fmt: skip
    return some[place], values[place]


def hog_neighbors(data: Decoded, ask: Ask) -> Learned:
    """Sentences of pictures with alike gradients and colors."""
    clock = Clock()
    preprocessing = Preprocessing(plain_view(data.dataset), LEVELS)
    encoder = Gradients()
    with clock.stage("features"):
        pixels = data.pixels[preprocessing.view]
        features = outputs_of(encoder, preprocessing, pixels)
    return _neighbors(data, clock, features, encoder, HOG, preprocessing, None)


def deep_neighbors(data: Decoded, ask: Ask) -> Learned:
    """Sentences of pictures with alike deep features."""
    clock, source = Clock(), source_for(data, ask)
    maps, seconds = maps_of(data, source, last_maps(source.name)[-1])
    lower, _ = parts(source.model, last_maps(source.name)[-1])
    features = torch.cat([pooled(some.float()) for some in maps.split(CHUNK)])
    found = _neighbors(
        data, clock, features, Pooled(lower).eval(), source.name, source.preprocessing, source.name
    )
    return Learned(**{**vars(found), "seconds": {"features": seconds, **found.seconds}})


def _neighbors(
    data: Decoded, clock: Clock, features: Tensor, encoder: nn.Module, name: str,
    preprocessing: Preprocessing, network: str | None,
) -> Learned:  # fmt: skip
    """How many neighbors are asked is chosen on validation."""
    train, held, test = (rows_of(data, part) for part in (TRAIN, VALIDATION, TEST))
    some: list[tuple[int, Words]] = [
        (place, tuple(words)) for place, row in enumerate(train)
        for words in sentences_of(data, row)
    ]  # fmt: skip
    predictor = Neighbors(
        encoder=encoder,
        name=name,
        preprocessing=preprocessing,
        features_kept=nn.functional.normalize(features[train]).half(),
        sentences=tuple(words for _, words in some),
        owners=np.array([place for place, _ in some], np.int64),
    )
    references = whole_sentences(data, held)
    with clock.stage("choose"):
        counts = [count for count in NEAREST if count <= len(train)]
        predictor.count, values = _best(
            counts,
            lambda count: of_sentences(
                [one.words for one in predictor.told(features[held], count)], references
            ),
        )
    return Learned(
        predictor,
        values,
        clock.seconds,
        network=network,
        recipe={"neighbors": predictor.count},
        notes=(f"the sentences of the {predictor.count} nearest pictures",),
        answers=predictor.told(features[test]) if test else (),
    )


def maps_of(
    data: Decoded, source: Source, frozen: str, *, mirrored: bool = False
) -> tuple[Tensor, float]:
    """Maps (N, C, H, W) float16 that a stage gives of every picture, and the seconds that took; a
    frozen network is run once for all methods.

    Args:
        mirrored: of the training pictures alone, each mirrored.
    """
    pixels = data.pixels[source.preprocessing.view]
    key = ("maps", source.name, source.weights, frozen, mirrored)

    def compute() -> Tensor:
        rows = rows_of(data, TRAIN) if mirrored else list(range(len(data.dataset)))
        lower, _ = parts(source.model, frozen)
        trunk = channels_last(folded(lower)).to(fastest_device())
        found = []
        with stage("feature maps of each picture", len(rows)) as bar:
            for first in range(0, len(rows), CHUNK):
                some: NDArray[np.uint8] = pixels[rows[first : first + CHUNK]]
                some = some[:, :, ::-1] if mirrored else some
                found.append(outputs_of(trunk, source.preprocessing, some, bar=bar).half())
        return torch.cat(found)

    return kept(pixels, key, compute)


class Corpus(NamedTuple):
    """What decoders learn from.

    Attributes:
        train, held, test: rows of the set.
        numbers: of the words of each training picture's sentences.
        running: words of all of them.
    """

    data: Decoded
    source: Source
    vocabulary: Vocabulary
    train: list[int]
    held: list[int]
    test: list[int]
    numbers: tuple[tuple[NDArray[np.int64], ...], ...]
    running: int

    @classmethod
    def by(cls, data: Decoded, source: Source) -> "Corpus":
        """The words of the training sentences, rare ones left out."""
        train, held, test = (rows_of(data, part) for part in (TRAIN, VALIDATION, TEST))
        told = [sentences_of(data, row) for row in train]
        running = sum(len(words) for some in told for words in some)
        vocabulary = Vocabulary.of(
            (words for some in told for words in some), least=LEAST if running > FEW_WORDS else 1
        )
        numbers = tuple(tuple(vocabulary.numbered(words) for words in some) for some in told)
        return cls(data, source, vocabulary, train, held, test, numbers, running)

    def seen(self, frozen: str, *, mean: bool) -> tuple[Tensor, Mapped, float]:
        """Maps of all pictures at a stage, what is learned from of them, and the seconds it took.

        Args:
            mean: whether their means over all places are enough.
        """
        maps, first = maps_of(self.data, self.source, frozen)
        mirrors, second = maps_of(self.data, self.source, frozen, mirrored=True)
        if mean:
            maps, mirrors = (
                some.float().mean((2, 3), keepdim=True).half() for some in (maps, mirrors)
            )
        mapped = Mapped(
            self.data.dataset, self.vocabulary, (maps[self.train], mirrors), maps[self.held],
            self.numbers,
        )  # fmt: skip
        return maps, mapped, first + second


def describe(
    data: Decoded, ask: Ask, *, image: Literal["first", "attended"], tuned: bool = False
) -> Learned:
    """By gradient steps; the epoch with the best BLEU-4 on the validation pictures is kept, and
    with it the way to search that is best there.

    Where the network is tuned, a decoder learns on the kept one first (Vinyals et al. 2017,
    arXiv:1609.06647: before that, its noise would ruin what the network knows).
    """
    clock, source = Clock(), source_for(data, ask)
    told, stages = Corpus.by(data, source), last_maps(source.name)
    maps, mapped, spent = told.seen(stages[-1], mean=image == "first")
    recipe = ask.adjusted(ask.recipe or recipe_for(len(told.train)))
    count = DECODERS if image == "first" and not tuned else 1
    left = None if ask.seconds is None else max(0.0, ask.seconds - spent)
    share = None if left is None else left / (2 if tuned else count)
    lower, upper = parts(source.model, stages[-1])
    with clock.stage("train"):
        found = [
            taught(told, mapped, upper, ask, recipe, image, count * ask.seed + number, share,
                   folder=f"decoder-{number + 1}")
            for number in range(count)
        ]  # fmt: skip
    decoders = [decoder for decoder, _ in found]
    runs = [run for _, run in found]
    frozen = stages[-1]
    if tuned:
        frozen = stages[-1 - TUNED]
        lower, upper = parts(source.model, frozen)
        maps, mapped, seconds = told.seen(frozen, mean=False)
        spent += seconds
        recipe = ask.adjusted(ask.recipe or TUNE)
        with clock.stage("tune"):
            runs.append(
                fit(
                    Teller(upper, decoders[0]).to(fastest_device()), NextWord(Search()), mapped,
                    recipe, folder=below(ask, "tuned"), resume=ask.resume, seed=ask.seed,
                    seconds=None if share is None else max(0.0, share - seconds),
                )
            )  # fmt: skip
    predictor = Describer(
        lower=lower.eval(),
        teller=Teller(upper, decoders[0] if count == 1 else Ensemble(decoders)).eval(),
        vocabulary=told.vocabulary,
        preprocessing=source.preprocessing,
        architecture={"name": source.name, "frozen": frozen},
    )
    references = whole_sentences(data, told.held)
    with clock.stage("search"):
        predictor.search, values = _best(
            SEARCHES, partial(_searched, predictor, maps[told.held], references)
        )
    search = predictor.search
    way = "word by word" if search.how == "greedy" else (
        f"beam of {search.width}, length to the {search.power:g}"
    )  # fmt: skip
    rare = told.vocabulary.counts[0] / max(1, told.running)
    return Learned(
        predictor,
        values,
        {"features": spent, **clock.seconds},
        network=source.name,
        history=runs[-1].history if tuned else runs[0].history,
        recipe={**recipe.to_json(), "search": asdict(search), "weights": source.weights},
        notes=(
            f"{len(told.vocabulary) - 1:,} words; {rare:.1%} of the running words are rarer and "
            "never given".replace("%", " %"),
            "; ".join(run.kept for run in runs),
            way,
        ),
        answers=_told(predictor, maps[told.test]) if told.test else (),
    )


def taught(
    told: Corpus, mapped: Mapped, upper: nn.Sequential, ask: Ask, recipe: Recipe,
    image: Literal["first", "attended"], seed: int, seconds: float | None, *, folder: str,
) -> tuple[WordDecoder, Run]:  # fmt: skip
    """A decoder that has learned on a network that stays as it is.

    Args:
        upper: layers above the maps; none of them learns here.
        folder: of its run, below that of all.
    """
    width = _width(upper, mapped.held)
    with seeded(seed):
        decoder = WordDecoder(
            len(told.vocabulary), width, image=image, size=SIZE, hidden=HIDDEN, dropout=DROPOUT,
            tied=True,
        )  # fmt: skip
    run = fit(
        Teller(upper, decoder).to(fastest_device()), NextWord(Search()), mapped, recipe,
        folder=below(ask, folder), resume=ask.resume, seed=seed, seconds=seconds,
    )  # fmt: skip
    return decoder, run


def below(ask: Ask, name: str) -> Path | None:
    """The folder of a part of the run, where the run has one."""
    return None if ask.folder is None else ask.folder / name


def recipe_for(count: int) -> Recipe:
    """The recipe for so many training pictures: few have more epochs.

    >>> [recipe_for(count).epochs for count in (6_000, 500, 20)]
    [20, 24, 200]
    """
    steps = -(-count // SHOW.batch_size)
    epochs = min(200, max(SHOW.epochs, round(STEPS / max(1, steps))))
    return SHOW.but(epochs=epochs, patience=max(8, epochs // 3))


def _width(upper: nn.Sequential, maps: Tensor) -> int:
    """F, how many features a place has above maps (N, C, H, W)."""
    with torch.no_grad():
        found: Tensor = upper.eval()(maps[:1].float())
    return found.shape[1]


def _told(predictor: Describer, maps: Tensor) -> list[Answer]:
    return [one for some in maps.split(CHUNK) for one in predictor.told(some.float())]


def _searched(
    predictor: Describer, maps: Tensor, references: list[list[list[str]]], search: Search
) -> dict[str, float]:
    told = _told(predictor.searching(search), maps)
    return of_sentences([one.words for one in told], references)
