"""Mean average precision of retrieval on ETH-80: 8 kinds of things, 5 objects of each, 14 views.

    python benchmarks/retrieval_sets.py SHARED [--networks efficientnet_lite0,vgg16,words]

Each picture asks for the other 13 views of its object, or the other 69 of its kind, among all 560.
Of everything that is tried, the best is chosen by the queries of the first two objects of each
kind; the numbers are those of the other three objects' queries. What is learned without marks (the
whitening, the words) has seen all pictures. `vgg16`: the 13 convolutions of weights/vgg16_imagenet.
"""

import argparse
import itertools
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from striate import images
from striate.handcrafted import PHOTOGRAPHS, BagOfVisualWords
from striate.handcrafted.dictionary import k_means
from striate.handcrafted.fitting import sample_descriptors
from striate.images import View
from striate.inference import Preprocessing
from striate.inference.outputs import outputs_of
from striate.models import cut, folded
from striate.models.published import KERAS
from striate.models.vgg import CONFIGURATIONS
from striate.recognizer import named
from striate.retrieval import Aggregation, Description, Expansion, Index, Whitening, evaluate
from striate.retrieval.index import Header, create
from striate.retrieval.truth import Truth, Wanted
from striate.retrieval.whitening import Moments, finished

SIZES = (96, 224)
POOLS = ("mean", "max", "gem", "rmac")
WHITENINGS: tuple[tuple[str, float | None, int | None], ...] = (
    ("none", None, None), ("0", 0.0, None), ("0.5", 0.5, None), ("1", 1.0, None),
    ("1, 32 kept", 1.0, 32),
)  # fmt: skip
EXPANSIONS = (("", None), (" + 5 found", Expansion(5, 3.0)), (" + 5 alike", Expansion(5, 0.0)))
CHOOSE = 2  # objects of each kind whose queries choose
QUESTIONS = ("object", "kind")


def files_of(shared: Path) -> list[Path]:
    return sorted((shared / "data/eth80").glob("*/*.webp"))


def pixels_of(files: list[Path], view: View) -> np.ndarray:
    return np.stack([images.render(images.load(file), [view])[0] for file in files])


def truth_of(files: list[Path], question: str) -> dict[str, Truth]:
    """The queries that choose and those that score."""
    objects = np.array([file.name.partition("-")[0] for file in files])
    kinds = np.array([file.parent.name for file in files])
    groups = objects if question == "object" else kinds
    first = {
        one for kind in sorted(set(kinds)) for one in sorted(set(objects[kinds == kind]))[:CHOOSE]
    }
    parts: dict[str, list[Wanted]] = {"choose": [], "score": []}
    for row, file in enumerate(files):
        positives = frozenset(np.flatnonzero(groups == groups[row]).tolist()) - {row}
        one = Wanted(file.name, row, positives, frozenset({row}))
        parts["choose" if objects[row] in first else "score"].append(one)
    return {name: Truth(tuple(part), "steps") for name, part in parts.items()}


def maps_of(network: str, size: int, files: list[Path], shared: Path) -> Tensor:
    """(560, C, H, W): the last maps of a network, for whole pictures of that size."""
    if network == "vgg16":
        model: nn.Module = vgg16(shared / "weights/vgg16_imagenet")
        preprocessing = Preprocessing(View(size, fit="squash"), KERAS)
    else:
        found, own = named(network, device="cpu").predictor.inside()
        model = cut(folded(found), "head_conv")
        preprocessing = Preprocessing(View(size, fit="squash"), own.normalization)
    return outputs_of(model, preprocessing, pixels_of(files, preprocessing.view), batch_size=16)


def vgg16(folder: Path) -> nn.Module:
    """The 13 convolutions, each with its rectifier; the last pooling is left out."""
    (file,) = folder.glob("*.pth")
    weights = iter(torch.load(file, weights_only=True).values())
    layers: list[nn.Module] = []
    channels = 3
    for stage in CONFIGURATIONS["D"]:
        for width in stage:
            layer = nn.Conv2d(channels, width, 3, padding=1)
            layer.load_state_dict({"weight": next(weights), "bias": next(weights)})
            layers += [layer, nn.ReLU(inplace=True)]
            channels = width
        layers.append(nn.MaxPool2d(2))
    return nn.Sequential(*layers[:-1]).eval().to(memory_format=torch.channels_last)


