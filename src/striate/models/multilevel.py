"""A network whose classifier reads several of its maps, not the mean of the last one alone."""

from collections.abc import Sequence
from copy import copy

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.errors import ModelError, UnknownName
from striate.layers.statistics_pooling import StatisticsPooling
from striate.models.regional import maps_of
from striate.models.stages import Stages
from striate.models.surgery import named

POOLED = "pooled"  # the stage that gives the mean of the last map, where a network has one
SHARE = 0.1  # of the length of the means, which the deviations beside them have
STATISTICS, CLASSIFIER = "statistics", "classifier"


class Multilevel(Stages):
    """Stages up to the last map, `StatisticsPooling` of that and of earlier maps, a classifier.

    Args:
        trunk: the stages up to the last map, by name, in order.
        maps: the names of those whose deviations are read.
        widths: the channels of the last map, and of those.
    """

    statistics: StatisticsPooling
    classifier: nn.Linear
    of: str | None = None  # the stage whose map it takes, where that is not an image (`above`)

    def __init__(
        self,
        trunk: dict[str, nn.Module],
        maps: Sequence[str],
        *,
        widths: Sequence[int],
        classes: int,
        channels: int,
    ):
        ends = {STATISTICS: StatisticsPooling(), CLASSIFIER: nn.Linear(sum(widths), classes)}
        super().__init__({**trunk, **ends}, channels=channels)
        self.maps, self.means = tuple(maps), widths[0]

    @property
    def chain(self) -> list[str]:
        return self.stage_names[:-2]

    def above(self, stage: str) -> "Multilevel":
        first = self.stage_names.index(stage) + 1
        if lower := set(self.maps) & set(self.stage_names[: first - 1]):
            raise ModelError(f"{named(self)} reads {min(lower)}, which lies below {stage}")
        found = copy(self)
        found._modules = {name: self._modules[name] for name in self.stage_names[first:]}
        found.stage_names, found.of = self.stage_names[first:], stage
        return found

    def features(self, images: Tensor) -> dict[str, Tensor]:
        outputs = {} if self.of is None else {self.of: images}
        x = images
        for name in self.chain:
            x = outputs[name] = self._run(name, self.get_submodule(name), x, images)
        outputs[STATISTICS] = self.statistics(x, *(outputs[name] for name in self.maps))
        return outputs

    def forward(self, images: Tensor) -> Tensor:
        logits: Tensor = self.classifier(self.features(images)[STATISTICS])
        return logits


def balanced(
    model: Multilevel, learned: NDArray[np.float32], *others: NDArray[np.float32]
) -> tuple[NDArray[np.float32], ...]:
    """Gives the deviations a scale at which they are SHARE as long as the means beside them, over
    the training images: what the means are like still says whether a picture is of any class.

    A classifier on standardized features does not see the scale.

    Args:
        learned: (N, D) what the classifier reads of the training images at the present scale.
        others: the same of other images.

    Returns:
        All of them at the new scale.
    """
    means, spreads = (
        float(np.linalg.norm(part, axis=1).mean())
        for part in np.split(learned, [model.means], axis=1)
    )
    factor = SHARE * means / spreads if spreads > 0 else 1.0
    model.statistics.scale *= factor
    scales = np.where(np.arange(learned.shape[1]) < model.means, 1, factor).astype(np.float32)
    return tuple(each * scales for each in (learned, *others))


def multilevel(model: nn.Module, maps: Sequence[str], *, classes: int) -> Multilevel:
    """The network with a fresh classifier on the statistics of its maps.

    The layers below are the model's own, not copies.

    Args:
        model: one of ours that classifies by the mean of its last map (`by_means`).
        maps: the names of stages.

    Raises:
        ModelError: if it is another.
        UnknownName: if it has no such map.
        ValueError: if one is named twice.
    """
    if not isinstance(model, Stages) or not by_means(model):
        raise ModelError(f"{named(model)} does not decide by the mean of its last map")
    if len(set(maps)) < len(maps):
        raise ValueError(f"a map is named twice: {', '.join(maps)}")
    known = maps_of(model)
    if unknown := [name for name in maps if name not in known]:
        raise UnknownName(f"map of {named(model)}", unknown[0], known)
    last = list(known)[-1]
    stages = dict(model.stages())
    trunk = {name: stages[name] for name in model.stage_names[: 1 + list(stages).index(last)]}
    widths = [known[name] for name in (last, *maps)]
    found = Multilevel(trunk, maps, widths=widths, classes=classes, channels=model.channels)
    found.name, found.image_size = model.name, model.image_size
    return found.to(next(model.parameters()).device)


def by_means(model: nn.Module) -> bool:
    """Whether a network of ours gives its classifier the mean of its last map and nothing else."""
    if not isinstance(model, Stages) or model.stage_names[-2:-1] != [POOLED]:
        return False
    return any(
        type(layer) is nn.AdaptiveAvgPool2d for layer in model.get_submodule(POOLED).modules()
    )
