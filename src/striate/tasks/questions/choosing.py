"""What chooses one of the answers that it knows: the part that all such predictors share."""

from abc import abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import torch
from torch import Tensor, nn

from striate.inference import Preprocessing
from striate.tasks.contract import Predictor
from striate.tasks.labels.calibration import Calibration
from striate.tasks.questions.answers import Answer, Said
from striate.tasks.questions.eyes import Eye, below, under
from striate.tasks.questions.inputs import Prepared, prepared
from striate.texts import Tokenizer, Vocabulary

TOP = 5  # answers that are told
BLANK = "what is it ?"
OWN, EYE = "answers.", "eye."  # before the names of tensors in a file


@dataclass(eq=False, kw_only=True)
class Chooser(Predictor):
    """Questions to calibrated probabilities of answers.

    Attributes:
        answers: those of the training questions; what a network numbers k is word k + 1.
        question: what is asked where a picture alone is given; None where that is not enough.
        eye: what it sees by; None where it does not look.
    """

    tokenizer: Tokenizer
    answers: Vocabulary
    calibration: Calibration = field(default_factory=Calibration)
    question: str | None = None
    eye: Eye | None = None
    size: int | None = field(init=False)

    def __post_init__(self) -> None:
        self.size = None if self.eye is None else self.eye.preprocessing.view.size

    @property
    def preprocessing(self) -> Preprocessing | None:
        """Of the picture; None where it is not looked at."""
        return None if self.eye is None else self.eye.preprocessing

    @property
    def parameters(self) -> int:
        return self.decisive + (0 if self.eye is None else self.eye.parameters)

    @property
    @abstractmethod
    def decisive(self) -> int:
        """How many numbers were learned, beside those of the eye."""

    @abstractmethod
    def logits(self, batch: Sequence[Prepared]) -> Tensor:
        """(N, answers), on the CPU."""

    @abstractmethod
    def unknown(self, words: Sequence[str]) -> tuple[str, ...]:
        """The words that say nothing, for no training question had them."""

    @abstractmethod
    def decision(self, words: Sequence[str]) -> nn.Module:
        """From what the eye sees (N, F) to logits (N, answers) of one question."""

    def about(self, question: str) -> Self:
        """The same, which asks this of every picture that comes without a question."""
        return replace(self, question=question)

    def rehearsed(self, times: int = 1) -> Prepared:
        return self.prepare((self.blank(times), BLANK))

    def prepare(self, item: Any) -> Prepared:
        if self.question is not None and not isinstance(item, tuple):
            item = (item, self.question)
        return prepared(item, self.tokenizer, self.preprocessing)

    def probabilities(self, logits: Tensor) -> Tensor:
        return self.calibration(logits)

    def predict(self, batch: Sequence[Prepared]) -> list[Answer]:
        looks = self.preprocessing is not None
        found = best(self.calibration(self.logits(batch)), self.answers.words)
        return [
            Answer(one.question, some, looks, self.unknown(one.words))
            for one, some in zip(batch, found, strict=True)
        ]

    def calibrate(self, logits: Tensor, answers: Sequence[str]) -> None:
        """Fits the temperature on held-out questions (N, answers); those whose answer is not among
        the known are passed over."""
        numbers = torch.from_numpy(self.answers.numbered(answers)) - 1
        if (known := numbers >= 0).any():
            found = Calibration.fitted(logits[known], numbers[known])
            self.calibration = Calibration(found.temperature)

    def to(self, device: str) -> None:
        if self.eye is not None:
            self.eye.network.to(device)

    def tensors(self) -> dict[str, Tensor]:
        seeing = {} if self.eye is None else self.eye.network.state_dict()
        return {**under(self.answers.tensors(), OWN), **under(seeing, EYE)}

    def header(self) -> dict[str, Any]:
        return {
            "tokenizer": self.tokenizer.to_json(),
            "temperature": self.calibration.temperature,
            "eye": None if self.eye is None else self.eye.header(),
        }


def best(probabilities: Tensor, answers: Sequence[str]) -> list[tuple[Said, ...]]:
    """Of each row (N, answers) the most probable answers."""
    values, places = probabilities.topk(min(TOP, len(answers)))
    return [
        tuple(Said(answers[k], value) for value, k in zip(row, where, strict=True))
        for row, where in zip(values.tolist(), places.tolist(), strict=True)
    ]


def chooser_parts(tensors: dict[str, Tensor], header: dict[str, Any]) -> dict[str, Any]:
    """What a `Chooser` needs of a file, beside its own; its tensors are taken out of `tensors`.

    Raises:
        ValueError, LookupError, TypeError: if they do not belong together.
    """
    answers = Vocabulary.restored(below(tensors, OWN))
    if not answers.words:
        raise ValueError("it knows no answer")
    return {
        "tokenizer": Tokenizer.from_json(header["tokenizer"]),
        "answers": answers,
        "calibration": Calibration(float(header["temperature"])),
        "eye": None if header["eye"] is None else Eye.restored(below(tensors, EYE), header["eye"]),
    }