def words_of(files: list[Path]) -> Tensor:
    """(560, 21 x 1024): visual words in a pyramid, counted by soft coding; nothing is learned but
    the dictionary."""
    generator = torch.Generator().manual_seed(0)
    pixels = pixels_of(files, View(PHOTOGRAPHS.side, fit="squash"))
    model = BagOfVisualWords(classes=1, settings=PHOTOGRAPHS).eval()
    model.dictionary = k_means(
        sample_descriptors(model, pixels, generator=generator), PHOTOGRAPHS.words,
        generator=generator,
    )  # fmt: skip
    with torch.no_grad():
        return model.describe(torch.from_numpy(pixels).permute(0, 3, 1, 2).float())


def described(
    networks: list[str], sizes: list[int], pools: list[str], shared: Path, files: list[Path]
) -> Iterator[tuple[str, Tensor]]:
    """What is tried, by name, and the vectors (560, R, C) of length 1."""
    for network in networks:
        if network == "words":
            yield "visual words", Aggregation()(words_of(files))
            continue
        for size in sizes:
            maps = maps_of(network, size, files, shared)
            for pool in pools:
                yield f"{network} {size} px, {pool}", Aggregation(pool)(maps)


def indexed(folder: Path, vectors: Tensor, files: list[Path]) -> Index:
    header = Header(
        model="", content=None, description=Description(), folder="/", whitened=False,
        pictures=len(files), dimensions=vectors.shape[1],
    )  # fmt: skip
    index = create(folder, header, None)
    index.add([file.name for file in files], [(0, 0)] * len(files), vectors.numpy())
    return index


def measure(
    networks: list[str], sizes: list[int], pools: list[str], shared: Path
) -> Iterator[dict]:
    files = files_of(shared)
    truths = {question: truth_of(files, question) for question in QUESTIONS}
    for name, vectors in described(networks, sizes, pools, shared, files):
        moments = Moments(vectors.shape[-1])
        if vectors.shape[-1] <= 2048:
            moments.add(vectors)
        for title, strength, kept in WHITENINGS:
            if strength is not None and not moments.count:
                continue  # visual words have more numbers than there are pictures
            whitening = None
            if strength is not None:
                whitening = Whitening.learned(moments, strength=strength, dimensions=kept)
            with tempfile.TemporaryDirectory() as folder:
                index = indexed(Path(folder), finished(vectors, whitening), files)
                for (more, expansion), question in itertools.product(EXPANSIONS, QUESTIONS):
                    row = {"how": name, "whitening": title, "expansion": more, "same": question}
                    for part in ("choose", "score"):
                        found = evaluate(index, truths[question][part], expansion=expansion)
                        row[part] = round(found.value, 4)
                        row[f"{part}_interval"] = [round(one, 4) for one in found.interval]
                    yield row


def table(rows: list[dict]) -> None:
    """Of each network, for each question: the recipe that was chosen, and what it scores."""
    print(f"{'same':7} {'chosen':56} {'choose':>7} {'score':>7}  95 %")
    firsts = sorted({row["how"].split(",")[0].split()[0] for row in rows})
    for question, first in itertools.product(QUESTIONS, firsts):
        mine = [r for r in rows if r["same"] == question and r["how"].startswith(first)]
        best = max(mine, key=lambda row: row["choose"])
        how = f"{best['how']}, whitening {best['whitening']}{best['expansion']}"
        low, high = best["score_interval"]
        numbers = f"{best['choose']:7.3f} {best['score']:7.3f}  {low:.3f} to {high:.3f}"
        print(f"{question:7} {how:56} {numbers}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n\n")[0])
    parser.add_argument("shared", type=Path)
    parser.add_argument("--networks", default="efficientnet_lite0,vgg16,words")
    parser.add_argument("--sizes", type=int, nargs="+", default=SIZES)
    parser.add_argument("--pools", default=",".join(POOLS))
    parser.add_argument("--out", type=Path, help="every row, one object a line")
    given = parser.parse_args()
    torch.set_num_threads(1)
    rows = []
    wanted = (given.networks.split(","), given.sizes, given.pools.split(","))
    for row in measure(*wanted, given.shared):
        rows.append(row)
        if given.out:
            with given.out.open("a") as file:
                file.write(json.dumps(row) + "\n")
    table(rows)


if __name__ == "__main__":
    main()
