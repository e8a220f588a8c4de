"""How visual words are counted: how many there are, whether a patch is one word or a bit of
several, summed or the largest, in how fine a pyramid (Lazebnik, Schmid & Ponce 2006; Boureau et al.
2010).

Each question changes one thing. The patches are described once; the machine is linear and its cost
is chosen on the validation images; the test images are scored once for each form.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from striate.data import SPLITS, Dataset, decode
from striate.experiments.judging import Lead, spread
from striate.experiments.material import opened
from striate.experiments.result import Line, Panel, Result, Row
from striate.handcrafted import BagOfVisualWords, DenseSIFT, Settings, fit_machine
from striate.handcrafted.coding import pool, pyramid_cells
from striate.handcrafted.dictionary import k_means
from striate.images import View
from striate.progress import track

SETS = ("fashion-mnist", "clothing")
IMAGES = {"fashion-mnist": (700, 3_000), "clothing": (400, 2_000)}  # at most, quick and whole
PATCHES = {  # quick and whole
    "fashion-mnist": (Settings(32, 3, (3, 4)), Settings(32, 2, (3, 4))),
    "clothing": (Settings(64, 6, (3, 5)), Settings(96, 6, (3, 5))),
}
COSTS = (0.3, 1.0, 3.0, 10.0, 30.0, 100.0)
POINTS_PER_WORD = 40  # descriptors that the words are learned from
LEVELS = (((1, 1),), ((1, 1), (2, 2)), ((1, 1), (2, 2), (4, 4)))
AT_ONCE = 64  # images
Right = NDArray[np.bool_]


@dataclass(frozen=True)
class Form:
    """How an image becomes a histogram of words.

    Attributes:
        neighbors: words that share a patch; one is hard coding.
        levels: of the pyramid.
    """

    words: int = 256
    neighbors: int = 1
    pooling: str = "sum"
    levels: tuple[tuple[int, int], ...] = LEVELS[0]


HARD = Form()
SOFT = Form(neighbors=5)
QUESTIONS = (  # what should be better, than what, and who says so
    ("256 words, not 64", HARD, Form(words=64), "better (Csurka et al. 2004)"),
    ("1,024 words, not 256", Form(words=1024), HARD,
     "hardly better (Lazebnik et al. 2006: 400 words, not 200)"),
    ("the largest, not the sum, hard codes", replace(HARD, pooling="max"), HARD,
     "better for linear machines (Boureau et al. 2010)"),
    ("soft, not hard codes, sum", SOFT, HARD, "better (Boureau et al. 2010)"),
    ("soft, not hard codes, largest", replace(SOFT, pooling="max"), replace(HARD, pooling="max"),
     "better (Boureau et al. 2010; Liu et al. 2011)"),
    ("cells of 2 x 2, too", replace(HARD, levels=LEVELS[1]), HARD, "better (Lazebnik et al. 2006)"),
    ("and of 4 x 4", replace(HARD, levels=LEVELS[2]), replace(HARD, levels=LEVELS[1]),
     "better (Lazebnik et al. 2006)"),
)  # fmt: skip
HARDLY = 3.0  # points, up to which something is hardly better


@dataclass(frozen=True, eq=False)
class Described:
    """A set whose patches are described.

    Attributes:
        local: (N, P, 128) of all images.
    """

    dataset: Dataset[Any]
    settings: Settings
    local: DenseSIFT

    @property
    def targets(self) -> Tensor:
        """(N,)"""
        return torch.from_numpy(self.dataset.targets.single())

    def rows(self, part: str) -> Tensor:
        """The images of a split."""
        return torch.from_numpy(np.flatnonzero(self.dataset.split == SPLITS.index(part)))

    def words(self, count: int, seed: int) -> Tensor:
        """(count, 128) learned from patches of training images that are not flat."""
        rows = self.rows("train")
        seen = self.local.descriptors[rows][self.local.contrast[rows] > self.settings.flat]
        generator = torch.Generator().manual_seed(seed)
        some = torch.randperm(len(seen), generator=generator)[: POINTS_PER_WORD * count]
        return k_means(seen[some], count, generator=generator)

    def histograms(self, form: Form, dictionary: Tensor) -> Tensor:
        """(N, cells · words) of all images, nothing negative, of sum 1."""
        settings = replace(
            self.settings, words=form.words, neighbors=form.neighbors, pooling=form.pooling,
            levels=form.levels,
        )  # fmt: skip
        model = BagOfVisualWords(classes=1, settings=settings)
        model.dictionary = dictionary
        cells, number = pyramid_cells(self.local.positions, form.levels)
        parts = [
            pool(
                *model.codes(DenseSIFT(descriptors, self.local.positions, contrast)), cells,
                number=number, vocabulary=form.words, pooling=form.pooling,
            )
            for descriptors, contrast in zip(
                self.local.descriptors.split(AT_ONCE), self.local.contrast.split(AT_ONCE),
                strict=True,
            )
        ]  # fmt: skip
        return F.normalize(torch.cat(parts), p=1.0)


def described(dataset: Dataset[Any], settings: Settings) -> Described:
    """The patches of all its images."""
    view = View(settings.side, channels=1, fit="squash")
    decoded = decode(dataset, [view])
    model = BagOfVisualWords(classes=1, settings=settings)
    pixels = torch.from_numpy(np.ascontiguousarray(decoded.pixels[view])).permute(0, 3, 1, 2)
    parts = [
        model.local(some.float())
        for some in track(pixels.split(AT_ONCE), f"patches of {dataset.name}")
    ]
    local = DenseSIFT(
        torch.cat([one.descriptors for one in parts]), parts[0].positions,
        torch.cat([one.contrast for one in parts]),
    )  # fmt: skip
    return Described(decoded.dataset, settings, local)


def material(name: str, quick: bool, seed: int) -> Described:
    """One of the sets."""
    place = 0 if quick else 1
    return described(
        opened(name, seed=seed).at_most(IMAGES[name][place], seed), PATCHES[name][place]
    )


def named_rightly(
    data: Described, features: Tensor, kernel: str, gammas: Sequence[float | None] = (None,)
) -> Right:
    """Which of the test images (n,) a machine names rightly; its cost, and gamma where there are
    several, are chosen on the validation images."""
    train, held_out, test = (data.rows(part) for part in SPLITS)
    machine = max(
        (
            fit_machine(
                features[train], data.targets[train], classes=len(data.dataset.classes),
                kernel=kernel, costs=COSTS, gamma=gamma,
                held_out=(features[held_out], data.targets[held_out]),
            )
            for gamma in gammas
        ),
        key=lambda one: one.validation,
    )  # fmt: skip
    right: Right = (machine.predict(features[test]) == data.targets[test]).numpy()
    return right


def run(quick: bool, seed: int) -> Result:
    """All questions on both sets."""
    seeds = range(seed, seed + (1 if quick else 3))
    questions = [one for one in QUESTIONS if not quick or one[1].words <= HARD.words]
    forms = list(dict.fromkeys(form for one in questions for form in one[1:3]))
    rows: list[Row] = []
    found: dict[str, Mapping[Form, list[Right]]] = {}
    for name in SETS:
        data = material(name, quick, seed)
        right: dict[Form, list[Right]] = {form: [] for form in forms}
        for number in seeds:
            dictionaries = {count: data.words(count, number) for count in
                            sorted({form.words for form in forms})}  # fmt: skip
            for form in track(forms, f"machines on {name}"):
                histograms = data.histograms(form, dictionaries[form.words])
                right[form].append(named_rightly(data, F.normalize(histograms), "linear"))
        rows += [beside(name, *one, right) for one in questions]
        found[name] = right
    return Result(rows, panels(found))


def beside(
    name: str, what: str, better: Form, worse: Form, said: str,
    right: Mapping[Form, Sequence[Right]],
) -> Row:  # fmt: skip
    """One question on one set."""
    lead = Lead.of(right[better], right[worse])
    verdict, why = lead.judged()
    if said.startswith("hardly"):
        same = lead.points < HARDLY
        verdict = "same" if same else "different"
        why = f"counted so up to {HARDLY:g} points" if same else "better by more than a little"
    return Row(
        f"{name}: {what}", said,
        f"{accuracy(right[better])} against {accuracy(right[worse])} %: {lead}",
        verdict, why,
    )  # fmt: skip


def accuracy(right: Sequence[Right]) -> str:
    """In per cent, over the seeds."""
    return spread(np.mean(right, 1).tolist())


def panels(found: Mapping[str, Mapping[Form, Sequence[Right]]]) -> list[Panel]:
    """Words, codes and pyramids, a line a set."""
    shown = (
        ("words, hard codes, summed", "log2 of the words", [
            (np.log2(count), Form(words=count)) for count in (64, 256, 1024)]),
        ("1 hard sum, 2 soft sum, 3 hard max, 4 soft max", "form", [
            (1.0, HARD), (2.0, SOFT), (3.0, replace(HARD, pooling="max")),
            (4.0, replace(SOFT, pooling="max"))]),
        ("pyramid", "levels", [(float(n), replace(HARD, levels=levels))
                               for n, levels in enumerate(LEVELS, 1)]),
    )  # fmt: skip
    return [
        Panel(title, across, "% right", [
            line(name, [(x, right[form]) for x, form in places if form in right])
            for name, right in found.items()
        ])
        for title, across, places in shown
    ]  # fmt: skip


def line(name: str, places: Sequence[tuple[float, Sequence[Right]]]) -> Line:
    """Accuracies in per cent with the standard deviation between seeds."""
    each = [100 * np.mean(right, 1) for _, right in places]
    return Line(
        name, np.array([x for x, _ in places]), np.array([one.mean() for one in each]),
        spread=np.array([one.std() for one in each]),
    )  # fmt: skip
