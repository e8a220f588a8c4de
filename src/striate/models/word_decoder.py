"""Words one after another from an image: the decoders of Show and Tell (Vinyals et al. 2015), of
Ask Your Neurons (Malinowski et al. 2015), and of Show, Attend and Tell (Xu et al. 2015).

All are one LSTM (torch's own) that is given a word and gives the next. They differ in how it gets
to know of the image:

    first     the image is what it reads before the first word (Show and Tell, Section 3.1)
    every     the image stands beside every word (Ask Your Neurons, Section 3.1)
    attended  before each word it chooses of which places to know (Show, Attend and Tell, 3.1.2)

Words are numbered as by `striate.texts.Vocabulary`: 0 is one that is not known, 1 to V are words.
The decoder adds one, `mark`, V + 1: read, it is the beginning; given, the end.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple, cast, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

Image = Literal["first", "every", "attended"]
IMAGES: tuple[Image, ...] = get_args(Image)
UNKNOWN = 0  # never given, and nothing is learned from where it should be


class State(NamedTuple):
    """What is kept from word to word: `hidden` and `cell` (B, H), and the images' features, (B, F)
    or (B, P, F), that words are given with."""

    hidden: Tensor
    cell: Tensor
    image: Tensor

    def take(self, rows: Tensor) -> "State":
        """Those rows of the batch, in that order."""
        return State(*(each[rows] for each in self))


class WordDecoder(nn.Module):
    """Features of images and the words so far to logits of the next word.

    Args:
        words: V + 1, as `len(Vocabulary)` has it.
        features: F, numbers of an image, or of one of its places.
        size: D, of a word's vector.
        hidden: H, of the LSTM.
        dropout: of what the LSTM reads, and of what words are decided by.
        tied: whether a word is decided by the vector it is read as (Press & Wolf 2017).
    """

    def __init__(
        self, words: int, features: int, *, image: Image = "first", size: int = 100,
        hidden: int = 256, dropout: float = 0.5, tied: bool = False,
    ):  # fmt: skip
        super().__init__()
        if image not in IMAGES:
            raise ValueError(f"image is one of {', '.join(IMAGES)}, not {image!r}")
        self.image, self.mark = image, words
        self.vectors = nn.Embedding(words + 1, size)
        nn.init.normal_(self.vectors.weight, std=size**-0.5)  # of length 1
        self.seen = nn.Linear(features, size if image == "first" else hidden)
        self.lstm = nn.LSTMCell(size if image == "first" else size + hidden, hidden)
        if image == "attended":
            self.begun = nn.Linear(hidden, 2 * hidden)  # Xu et al., Section 3.1.2
            self.asked = nn.Linear(hidden, hidden, bias=False)
            self.weighed = nn.Linear(hidden, 1, bias=False)
            self.gate = nn.Linear(hidden, 1)  # beta, Section 4.2.1
        self.brought = nn.Linear(hidden, size) if tied else nn.Identity()
        self.decision = nn.Linear(size if tied else hidden, words + 1)
        if tied:
            self.decision.weight = self.vectors.weight
        self.dropout = nn.Dropout(dropout)

    @property
    def hidden(self) -> int:
        """H."""
        return self.lstm.hidden_size

    def begin(self, features: Tensor) -> State:
        """The state before the first word.

        Args:
            features: (B, F), or (B, P, F) of P places where the image is attended to.
        """
        seen = self.seen(self.dropout(features))
        zeros = seen.new_zeros(seen.shape[0], self.hidden)
        if self.image == "first":
            hidden, cell = self.lstm(self.dropout(seen), (zeros, zeros))
            return State(hidden, cell, seen)
        seen = torch.tanh(seen)
        if self.image == "every":
            return State(zeros, zeros, seen)
        hidden, cell = torch.tanh(self.begun(seen.mean(1))).chunk(2, 1)
        return State(hidden, cell, seen)

    def attention(self, state: State) -> Tensor:
        """(B, P) how much of each place the next word is given with; rows sum to 1."""
        scores = self.weighed(torch.tanh(state.image + self.asked(state.hidden)[:, None]))
        return scores[..., 0].softmax(1)

    def read(self, words: Tensor, state: State) -> State:
        """The state after words (B,)."""
        read = self.dropout(self.vectors(words))
        if self.image == "attended":
            context = (self.attention(state)[:, None] @ state.image)[:, 0]
            context = torch.sigmoid(self.gate(state.hidden)) * context
            read = torch.cat([read, self.dropout(context)], 1)
        elif self.image == "every":
            read = torch.cat([read, self.dropout(state.image)], 1)
        hidden, cell = self.lstm(read, (state.hidden, state.cell))
        return State(hidden, cell, state.image)

    def decided(self, hidden: Tensor) -> Tensor:
        """(..., V + 2) logits of the next word, from states (..., H); that of no word is lowest."""
        logits: Tensor = self.decision(self.brought(self.dropout(hidden)))
        never = torch.zeros_like(logits[..., :1]) + NEVER
        return torch.cat([never, logits[..., 1:]], -1)

    def step(self, words: Tensor, state: State) -> tuple[Tensor, State]:
        """Logits (B, V + 2) of what follows words (B,), and the state after them."""
        state = self.read(words, state)
        return self.decided(state.hidden), state

    def forward(self, features: Tensor, words: Tensor) -> Tensor:
        """(B, T, V + 2) logits of what follows each of the given words (B, T), the first of which
        is `mark`: teacher forcing."""
        return self.follow(self.begin(features), words)

    def follow(self, state: State, words: Tensor) -> Tensor:
        """The same from a state before the first word."""
        states = []
        for place in range(words.shape[1]):
            state = self.read(words[:, place], state)
            states.append(state.hidden)
        return self.decided(torch.stack(states, 1))


class Ensemble(nn.Module):
    """Decoders that were learned apart, of one form, by the mean of their probabilities (Show and
    Tell, Section 4.3.2, combines several): it steps as one does.

    A state has those of all (B, M, ...), and so are its rows taken.
    """

    def __init__(self, decoders: Sequence[WordDecoder]):
        super().__init__()
        self.decoders = nn.ModuleList(decoders)
        self.image, self.mark = decoders[0].image, decoders[0].mark

    def begin(self, features: Tensor) -> State:
        """As of one decoder."""
        return _together([each.begin(features) for each in self._each()])

    def read(self, words: Tensor, state: State) -> State:
        """The state after words (B,)."""
        pairs = zip(self._each(), _apart(state), strict=True)
        return _together([each.read(words, one) for each, one in pairs])

    def step(self, words: Tensor, state: State) -> tuple[Tensor, State]:
        """Logarithms of probabilities (B, V + 2) of what follows words (B,), and the state."""
        state = self.read(words, state)
        pairs = zip(self._each(), _apart(state), strict=True)
        chances = torch.stack([each.decided(one.hidden).log_softmax(1) for each, one in pairs])
        return (chances.logsumexp(0) - math.log(len(chances))).clamp(min=NEVER), state

    def attention(self, state: State) -> Tensor:
        """(B, P) the mean of theirs."""
        pairs = zip(self._each(), _apart(state), strict=True)
        return torch.stack([each.attention(one) for each, one in pairs]).mean(0)

    def follow(self, state: State, words: Tensor) -> Tensor:
        """As of one decoder."""
        found = []
        for place in range(words.shape[1]):
            logits, state = self.step(words[:, place], state)
            found.append(logits)
        return torch.stack(found, 1)

    def _each(self) -> Iterator[WordDecoder]:
        return (cast(WordDecoder, each) for each in self.decoders)


def _together(states: Sequence[State]) -> State:
    hidden, cell, image = zip(*states, strict=True)
    return State(torch.stack(hidden, 1), torch.stack(cell, 1), torch.stack(image, 1))


def _apart(state: State) -> list[State]:
    return [State(*(part[:, k] for part in state)) for k in range(state.hidden.shape[1])]


NEVER = -1e4  # a logit that softmax makes zero of, and half precision holds
Step = Callable[[Tensor, State], tuple[Tensor, State]]


def loss_of(logits: Tensor, words: Tensor) -> Tensor:
    """The mean cross-entropy of the words (B, T) that were to be given; 0, padding or a word that
    is not known, does not count."""
    return F.cross_entropy(logits.flatten(0, 1), words.flatten(), ignore_index=UNKNOWN)


@dataclass(frozen=True)
class Words:
    """What was given for one image.

    Attributes:
        numbers: of the words, without the mark at the end.
        score: the logarithm of their probability, that of the end included unless the longest
            length was reached before.
    """

    numbers: tuple[int, ...]
    score: float


def greedy(step: Step, state: State, *, mark: int, longest: int) -> list[Words]:
    """The most probable next word, again and again, for every image of a batch at once.

    Args:
        state: of B images, before `mark` is read.
        longest: words at most.
    """
    return _one_by_one(step, state, mark, longest, lambda logits: logits.argmax(1))


def sample(
    step: Step, state: State, *, mark: int, longest: int, generator: torch.Generator,
    temperature: float = 1.0,
) -> list[Words]:  # fmt: skip
    """A next word drawn by its probability, again and again.

    Args:
        temperature: above 0; below 1 probable words are drawn more often than they are probable.
    """

    def drawn(logits: Tensor) -> Tensor:
        probabilities = (logits.float() / temperature).softmax(1).cpu()
        return torch.multinomial(probabilities, 1, generator=generator)[:, 0].to(logits.device)

    return _one_by_one(step, state, mark, longest, drawn)


def _one_by_one(
    step: Step, state: State, mark: int, longest: int, choose: Callable[[Tensor], Tensor]
) -> list[Words]:
    count = len(state.hidden)
    words = torch.full((count,), mark, device=state.hidden.device)
    scores = torch.zeros(count, dtype=torch.float64)
    ended = torch.zeros(count, dtype=torch.bool)
    given: list[Tensor] = []
    while len(given) < longest and not ended.all():
        logits, state = step(words, state)
        words = choose(logits)
        chosen = logits.float().log_softmax(1).gather(1, words[:, None])[:, 0]
        scores += torch.where(ended, 0.0, chosen.double().cpu())
        given.append(words.cpu())
        ended |= given[-1] == mark
    rows = torch.stack(given, 1).tolist()
    return [
        Words(tuple(row[: row.index(mark)] if mark in row else row), float(score))
        for row, score in zip(rows, scores, strict=True)
    ]


def beam(
    step: Step, state: State, *, mark: int, longest: int, width: int = 5, power: float = 0.0
) -> list[list[Words]]:
    """The best sentences of each image of a batch, of those that keep among the `width` most
    probable beginnings of their length (Show and Tell, Section 3.1.2).

    Args:
        width: beginnings that are kept of an image.
        power: of the number of words, the end counted, by which a score is divided; 0 takes the
            most probable sentence, which tends to be short, 1 the one with the best mean word.

    Returns:
        of each image at most `width`, the best first.
    """
    numbers, scores = beams(step, state, mark=mark, longest=longest, width=width, power=power)
    return [
        [
            Words(tuple(row[: row.index(mark)] if mark in row else row), score)
            for row, score in zip(rows, some, strict=True)
            if score > -torch.inf
        ]
        for rows, some in zip(numbers.tolist(), scores.tolist(), strict=True)
    ]


def beams(
    step: Step, state: State, *, mark: int, longest: int, width: int, power: float,
    traced: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """As `beam`, in tensors alone: words (B, width, longest), `mark` behind the end, and scores
    (B, width), -inf where there are fewer sentences.

    Args:
        traced: for a graph: as many steps as there can be, whatever was found.
    """
    count, device = state.hidden.shape[0], state.hidden.device
    base = torch.arange(count, device=device)[:, None]
    state = state.take(base.expand(count, width).flatten())  # those of an image stand together
    alive = torch.zeros(count, width, dtype=torch.float64, device=device)
    alive[:, 1:] = -torch.inf  # at first all beginnings are the same
    prefixes = torch.full((count, width, 1), mark, device=device)
    values = torch.full((count, width), -torch.inf, dtype=torch.float64, device=device)
    scores, done = values, torch.full((count, width, longest), mark, device=device)
    for length in range(1, longest + 1):
        logits, state = step(prefixes[:, :, -1].flatten(), state)
        every = logits.shape[1]
        chances = logits[:, 1:].float().log_softmax(1).double().view(count, width, every - 1)
        best, places = (alive[:, :, None] + chances).flatten(1).topk(2 * width, 1)
        words, parents = places % (every - 1) + 1, places // (every - 1)
        longer = torch.cat([prefixes[base, parents, 1:], words[:, :, None]], 2)
        ends = words == mark
        rank = torch.arange(2 * width, device=device)
        ending = ends & (rank < width)  # what ends outside of the beam is none of it
        found = torch.where(ending, best / length**power, -torch.inf)
        values, kept = torch.cat([values, found], 1).topk(width, 1)
        scores = torch.cat([scores, best], 1).gather(1, kept)
        padding = torch.full((count, 2 * width, longest - length), mark, device=device)
        done = torch.cat([done, torch.cat([longer, padding], 2)], 1)[base, kept]
        # Of the others the first `width`, in their order.
        order = (ends.long() * 2 * width + rank).topk(width, 1, largest=False).indices
        alive, parents = best.gather(1, order), parents.gather(1, order)
        prefixes = torch.cat([prefixes[:, :, :1], longer[base, order]], 2)
        state = state.take((base * width + parents).flatten())
        # No sentence that goes on can become better than this.
        if not traced and bool((values[:, -1] >= alive[:, 0] / longest**power).all()):
            break
    else:
        cut = values[:, :1] == -torch.inf  # the longest length cut off all of an image's
        done = torch.where(cut[:, :, None], prefixes[:, :, 1:], done)
        first = torch.arange(width, device=device) == 0
        scores = torch.where(cut, torch.where(first, alive, -torch.inf), scores)
        values = torch.where(cut, 0.0, values)
    return done, torch.where(values > -torch.inf, scores, -torch.inf)
