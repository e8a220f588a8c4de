"""How the same network gets fewer errors: by more windows of a picture, and by more networks.

The rows of the ILSVRC table in two small forms. On CIFAR-10, networks that read 28 of 32 pixels, as
the papers' read 224 of 256, so that 10, 50 and 144 crops (Krizhevsky et al. 2012, Simonyan &
Zisserman 2015, Szegedy et al. 2015), all places at several scales and OverFeat's offsets of the
last pooling (Sermanet et al. 2014) are the papers' own, in proportion; then two and five of them
averaged. On 100 photographs of ImageNet, one of each of 100 classes, a published network of 2020.
There WordNet's tree gives classes of classes.
"""

import csv
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from striate.augment import Augmentation, named
from striate.augment.crops import Crops
from striate.data import Dataset, decode
from striate.evaluation import Tree, coarse_accuracy
from striate.evaluation.classification import in_top_k
from striate.experiments.judging import Lead, percent
from striate.experiments.learning import Pictures, fewer
from striate.experiments.material import opened, place
from striate.experiments.result import Line, Panel, Result, Row
from striate.images import View
from striate.inference import Preprocessing
from striate.layers import initialize
from striate.models import Stages, create, normalization_of, published
from striate.progress import track
from striate.tasks.classification.network import Network
from striate.tasks.classification.problem import ClassificationProblem
from striate.tasks.classification.windows import Windowed, Windows, averaged
from striate.tasks.contract import Predictor
from striate.tasks.pictures.problem import pixels_of
from striate.training import Recipe, seeded

SIZE = 28
WIDTHS = (24, 48, 64)
RECIPE = Recipe(
    epochs=5, batch_size=64, learning_rate=0.02, nesterov=False, weight_decay=5e-4, warmup=0.05,
    clip=5.0, augmentation=Augmentation(named.MIRROR, crops=Crops(window=SIZE, sides=(32, 32))),
    threads=1,
)  # fmt: skip
IMAGES = {True: (1_000, 200, 100), False: (20_000, 1_000, 4_000)}
NETWORKS = {True: 2, False: 5}
PHOTOGRAPHS = {True: 12, False: 100}
SINGLE = "the central crop"
SMALL = {  # on CIFAR-10; a dense one by the pixels of the pictures
    SINGLE: Windows(),
    "10 crops": Windows(10),
    "50 crops": Windows(50),
    "144 crops": Windows(144),
    "dense, 32": Windows(dense=True, scales=(32,)),
    "dense, 36": Windows(dense=True, scales=(36,)),
    "dense, 36, offsets": Windows(dense=True, scales=(36,), offsets=True),
    "dense, 32, 36, 40": Windows(dense=True, scales=(32, 36, 40)),
}
LARGE = {  # on photographs
    SINGLE: Windows(),
    "10 crops": Windows(10),
    "50 crops": Windows(50),
    "dense, 256": Windows(dense=True, scales=(256,)),
    "dense, 256, 320, 384": Windows(dense=True, scales=(256, 320, 384)),
}
QUICKLY = (SINGLE, "10 crops", "dense, 256")
SAID = {  # of which rows there are (better, worse): what is published
    ("10 crops", SINGLE): "39.0 to 37.5 % top-1 (AlexNet); 10.07 to 9.15 % top-5 (GoogLeNet)",
    ("144 crops", "10 crops"): "9.15 to 7.89 % top-5 (GoogLeNet, Table 3)",
    ("50 crops", "dense, 32, 36, 40"):
        "at three scales 24.8 to 24.6 % top-1 (VGG-16, Table 5)",
    ("50 crops", "dense, 256"): "at three scales 24.8 to 24.6 % top-1 (VGG-16, Table 5)",
    ("dense, 32, 36, 40", "dense, 36"):
        "25.6 to 24.8 % top-1 (VGG-16, Tables 3 and 4)",
    ("dense, 256, 320, 384", "dense, 256"):
        "25.6 to 24.8 % top-1 (VGG-16, Tables 3 and 4)",
    ("dense, 36, offsets", "dense, 36"):
        "39.28 to 39.01 % top-1 (OverFeat, fast, one scale, Table 2)",
}  # fmt: skip
DOG, ANIMAL = "n02084071", "n00015388"
TOGETHER = 50  # pictures at a time
Probabilities = NDArray[np.float32]
Answers = Mapping[str, Probabilities]


