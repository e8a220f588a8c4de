"""The learning problem of the hybrid: which state of the hidden Markov model a frame belongs to."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional as F

from striate.inference import evaluating
from striate.inference.devices import device_of
from striate.tasks.speech.windows import CONTEXT, windows
from striate.training import Problem, Recipe
from striate.training.seeds import seed_of

CPU = torch.device("cpu")
CHUNK = 2048  # frames that are evaluated at a time


class Batch(NamedTuple):
    """Windows (N, T, C, D) and the states (N,) of their middle frames."""

    windows: Tensor
    states: Tensor

    def __len__(self) -> int:
        return len(self.states)

    def parts(self, count: int) -> Sequence["Batch"]:
        """The batch in `count` parts as equal as can be, in order."""
        pairs = zip(self.windows.tensor_split(count), self.states.tensor_split(count), strict=True)
        return [Batch(*each) for each in pairs]


@dataclass(frozen=True, eq=False)
class Frames:
    """Frames of many recordings, one after another.

    Attributes:
        features: (F, C, D).
        reach: (F, 2) the first and the last frame of the recording that a frame is of.
        states: (F,) by forced alignment.
        train, validation: frames of each split.
        identity: of the recordings, their words and their split.
    """

    features: Tensor
    reach: Tensor
    states: Tensor
    train: NDArray[np.int64]
    validation: NDArray[np.int64]
    identity: dict[str, Any]

    @classmethod
    def of(
        cls, features: Sequence[NDArray[np.float32]], alignments: Sequence[NDArray[np.int64]],
        learned: Sequence[bool], channels: int, identity: dict[str, Any],
    ) -> "Frames":  # fmt: skip
        """From each recording's features (T, C * D) and alignment (T,), and whether it is learned
        from."""
        lengths = np.array([len(each) for each in features])
        ends = np.cumsum(lengths)
        reach = np.repeat(np.stack([ends - lengths, ends - 1], 1), lengths, 0)
        of_train = np.repeat(np.asarray(learned, bool), lengths)
        every = torch.from_numpy(np.concatenate(features))
        return cls(
            every.view(len(every), channels, -1),
            torch.from_numpy(reach),
            torch.from_numpy(np.concatenate(alignments)),
            np.flatnonzero(of_train),
            np.flatnonzero(~of_train),
            identity,
        )

    def batch(self, rows: NDArray[np.int64], device: torch.device = CPU) -> Batch:
        """Those frames, each in its window."""
        chosen = torch.from_numpy(rows)
        found = windows(self.features, chosen, self.reach[chosen], CONTEXT)
        return Batch(found.to(device), self.states[chosen].to(device))


class States(Problem[Frames, Batch]):
    """The cross-entropy of states."""

    score = "frame_accuracy"

    def prepare(self, data: Frames) -> Frames:
        return data

    def examples(self, data: Frames) -> int:
        return len(data.train)

    def batches(
        self, data: Frames, recipe: Recipe, *, seed: int, start: int, device: torch.device = CPU
    ) -> Iterator[Batch]:
        size, count = recipe.batch_size, len(data.train)
        epoch_steps = -(-count // size)
        step, drawn = start, -1
        while True:
            epoch, place = divmod(step, epoch_steps)
            if epoch != drawn:
                random = np.random.default_rng(seed_of(seed, epoch))
                order, drawn = random.permutation(data.train), epoch
            yield data.batch(order[place * size : (place + 1) * size], device)
            step += 1

    def losses(self, model: nn.Module, batch: Batch, recipe: Recipe) -> dict[str, Tensor]:
        logits = model(batch.windows)
        loss = F.cross_entropy(logits, batch.states, label_smoothing=recipe.label_smoothing)
        return {"cross_entropy": loss}

    def evaluate(self, model: nn.Module, data: Frames) -> dict[str, float]:
        right, surprise, device = 0, 0.0, device_of(model)
        with evaluating(model):
            for start in range(0, len(data.validation), CHUNK):
                batch = data.batch(data.validation[start : start + CHUNK], device)
                logits = model(batch.windows).float()
                right += int((logits.argmax(1) == batch.states).sum())
                surprise += float(F.cross_entropy(logits, batch.states, reduction="sum"))
        count = max(1, len(data.validation))
        return {"frame_accuracy": right / count, "cross_entropy": surprise / count}

    def identity(self, data: Frames) -> dict[str, Any]:
        return data.identity
