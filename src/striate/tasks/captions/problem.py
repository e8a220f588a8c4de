"""Pictures with sentences as batches for `striate.fit`: the cross-entropy of the next word."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.data import Dataset
from striate.data.splits import VALIDATION
from striate.inference import device_of, evaluating
from striate.models.word_decoder import UNKNOWN, greedy
from striate.tasks.captions.describer import Search, Teller
from striate.tasks.captions.scores import of_sentences
from striate.texts.caption_words import caption_words
from striate.texts.vocabulary import Vocabulary
from striate.training import Problem, Recipe

CPU = torch.device("cpu")
AT_ONCE = 64
TIE = 1e-6  # of BLEU-1, which decides between epochs of equal BLEU-4, as a rule 0


class Batch(NamedTuple):
    """Maps (B, C, H, W) of pictures and sentences about them.

    Attributes:
        images: (S,) the picture of each sentence, a row of the maps.
        words, wanted: (S, T) what is read and what comes next, behind its end 0.
    """

    maps: Tensor
    images: Tensor
    words: Tensor
    wanted: Tensor

    def __len__(self) -> int:
        return len(self.maps)

    @property
    def weight(self) -> float:
        """The words that are to be given."""
        return float((self.wanted != UNKNOWN).sum())

    def parts(self, count: int) -> Sequence["Batch"]:
        """The batch in `count` parts as equal as can be, in order."""
        found = []
        for some in torch.arange(len(self.maps)).tensor_split(count):
            low, high = int(some[0]), int(some[-1]) + 1
            mine = (self.images >= low) & (self.images < high)
            found.append(
                Batch(self.maps[low:high], self.images[mine] - low, self.words[mine],
                      self.wanted[mine])
            )  # fmt: skip
        return found


@dataclass(frozen=True, eq=False)
class Mapped:
    """A set whose pictures are feature maps.

    Attributes:
        views: of the training pictures, in their order, (N, C, H, W) each; an epoch takes of each
            picture one of them.
        held: (M, C, H, W) of the validation pictures.
        sentences: of each training picture, numbers of words.
    """

    dataset: Dataset[Any]
    vocabulary: Vocabulary
    views: tuple[Tensor, ...]
    held: Tensor
    sentences: tuple[tuple[NDArray[np.int64], ...], ...]

    @property
    def references(self) -> list[list[list[str]]]:
        """Of each validation picture every sentence, in words."""
        rows = np.flatnonzero(self.dataset.split == VALIDATION).tolist()
        return [list(map(caption_words, self.dataset.targets.sentences[row])) for row in rows]


class NextWord(Problem[Mapped, Batch]):
    """The cross-entropy of each next word (Show and Tell, Eq. 13); an epoch is judged by what is
    said of the validation pictures, word by word."""

    score = "judged"  # BLEU-4, and where nothing has four right words in turn, BLEU-1

    def __init__(self, search: Search):
        self.search = search

    def prepare(self, data: Mapped) -> Mapped:
        return data

    def examples(self, data: Mapped) -> int:
        return len(data.sentences)

    def batches(
        self, data: Mapped, recipe: Recipe, *, seed: int, start: int, device: torch.device = CPU
    ) -> Iterator[Batch]:
        size, count = recipe.batch_size, len(data.sentences)
        steps, step = -(-count // size), start
        while True:
            epoch, place = divmod(step, steps)
            random = np.random.default_rng([seed, epoch])
            order = random.permutation(count)
            seen = random.integers(len(data.views), size=count)
            rows = order[place * size : (place + 1) * size]
            yield batch_of(data, rows, seen[rows], device)
            step += 1

    def losses(self, model: nn.Module, batch: Batch, recipe: Recipe) -> dict[str, Tensor]:
        logits = model(batch.maps, batch.images, batch.words)
        loss = F.cross_entropy(
            logits.flatten(0, 1), batch.wanted.flatten(), ignore_index=UNKNOWN,
            label_smoothing=recipe.label_smoothing,
        )  # fmt: skip
        return {"cross_entropy": loss}

    def new_parameters(self, model: nn.Module) -> list[nn.Parameter]:
        assert isinstance(model, Teller)
        return list(model.decoder.parameters())

    def evaluate(self, model: nn.Module, data: Mapped) -> dict[str, float]:
        assert isinstance(model, Teller)
        given: list[list[str]] = []
        decoder = model.decoder
        with evaluating(model):
            for first in range(0, len(data.held), AT_ONCE):
                maps = data.held[first : first + AT_ONCE].to(device_of(model)).float()
                state = decoder.begin(model.features(maps))
                found = greedy(decoder.step, state, mark=decoder.mark, longest=self.search.longest)
                given += [[data.vocabulary.words[k - 1] for k in one.numbers] for one in found]
        values = of_sentences(given, data.references)
        return {**values, "judged": values["bleu4"] + TIE * values["bleu1"]}

    def identity(self, data: Mapped) -> dict[str, Any]:
        return {
            "data": data.dataset.fingerprint(),
            "split": hashlib.sha256(data.dataset.split.tobytes()).hexdigest(),
            "words": hashlib.sha256("\n".join(data.vocabulary.words).encode()).hexdigest(),
        }


def batch_of(
    data: Mapped, rows: NDArray[np.int64], seen: NDArray[np.int64], device: torch.device
) -> Batch:
    """Those training pictures, each in the view that is meant, with all their sentences."""
    pairs = zip(rows.tolist(), seen.tolist(), strict=True)
    maps = torch.stack([data.views[view][row] for row, view in pairs])
    some = [(place, words) for place, row in enumerate(rows.tolist())
            for words in data.sentences[row]]  # fmt: skip
    longest, mark = max(len(words) for _, words in some) + 1, len(data.vocabulary)
    read = torch.zeros(len(some), longest, dtype=torch.int64)
    wanted = torch.zeros_like(read)
    read[:, 0] = mark
    for number, (_, words) in enumerate(some):
        numbers = torch.from_numpy(words)
        read[number, 1 : len(words) + 1] = numbers
        wanted[number, : len(words)] = numbers
        wanted[number, len(words)] = mark
    images = torch.tensor([place for place, _ in some])
    return Batch(maps.to(device).float(), *(x.to(device) for x in (images, read, wanted)))
