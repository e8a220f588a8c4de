"""How few images of a class are enough: accuracy against their number, of deep features and of
visual words (the lectures' experiment on Caltech-256: Zeiler & Fergus 2014, Figure 9).

Both features are computed once; then, for each number of images a class, a linear machine learns
from some that are drawn at random, many times. The words are learned from all training images, for
that takes no labels. The cost of each machine is chosen once, on the validation images, with all
that there is to learn from.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from striate.data import SPLITS, Dataset, Decoded, decode
from striate.experiments.judging import Lead, spread
from striate.experiments.material import opened
from striate.experiments.result import Line, Panel, Result, Row
from striate.handcrafted import PHOTOGRAPHS, Settings, fit, fit_machine
from striate.images import View
from striate.inference import Preprocessing
from striate.progress import track
from striate.tasks.contract import PUBLISHED
from striate.tasks.pictures import features as deep
from striate.tasks.pictures.starting import PRETRAINED, started, weights_of

NUMBERS = (1, 2, 3, 4, 6, 8, 12, 16, 25, 35, 50)  # images a class
ENOUGH = 6  # of them, says the lecture
DRAWS = 10
COSTS = (0.1, 0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
QUICK = 500  # images at most
FEWER = Settings(side=64, step=6, bin_sizes=(3, 5), words=256)  # patches of the quick form
NAMES = ("transfer", "visual words")


@dataclass(frozen=True, eq=False)
class Split:
    """Features of a set, by the split.

    Attributes:
        rows: of each split.
        targets: (N,)
    """

    rows: dict[str, Tensor]
    targets: Tensor
    classes: int

    @classmethod
    def of(cls, dataset: Dataset[Any]) -> "Split":
        """A set's."""
        rows = {
            part: torch.from_numpy(np.flatnonzero(dataset.split == number))
            for number, part in enumerate(SPLITS)
        }
        targets = torch.from_numpy(dataset.targets.single())
        return cls(rows, targets, len(dataset.classes))

    @property
    def most(self) -> int:
        """Images that every class has to learn from."""
        return int(torch.bincount(self.targets[self.rows["train"]], minlength=self.classes).min())

    def some(self, number: int, random: np.random.Generator) -> Tensor:
        """So many rows of each class, drawn from what is learned from."""
        train = self.rows["train"]
        parts = [
            random.permutation(train[self.targets[train] == one].numpy())[:number]
            for one in range(self.classes)
        ]
        return torch.from_numpy(np.concatenate(parts))

    def scores(
        self, features: Tensor, numbers: tuple[int, ...], *, draws: int, seed: int, what: str
    ) -> NDArray[np.float64]:
        """The share of test images that is named rightly, (numbers, draws)."""
        train, held_out, test = (self.rows[part] for part in SPLITS)
        cost = fit_machine(
            features[train], self.targets[train], classes=self.classes, kernel="linear",
            costs=COSTS, held_out=(features[held_out], self.targets[held_out]),
        ).cost  # fmt: skip
        found = np.zeros((len(numbers), draws))
        for draw in track(range(draws), f"machines on {what}"):
            random = np.random.default_rng((seed, draw))
            for place, number in enumerate(numbers):
                rows = self.some(number, random)
                machine = fit_machine(
                    features[rows], self.targets[rows], classes=self.classes, kernel="linear",
                    costs=(cost,),
                )  # fmt: skip
                right = machine.predict(features[test]) == self.targets[test]
                found[place, draw] = float(right.double().mean())
        return found


def transferred(data: Decoded, view: View) -> Tensor:
    """(N, D) unit vectors of a network that was trained on ImageNet; each feature is brought to
    mean 0 and deviation 1 before."""
    weights = weights_of(PRETRAINED, PUBLISHED)
    start = started(PRETRAINED, weights, len(data.dataset.classes))
    preprocessing = Preprocessing(view, start.normalization)
    found, _ = deep.deep_features(data, PRETRAINED, weights, preprocessing)
    train = found[data.dataset.split == SPLITS.index("train")]
    deviation = np.maximum(train.std(0), 1e-6)
    return F.normalize(torch.from_numpy((found - train.mean(0)) / deviation))