def network(*, classes: int = 10) -> Stages:
    """Images (N, 3, 28, 28) to logits. Nothing is padded, so a window among others is what it is
    when it is cut out."""
    first, second, third = WIDTHS
    layers: dict[str, nn.Module] = {
        "conv1": nn.Sequential(nn.Conv2d(3, first, 5), nn.ReLU()),  # 24 pixels a side
        "pool1": nn.MaxPool2d(2),  # 12
        "conv2": nn.Sequential(nn.Conv2d(first, second, 3), nn.ReLU()),  # 10
        "conv3": nn.Sequential(nn.Conv2d(second, third, 3), nn.ReLU()),  # 8
        "pool3": nn.MaxPool2d(2),  # 4
        "flatten": nn.Flatten(),
        "fc4": nn.Sequential(nn.Linear(third * 16, 128), nn.ReLU(), nn.Dropout()),
        "fc5": nn.Linear(128, classes),
    }
    return Stages(layers, channels=3)


def prepared(data: Dataset[Any]) -> Pictures:
    """The set, whole to cut windows from and in the view of a network in use."""
    whole, view = RECIPE.augmentation.views(View(SIZE))
    decoded = decode(data, [whole, view])
    rule = Preprocessing.measured(view, pixels_of(decoded, view, "train"))
    problem = ClassificationProblem(data.classes, preprocessing=rule, learned_from=whole)
    return Pictures(problem, decoded)


def learned(pictures: Pictures, recipe: Recipe, seed: int) -> Network:
    """One that has learned from random windows and their mirror images."""
    with seeded(seed):
        fresh = initialize(network(), "he")
    model = pictures.learn(fresh, recipe, seed=seed)
    return Network.own(model, pictures.problem.preprocessing, len(pictures.problem.classes))


def answers(
    predictor: Predictor, which: Windows, pictures: Sequence[Any], title: str
) -> Probabilities:
    """(N, classes), in the mean over the windows of each picture."""
    reader = predictor if which.plain else Windowed(predictor, which)
    found = []
    for start in track(range(0, len(pictures), TOGETHER), title):
        some = [reader.prepare(each) for each in pictures[start : start + TOGETHER]]
        for batch in range(0, len(some), 16):
            found += [one.probabilities for one in reader.predict(some[batch : batch + 16])]
    return np.stack(found)


def run(quick: bool, seed: int) -> Result:
    """Small networks, then the published one."""
    rows, panels = small(quick, seed)
    if published.here("efficientnet_lite0.imagenet") is None:
        why = "the extra `pretrained`, which brings the network, is not installed"
        missing = Row("ImageNet", "the ILSVRC table", "", "not reachable here", why)
        return Result([*rows, missing, *tree_rows()], panels)
    more, others = large(quick)
    return Result([*rows, *more, *tree_rows()], [*panels, *others])


def small(quick: bool, seed: int) -> tuple[list[Row], list[Panel]]:
    """CIFAR-10."""
    pictures = prepared(fewer(opened("cifar10"), *IMAGES[quick], seed=seed))
    recipe = RECIPE.but(epochs=2) if quick else RECIPE
    networks = [
        learned(pictures, recipe, each) for each in range(seed, seed + NETWORKS[quick])
    ]  # fmt: skip
    test = pictures.data.dataset.test
    images, targets = [test.inputs[row] for row in range(len(test))], test.targets.single()
    found = {
        name: answers(networks[0], which, images, f"CIFAR-10, {name}")
        for name, which in SMALL.items()
    }
    others = [answers(one, SMALL["10 crops"], images, "CIFAR-10, others") for one in networks[1:]]
    ten = [found["10 crops"], *others]
    for count in (2, NETWORKS[False]):
        if count <= len(ten):
            found[networks_named(count)] = averaged(ten[:count])
    said = {
        (networks_named(2), "10 crops"): "24.4 to 23.7 % top-1 (VGG); Zeiler & Fergus, 6: 1.5 less",
        (networks_named(5), "10 crops"): "18.2 to 16.4 % top-5 (AlexNet)",
    }
    rows = compared("CIFAR-10", found, targets, SAID | said, top=1)
    return rows, [panel("CIFAR-10", found, targets)]


def networks_named(count: int) -> str:
    return f"10 crops, {count} networks"


