"""Dense evaluation beside the windows it stands for, run one by one.

One thread: `python benchmarks/evaluation.py [--quick] [--json]`. The square holds so many windows
of the network's own size at its own steps; dense computes all of them in one pass, with the full
connections as convolutions. Mirror images are part of both. Weights are random. LeNet-5 pads
nothing, so its answers are the same; where a network pads, a window in the middle sees its
neighbors where a crop sees zeros.
"""

from collections.abc import Iterator

import numpy as np
import torch
from _rows import Row, main, paired

from striate.images import View
from striate.inference import Preprocessing
from striate.models import NETWORKS, Normalization, create
from striate.tasks.classification.network import Network
from striate.tasks.classification.windows import Prepared, Windowed, Windows

CASES = {  # network: side of the square, steps from window to window
    "lenet5": (64, 4),
    "alexnet_single": (352, 32),
    "overfeat_fast": (281, 36),  # 231 rounded to what its poolings leave
    "vgg16": (288, 32),
    "resnet18": (288, 32),
}


def measure(quick: bool) -> Iterator[Row]:
    torch.set_num_threads(1)
    for name, (side, step) in CASES.items():
        entry = NETWORKS[name]
        window = 32 if name == "lenet5" else entry.image_size
        torch.manual_seed(0)
        view = View(window, channels=entry.channels, fit="squash")
        gray = (127.0,) * entry.channels
        rule = Preprocessing(view, Normalization(gray, tuple(64.0 for _ in gray)))
        predictor = Network(
            model=create(name, classes=10).eval(), architecture={"name": name, "options": {}},
            preprocessing=rule, classes=10,
        )  # fmt: skip
        sliding = Windowed(predictor, Windows(scales=(side,), dense=True))
        count = 4
        pixels = np.random.default_rng(0).integers(
            0, 256, (count, side, side, entry.channels), dtype=np.uint8
        )
        starts = range(0, side - window + 1, step)

        def dense(r=sliding, p=pixels) -> np.ndarray:
            return np.stack(
                [one.probabilities for one in r.predict([Prepared(x, (x,)) for x in p])]
            )

        def one_by_one(r=predictor, p=pixels, s=starts, w=window) -> np.ndarray:
            answers = [
                r.answers(np.ascontiguousarray(image[:, top : top + w, left : left + w]))[0]
                for image in (p, p[:, :, ::-1])
                for top in s
                for left in s
            ]
            return np.mean(answers, axis=0)

        off = float(np.abs(dense() - one_by_one()).max())
        case = f"{name}, {len(starts) ** 2} windows of {side} px, off by {off:.0e}"
        yield paired(case, dense, one_by_one, peer="windows", rounds=2 if quick else 5)


if __name__ == "__main__":
    main(measure, __doc__)
