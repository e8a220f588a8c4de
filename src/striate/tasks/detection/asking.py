"""What is asked of a way to learn detection, and what it learned."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from striate.tasks.detection.finder import Finder


@dataclass(frozen=True)
class Ask:
    """What the person decides; where None, the method decides from the data.

    Attributes:
        backbone: the network whose maps or features are read, where the method reads any.
        weights: of the backbone, as `striate.models.create` takes them; None: fresh ones.
        folder: of the run: what is kept there lets it go on after it was stopped.
    """

    backbone: str | None = None
    weights: str | Path | None = "imagenet"
    epochs: int | None = None
    folder: Path | None = None
    resume: bool = False
    seed: int = 0


@dataclass(frozen=True, eq=False)
class Learned:
    """What a method made of the training and validation images; the test is still unseen.

    Attributes:
        seconds: of each stage, in order.
        validation: "map50" and each class's average precision, "ap50 NAME", on the validation
            images; None where it was not looked at.
        history: one row an epoch, where it learns by epochs.
        recipe: how it learned, as plain JSON values.
        notes: what a person should know of this run.
    """

    finder: Finder
    seconds: dict[str, float]
    validation: dict[str, float] | None = None
    history: tuple[dict[str, float], ...] = ()
    recipe: dict[str, Any] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
