"""A segmenter whose answer is made sharp by a fully connected CRF, its weights chosen on validation
pictures (Chen et al. 2015, Section 4.1)."""

from collections.abc import Sequence
from dataclasses import asdict, replace
from typing import Any, ClassVar, Self

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from striate.data import VOID
from striate.data.splits import VALIDATION
from striate.evaluation.segmentation import confusion, summary
from striate.layers.dense_crf import CRFSettings, marginals
from striate.progress import track
from striate.tasks.contract import Learned
from striate.tasks.segmentation.pictures import Scaled, scale
from striate.tasks.segmentation.reading import Reading
from striate.tasks.segmentation.segmenter import Segmenter

PICTURES = 8  # of the validation split that the settings are chosen on
TRIED = tuple(
    CRFSettings(smooth_weight=smooth, weight=weight, place=40.0, color=color, rounds=5)
    for smooth, weight, color in ((1.0, 2.0, 5.0), (2.0, 3.0, 10.0), (3.0, 5.0, 5.0))
)
NONE = CRFSettings(rounds=0)  # the network alone may be the best


class CRFSegmenter(Segmenter):
    """A network and the field behind it."""

    kind: ClassVar[str] = "network_crf"

    def __init__(
        self, model: nn.Module, architecture: dict[str, Any], reading: Reading, classes: int,
        settings: CRFSettings = NONE,
    ):  # fmt: skip
        super().__init__(model, architecture, reading, classes)
        self.settings = settings

    def scores(self, pixels: NDArray[np.uint8]) -> Tensor:
        scores = super().scores(pixels)
        if not self.settings.rounds:
            return scores
        return marginals(scores.softmax(0).cpu(), pixels, self.settings)

    def header(self) -> dict[str, Any]:
        return {**super().header(), "crf": asdict(self.settings)}

    @classmethod
    def restored(
        cls, tensors: dict[str, Tensor], header: dict[str, Any], names: tuple[str, ...]
    ) -> Self:
        made = super().restored(tensors, header, names)
        made.settings = settings_of(header["crf"])
        return made


def settings_of(values: dict[str, Any]) -> CRFSettings:
    """What `asdict` gave, after JSON.

    Raises:
        TypeError, ValueError: if it is not of that form.
    """
    settings = CRFSettings(**values)
    widths = (settings.smooth_place, settings.place, settings.color)
    if type(settings.rounds) is not int or not 0 <= settings.rounds <= 1000:
        raise ValueError(f"its field has {settings.rounds!r} rounds")
    if not all(0.1 <= float(width) <= 10_000 for width in widths):
        raise ValueError(f"its field has kernels of width {widths}")
    return settings


def with_crf(
    learned: Learned, scaled: Scaled, candidates: Sequence[CRFSettings] = TRIED
) -> Learned:
    """What was learned, with a field behind it if one makes validation pictures better.

    Args:
        candidates: the settings that are tried.
    """
    assert isinstance(learned.predictor, Segmenter)
    made, gain, words = behind(learned.predictor, scaled, candidates)
    metrics = {**learned.validation, "miou": learned.validation["miou"] + gain}
    return replace(learned, predictor=made, validation=metrics, notes=(*learned.notes, words))


def behind(
    before: Segmenter, scaled: Scaled, candidates: Sequence[CRFSettings] = TRIED
) -> tuple[CRFSegmenter, float, str]:
    """A segmenter with the field behind it that is best on validation pictures, none included; what
    of mean IoU that adds there, and a note."""
    made = CRFSegmenter(before.model, before.architecture, before.reading, before.classes)
    made.to(str(before.device))
    rows = scaled.rows(VALIDATION)
    rows = rows[np.unique(np.linspace(0, len(rows) - 1, min(PICTURES, len(rows))).astype(int))]
    tried = (NONE, *candidates)
    totals = np.zeros((len(tried), made.classes, made.classes + 1), np.int64)
    for row in track(rows.tolist(), "choose the field"):
        pixels, truth = scaled.picture(row).numpy(), scaled.map(row).numpy()
        scores = Segmenter.scores(made, pixels).softmax(0).cpu()
        for number, settings in enumerate(tried):
            found = marginals(scores, pixels, settings) if settings.rounds else scores
            labels = found.argmax(0).to(torch.uint8).numpy()
            totals[number] += confusion(truth, labels, made.classes, VOID)
    values = [summary(total)["miou"] for total in totals]
    best = int(np.argmax(values))
    made.settings = used = tried[best]
    gain = f"{100 * (values[best] - values[0]):+.1f} points on {len(rows)} validation pictures"
    words = (
        f"field of weights {used.smooth_weight:g} and {used.weight:g}, {used.place:g} pixels and "
        f"{used.color:g} values wide: {gain}"
        if best
        else "no field made the validation pictures better"
    )
    return made, values[best] - values[0], words


def again(learned: Learned, dataset: Any) -> Scaled:
    """The pictures that a learned segmenter reads."""
    assert isinstance(learned.predictor, Segmenter)
    return scale(dataset, learned.predictor.reading)
