"""Which regions of a picture R-CNN reads, and how it crops them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Self

from striate.handcrafted.selective_search import FAST, Strategies

# Of what a file may ask for.
LIMITS: dict[str, tuple[float, float]] = {
    "side": (16, 512),
    "largest": (16, 4096),
    "regions": (1, 10_000),
    "learned": (1, 10_000),
    "nms_overlap": (0.0, 1.0),
    "search": (16, 4096),
}
CHOICES: dict[str, Sequence[Any]] = {
    "colors": ("hsv", "lab", "rgb"),
    "likenesses": ("CTSF", "TSF", "CT", "C", "T", "S", "F"),
    "scales": range(1, 10_001),
}


@dataclass(frozen=True)
class RegionSettings:
    """How regions are searched and cropped.

    Attributes:
        side: of a crop, in pixels; 227 in the paper.
        largest: longer side of a picture beyond which it is scaled down before crops are cut.
        regions: of a picture, at most; about 2,000 in the paper.
        learned: of them, of a training picture.
        nms_overlap: regions that overlap a better one by more than this are left out.
    """

    side: int = 64
    largest: int = 1000
    regions: int = 2000
    learned: int = 300
    nms_overlap: float = 0.9
    strategies: Strategies = field(
        default_factory=lambda: Strategies(scales=(25, 50, 100), side=320)
    )

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> Self:
        """What `dataclasses.asdict` gave, after JSON.

        Raises:
            TypeError, KeyError, ValueError: if it is not of that form.
        """
        plan = values["strategies"]
        lists = {name: tuple(plan[name]) for name in ("colors", "likenesses", "scales")}
        settings = cls(**{**values, "strategies": Strategies(**{**plan, **lists})})
        numbers = {**vars(settings), "search": settings.strategies.side}
        for name, (low, high) in LIMITS.items():
            value = numbers[name]
            if type(value) is not type(low) or not low <= value <= high:
                raise ValueError(f"its {name} is {value!r}")
        for name, known in CHOICES.items():
            if not lists[name] or len(lists[name]) > 8 or not set(lists[name]) <= set(known):
                raise ValueError(f"its {name} are {lists[name]!r}")
        return settings


# Sections 2.1, 2.2 and 2.5: about 2,000 regions of the search's fast mode, crops of 227 pixels, and
# no region left out before the classifiers.
PUBLISHED = RegionSettings(side=227, learned=2000, nms_overlap=1.0, strategies=FAST)
