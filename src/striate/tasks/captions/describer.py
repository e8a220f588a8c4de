"""A network and a decoder of words: from pixels to sentences."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any, ClassVar, Literal, Self, cast, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.errors import UserError
from striate.inference import Preprocessing, device_of, evaluating
from striate.inference.program import Graph
from striate.models import folded
from striate.models.skeletons import skeleton, undrawn
from striate.models.word_decoder import (
    IMAGES,
    Ensemble,
    State,
    WordDecoder,
    Words,
    beam,
    greedy,
    sample,
)
from striate.ops.memory import channels_last
from striate.tasks.captions.answers import Answer
from striate.tasks.captions.encoders import parts, placed, pooled, stages_of
from striate.tasks.contract import Input, Predictor
from striate.tasks.pictures.predictor import number, same_kinds, viewed, whole
from striate.texts.vocabulary import Vocabulary

Pixels = NDArray[np.uint8]
How = Literal["greedy", "beam", "sample"]
WAYS: tuple[How, ...] = get_args(How)
WIDEST, LONGEST = 100, 100  # of a search that a file or a person may ask for
MOST = 20  # decoders of a file
AT_ONCE = 16  # pictures that go through the network together


@dataclass(frozen=True)
class Search:
    """How a sentence is found.

    Attributes:
        how: "greedy", "beam", or "sample", which draws words by their probabilities.
        width: beginnings that a beam keeps.
        power: of the length, by which a beam divides a sentence's score.
        longest: words of a sentence at most.
        temperature: of what is drawn.
        seed: of what is drawn.

    Raises:
        ValueError: if any is out of range.
    """

    how: How = "greedy"
    width: int = 3
    power: float = 0.0
    longest: int = 20
    temperature: float = 1.0
    seed: int = 0

    def __post_init__(self) -> None:
        if self.how not in WAYS:
            raise ValueError(f"a search is one of {', '.join(WAYS)}, not {self.how!r}")
        if not 1 <= self.width <= WIDEST or not 1 <= self.longest <= LONGEST:
            raise ValueError("a beam is 1 to 100 wide and a sentence 1 to 100 words long")
        if not 0 <= self.power <= 3 or not 0 < self.temperature <= 100:
            raise ValueError("the power is 0 to 3, the temperature above 0 to 100")

    def __call__(self, decoder: WordDecoder | Ensemble, state: State) -> list[list[Words]]:
        """Of each image one sentence or more, the best first."""
        limits = {"mark": decoder.mark, "longest": self.longest}
        if self.how == "beam":
            return beam(decoder.step, state, width=self.width, power=self.power, **limits)
        if self.how == "greedy":
            return [[one] for one in greedy(decoder.step, state, **limits)]
        generator = torch.Generator().manual_seed(self.seed)
        found = sample(
            decoder.step, state, generator=generator, temperature=self.temperature, **limits
        )
        return [[one] for one in found]


class Teller(nn.Module):
    """Feature maps (N, C, H, W) of a frozen network to words: what learns.

    Args:
        upper: layers of the network that learn, too; none where it is kept.
    """

    def __init__(self, upper: nn.Sequential, decoder: WordDecoder | Ensemble):
        super().__init__()
        self.upper, self.decoder = upper, decoder

    @property
    def decoders(self) -> list[WordDecoder]:
        """The one, or all of an ensemble."""
        several = self.decoder.decoders if isinstance(self.decoder, Ensemble) else [self.decoder]
        return [cast(WordDecoder, each) for each in several]

    def features(self, maps: Tensor) -> Tensor:
        """What the decoder is given of the images: (N, F), or (N, P, F) where it attends."""
        maps = self.upper(maps)
        return placed(maps) if self.decoder.image == "attended" else pooled(maps)

    def forward(self, maps: Tensor, images: Tensor, words: Tensor) -> Tensor:
        """(S, T, V + 2) logits of what follows each of the words (S, T) of S sentences.

        Args:
            images: (S,) the row in maps (N, C, H, W) that each sentence is about.
        """
        state = self.decoder.begin(self.features(maps))  # once for all sentences of an image
        return self.decoder.follow(state.take(images), words)


@dataclass(eq=False, kw_only=True)
class Describer(Predictor):
    """Pictures to sentences.

    Attributes:
        lower: images (N, C, S, S), normalized, to what `teller` takes.
        architecture: "name" of the network, and the last stage that is "frozen".
        search: how sentences are found where nobody asks for something else.
    """

    kind: ClassVar[str] = "describer"
    lower: nn.Sequential
    teller: Teller
    vocabulary: Vocabulary
    preprocessing: Preprocessing
    architecture: dict[str, str]
    search: Search = Search()

    def __post_init__(self) -> None:
        view = self.preprocessing.view
        self.size, self.pixels = view.size, (view.size, view.size, view.channels)
        self.largest_batch = 64

    @property
    def parameters(self) -> int:
        return sum(tensor.numel() for tensor in self._modules().state_dict().values())

    def _modules(self) -> nn.ModuleDict:
        return nn.ModuleDict({"lower": self.lower, "teller": self.teller})

    def prepare(self, item: Input) -> Pixels:
        """The picture in this view: (S, S, C) uint8."""
        return viewed(item, self.preprocessing.view)

    def maps(self, pixels: Pixels) -> Tensor:
        """What `lower` gives of pixels (N, S, S, C): (N, C, H, W)."""
        lower = self._quick
        with evaluating(lower):
            images = self.preprocessing.tensor(pixels, device_of(lower))
            found: Tensor = lower(images.contiguous(memory_format=torch.channels_last))
        return found

    @cached_property
    def _quick(self) -> nn.Module:
        """`lower` in the form in which it is computed."""
        return channels_last(folded(self.lower))

    def predict(self, batch: Sequence[Pixels]) -> list[Answer]:
        found: list[Answer] = []
        for first in range(0, len(batch), AT_ONCE):
            found += self.told(self.maps(np.stack(batch[first : first + AT_ONCE])))
        return found

    def told(self, maps: Tensor) -> list[Answer]:
        """Sentences about maps (N, C, H, W) that `lower` gave."""
        decoder = self.teller.decoder
        with evaluating(self.teller):
            upper = self.teller.upper(maps.to(device_of(self.teller)))
            features = placed(upper) if decoder.image == "attended" else pooled(upper)
            state = decoder.begin(features)
            found = self.search(decoder, state)
            shares = (
                attention(decoder, state, [some[0].numbers for some in found])
                if decoder.image == "attended"
                else [None] * len(found)
            )
        shape = tuple(upper.shape[2:])
        return [
            Answer(
                self.words(some[0]), some[0].score,
                tuple((self.words(one), one.score) for one in some[1:]),
                None if share is None else share.reshape(-1, *shape),
            )
            for some, share in zip(found, shares, strict=True)
        ]  # fmt: skip

    def words(self, given: Words) -> tuple[str, ...]:
        """Numbers as words."""
        return tuple(self.vocabulary.words[number - 1] for number in given.numbers)

    def searching(self, search: Search) -> Self:
        """The same, finding sentences in another way."""
        return replace(self, search=search)

    def to(self, device: str) -> None:
        for each in (self.lower, self.teller, self._quick):
            each.to(device)

    def graph(self, *, single: bool = False) -> Graph:
        from striate.tasks.captions.exported import graph_of

        return graph_of(self, single=single)

    def tensors(self) -> dict[str, Tensor]:
        state = {name: tensor.cpu() for name, tensor in self._modules().state_dict().items()}
        return {**state, **self.vocabulary.tensors()}

    def header(self) -> dict[str, Any]:
        decoders = self.teller.decoders
        decoder = decoders[0]
        return {
            "decoders": len(decoders),
            "architecture": self.architecture,
            "preprocessing": self.preprocessing.to_json(),
            "image": decoder.image,
            "tied": isinstance(decoder.brought, nn.Linear),
            "size": decoder.vectors.embedding_dim,
            "hidden": decoder.hidden,
            "features": decoder.seen.in_features,
            "search": asdict(self.search),
        }

    @classmethod
    def restored(
        cls, tensors: dict[str, Tensor], header: dict[str, Any], names: tuple[str, ...]
    ) -> Self:
        state = dict(tensors)
        vocabulary = Vocabulary.restored({key: state.pop(key) for key in ("words", "counts")})
        if header["image"] not in IMAGES:
            raise ValueError(f"it knows of the image by {header['image']!r}")
        architecture = {key: str(header["architecture"][key]) for key in ("name", "frozen")}
        if type(header["tied"]) is not bool:
            raise TypeError(f"tied is {header['tied']!r}")
        sizes = {key: whole(header[key]) for key in ("size", "hidden", "features")}
        given = (len(vocabulary), sizes["features"])
        about: dict[str, Any] = {key: sizes[key] for key in ("size", "hidden")}
        about |= {"image": header["image"], "tied": header["tied"]}

        count = whole(header["decoders"])
        if not 0 < count <= MOST:
            raise ValueError(f"it has {count} decoders")

        def made() -> tuple[nn.Sequential, Teller]:
            lower, upper = parts(stages_of(architecture["name"]), architecture["frozen"])
            several = [WordDecoder(*given, **about) for _ in range(count)]
            return lower, Teller(upper, several[0] if count == 1 else Ensemble(several))

        with skeleton():
            lower, teller = made()
            form = nn.ModuleDict({"lower": lower, "teller": teller}).state_dict()
        same_kinds(form, state)
        with undrawn():
            lower, teller = made()
        nn.ModuleDict({"lower": lower, "teller": teller}).load_state_dict(state)
        search = header["search"]
        return cls(
            lower=lower.eval(),
            teller=teller.eval(),
            vocabulary=vocabulary,
            preprocessing=Preprocessing.from_json(header["preprocessing"]),
            architecture=architecture,
            search=Search(
                how=search["how"],
                width=whole(search["width"]),
                power=number(search["power"]),
                longest=whole(search["longest"]),
                temperature=number(search["temperature"]),
                seed=whole(search["seed"]),
            ),
        )


def attention(
    decoder: WordDecoder | Ensemble, state: State, sentences: Sequence[tuple[int, ...]]
) -> list[NDArray[np.float32]]:
    """(words, P) of each sentence: how much of each place each of its words was given with."""
    longest = max(1, *map(len, sentences))
    words = torch.full((len(sentences), longest), decoder.mark, device=state.hidden.device)
    for row, sentence in zip(words, sentences, strict=True):
        row[1 : len(sentence)] = torch.tensor(sentence[:-1])
    shares = []
    for place in range(longest):
        shares.append(decoder.attention(state).cpu())
        state = decoder.read(words[:, place], state)
    every = torch.stack(shares, 1).numpy()
    return [row[: len(sentence)] for row, sentence in zip(every, sentences, strict=True)]


def searched(asked: dict[str, Any], usual: Search) -> Search:
    """The search that a person asks for, by name of the option.

    Raises:
        UserError: if it is not one.
    """
    try:
        return replace(usual, **asked)
    except ValueError as error:
        raise UserError(str(error)) from error