def counted(data: Decoded, view: View, settings: Settings, seed: int) -> Tensor:
    """(N, D) unit vectors of visual words; the kernel map is chosen on the validation images."""
    targets, split, pixels = data.dataset.targets.single(), data.dataset.split, data.pixels[view]
    train, held_out = (split == SPLITS.index(part) for part in ("train", "validation"))
    model, _ = fit(
        pixels[train], targets[train], pixels[held_out], targets[held_out],
        classes=len(data.dataset.classes), settings=settings, seed=seed, costs=(1.0, 10.0),
        mirror=False,
    )  # fmt: skip
    images = torch.from_numpy(np.ascontiguousarray(pixels)).permute(0, 3, 1, 2).float()
    with torch.no_grad():
        return model.describe(images)


def run(quick: bool, seed: int) -> Result:
    """Clothes."""
    dataset = opened("clothing", seed=seed)
    settings = FEWER if quick else PHOTOGRAPHS
    view = View(settings.side, channels=1, fit="squash")
    if quick:
        dataset = dataset.at_most(QUICK, seed)
    large = deep.view(dataset)
    data = decode(dataset, [view, large])
    split = Split.of(data.dataset)
    numbers = tuple(number for number in NUMBERS if number <= split.most)
    draws = 3 if quick else DRAWS
    scores = [
        split.scores(features, numbers, draws=draws, seed=seed, what=name)
        for name, features in zip(
            NAMES, (transferred(data, large), counted(data, view, settings, seed)), strict=True
        )
    ]  # fmt: skip
    return beside(numbers, scores[0], scores[1], len(split.rows["test"]))


def beside(
    numbers: tuple[int, ...], kept: NDArray[np.float64], words: NDArray[np.float64], tested: int
) -> Result:
    """What the lecture says and two curves (numbers, draws)."""
    means, others = kept.mean(1), words.mean(1)
    place = int(others.argmax())
    reaching = [
        number for number, mean in zip(numbers, means, strict=True) if mean >= others[place]
    ]
    enough = bool(reaching) and reaching[0] <= ENOUGH
    ahead = int((means > others).sum())
    on = f"clothing, {tested} test images, mean and deviation of {kept.shape[1]} draws"
    rows = [
        Row(
            f"images a class with which transfer reaches the best of visual words ({on})",
            f"{ENOUGH} (Caltech-256; the words had 60)",
            f"{reaching[0] if reaching else f'more than {numbers[-1]}'}; the words reach "
            f"{spread(words[place])} % with {numbers[place]}",
            "same" if enough else "different",
            "that few or fewer" if enough else "other pictures, classes and features",
        ),
        Row(
            f"numbers of images, from {numbers[0]} to {numbers[-1]}, at which transfer is ahead",
            "all", f"{ahead} of {len(numbers)}", "same" if ahead == len(numbers) else "different",
            "" if ahead == len(numbers) else "see the curves",
        ),
    ]  # fmt: skip
    rows += [
        Row(
            f"{number} a class: transfer against visual words", "transfer ahead",
            f"{spread(kept[at])} against {spread(words[at])} %: {lead}",
            *lead.judged(),
        )
        for at, number in enumerate(numbers) if number in (1, ENOUGH, numbers[-1])
        for lead in (Lead.of(kept[at], words[at]),)
    ]  # fmt: skip
    x = np.array(numbers, np.float64)
    lines = [
        Line(name, x, 100 * some.mean(1), spread=100 * some.std(1))
        for name, some in zip(NAMES, (kept, words), strict=True)
    ]
    best = Line("best of the words", x, np.full(len(x), 100 * others[place]))
    return Result(rows, [Panel("few images", "images a class", "% right", [*lines, best])])
