"""Which kernel suits histograms of visual words (Zhang et al. 2007; Maji, Berg & Malik 2008;
Boureau et al. 2010)? Machines with four kernels on the same histograms; cost, and the gamma of
"rbf", are chosen on the validation images."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from torch import Tensor
from torch.nn import functional as F

from striate.experiments import visual_words as words
from striate.experiments.judging import Lead
from striate.experiments.result import Panel, Result, Row
from striate.experiments.visual_words import LEVELS, SETS, Described, Form, Right
from striate.handcrafted import usual_gamma
from striate.progress import track

SUMMED = Form(levels=LEVELS[1])
LARGEST = replace(SUMMED, neighbors=5, pooling="max")
KERNELS = ("linear", "rbf", "chi2", "intersection")
TRIALS = (
    *((SUMMED, kernel) for kernel in KERNELS), (LARGEST, "linear"), (LARGEST, "intersection"),
)  # fmt: skip
ORDERS = (  # what should be ahead of what, and who says so
    ("rbf", "linear", "ahead (Zhang et al. 2007)"),
    ("chi2", "rbf", "ahead (Zhang et al. 2007)"),
    ("chi2", "linear", "ahead (Zhang et al. 2007)"),
    ("intersection", "linear", "ahead (Maji et al. 2008; Boureau et al. 2010)"),
)
Trial = tuple[Form, str]


def named_rightly(data: Described, histograms: Tensor, kernel: str) -> Right:
    """Which of the test images (n,) are named rightly; curved kernels for any features and straight
    ones read unit vectors, those for histograms what sums to 1."""
    if kernel in ("chi2", "intersection"):
        return words.named_rightly(data, histograms, kernel)
    features = F.normalize(histograms)
    gamma = usual_gamma(features[data.rows("train")])
    gammas = (gamma / 2, gamma, 2 * gamma) if kernel == "rbf" else (None,)
    return words.named_rightly(data, features, kernel, gammas)


def run(quick: bool, seed: int) -> Result:
    """All kernels on both sets."""
    seeds = range(seed, seed + (1 if quick else 3))
    rows: list[Row] = []
    found: dict[str, Mapping[Trial, list[Right]]] = {}
    for name in SETS:
        data = words.material(name, quick, seed)
        right: dict[Trial, list[Right]] = {trial: [] for trial in TRIALS}
        for number in seeds:
            dictionary = data.words(SUMMED.words, number)
            histograms = {form: data.histograms(form, dictionary) for form in (SUMMED, LARGEST)}
            for form, kernel in track(TRIALS, f"kernels on {name}"):
                right[form, kernel].append(named_rightly(data, histograms[form], kernel))
        rows += [beside(name, *order, right) for order in ORDERS] + [gained(name, right)]
        found[name] = right
    return Result(rows, [panel(found)])


def beside(
    name: str, first: str, second: str, said: str, right: Mapping[Trial, Sequence[Right]]
) -> Row:
    """Whether one kernel is ahead of another on summed words."""
    one, other = right[SUMMED, first], right[SUMMED, second]
    lead = Lead.of(one, other)
    return Row(
        f"{name}: {first}, not {second}", said,
        f"{words.accuracy(one)} against {words.accuracy(other)} %: {lead}",
        *lead.judged(),
    )  # fmt: skip


def gained(name: str, right: Mapping[Trial, Sequence[Right]]) -> Row:
    """What intersection adds to each form."""
    summed, largest = (
        100 * (np.mean(right[form, "intersection"]) - np.mean(right[form, "linear"]))
        for form in (SUMMED, LARGEST)
    )
    same = largest < summed
    return Row(
        f"{name}: points that intersection adds to the largest of soft codes, to sums of hard ones",
        "fewer (Boureau et al. 2010)", f"{largest:.1f} and {summed:.1f}",
        "same" if same else "different", "" if same else "not fewer here",
    )  # fmt: skip


def panel(found: Mapping[str, Mapping[Trial, Sequence[Right]]]) -> Panel:
    """Accuracies, a line a set."""
    lines = [
        words.line(
            name, [(float(n), right[SUMMED, kernel]) for n, kernel in enumerate(KERNELS, 1)]
        )
        for name, right in found.items()
    ]  # fmt: skip
    return Panel("1 linear, 2 RBF, 3 chi2, 4 intersection", "kernel", "% right", lines)