def large(quick: bool) -> tuple[list[Row], list[Panel]]:
    """Photographs of ImageNet, and how often the answer is of the right kind."""
    names = (place("imagenet_sample") / "wnids.txt").read_text(encoding="utf-8").split()
    files = sorted((place("imagenet_sample") / "images").iterdir())
    files = files[:: len(files) // PHOTOGRAPHS[quick]]
    targets = np.array([names.index(file.name.partition("_")[0]) for file in files])
    normalization = normalization_of("efficientnet_lite0.imagenet")
    assert normalization is not None  # it is published
    model = create("efficientnet_lite0", weights="imagenet")
    predictor = Network.own(model, Preprocessing(View(224), normalization), len(names))
    found = {
        name: answers(predictor, which, files, f"ImageNet, {name}")
        for name, which in LARGE.items()
        if not quick or name in QUICKLY
    }
    rows = [row for top in (1, 5) for row in compared("ImageNet", found, targets, SAID, top=top)]
    tree = wordnet_tree(names)
    by_depth = coarse_accuracy(found[SINGLE], targets, names, tree)
    return [*rows, kinds(by_depth)], [panel("ImageNet", found, targets), kinds_panel(by_depth)]


def compared(
    where: str, found: Answers, targets: NDArray[np.int64], said: Mapping[tuple[str, str], str],
    *, top: int,
) -> list[Row]:  # fmt: skip
    """Errors side by side, and whether the better is better on these pictures."""
    wrong = {name: ~in_top_k(each, targets, top) for name, each in found.items()}
    rows = []
    for (better, worse), words in said.items():
        if better not in wrong or worse not in wrong:
            continue
        fewer_errors = Lead.of(wrong[worse], wrong[better])
        rows.append(
            Row(
                f"{where}, top-{top} errors: {better} against {worse}",
                words,
                f"{percent(wrong[worse].mean())} to {percent(wrong[better].mean())}, fewer by "
                f"{fewer_errors}",
                *fewer_errors.judged(behind="what is enlarged or cut off tells less here"),
            )
        )
    return rows


def parents() -> dict[str, list[str]]:
    """Of each noun of WordNet that ImageNet's classes need, what it is a kind of."""
    with (place("wordnet") / "nouns.tsv").open(encoding="utf-8", newline="") as file:
        rows = csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE)
        return {row["id"]: [one for one in row["parents"].split(",") if one] for row in rows}


def wordnet_tree(names: Sequence[str]) -> Tree:
    """A class and the one above it; of several, the first."""
    found: dict[str, str] = {}
    above, waiting = parents(), list(names)
    while waiting:
        name = waiting.pop()
        if above[name] and name not in found:
            found[name] = above[name][0]
            waiting.append(found[name])
    return Tree(found)


def below(names: Sequence[str], kind: str, above: Mapping[str, Sequence[str]]) -> int:
    """How many of these classes are of a kind, by whatever way.

    >>> below(["beagle", "tench"], "dog", {"beagle": ["hound"], "hound": ["dog", "pet"]})
    1
    """

    def is_kind(name: str) -> bool:
        return name == kind or any(is_kind(one) for one in above.get(name, ()))

    return sum(map(is_kind, names))


def tree_rows() -> list[Row]:
    """What the tree holds of ImageNet's 1,000 classes."""
    names = (place("imagenet_sample") / "wnids.txt").read_text(encoding="utf-8").split()
    above = parents()
    dogs, animals = below(names, DOG, above), below(names, ANIMAL, above)
    why = "by WordNet's tree; with two wild ones beside them they are 120"
    return [
        Row("classes of dogs among 1,000", "120 (the lecture)", f"{dogs}",
            "same" if dogs == 120 else "different", why),
        Row("classes of animals among 1,000", "some animals are overrepresented", f"{animals}",
            "same" if animals > len(names) / 3 else "different"),
    ]  # fmt: skip


def kinds(by_depth: Sequence[Mapping[str, float]]) -> Row:
    """Whether coarse classes are easier."""
    first, last = by_depth[0], by_depth[-1]
    middle = by_depth[len(by_depth) // 4]
    ours = ", ".join(
        f"{one['classes']:,.0f} classes: {percent(1 - one['top1'])}"
        for one in (first, middle, last)
    )
    return Row(
        "ImageNet, top-1 errors by classes of classes, from WordNet's root down",
        "fine classes make the challenge hard",
        ours,
        "same" if first["top1"] >= middle["top1"] > last["top1"] else "different",
    )


def kinds_panel(by_depth: Sequence[Mapping[str, float]]) -> Panel:
    """Errors by depth."""
    depth, wrong = np.array([(one["depth"], 100 * (1 - one["top1"])) for one in by_depth]).T
    return Panel("Coarse and fine classes", "depth in WordNet", "% wrong",
                 [Line("the central crop", depth, wrong)])  # fmt: skip


def panel(where: str, found: Answers, targets: NDArray[np.int64]) -> Panel:
    """Top-1 errors, a dot for each way to ask, with the deviation of a mean of so many pictures."""
    lines = []
    for number, (name, each) in enumerate(found.items()):
        wrong = 100.0 * ~in_top_k(each, targets)
        spread = wrong.std() / np.sqrt(len(wrong))
        lines.append(Line(name, np.array([number + 0.5]), np.array([wrong.mean()]), dots=True,
                          spread=np.array([spread])))  # fmt: skip
    y = np.concatenate([line.y for line in lines])
    limits = (0.0, float(len(lines)), float(y.min()) - 3, float(y.max()) + 3)
    return Panel(f"{where}, top-1 errors", "", "% wrong", lines, limits)
