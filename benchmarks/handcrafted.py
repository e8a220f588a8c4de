"""The hand-crafted approach beside OpenCV's SIFT and scikit-learn's k-means and linear SVM.

One thread each, the same grid, the same scales, the same costs:
`python benchmarks/handcrafted.py [--quick] [--json]`.
"""

from collections.abc import Callable, Iterator

import cv2
import numpy as np
import torch
from _paired import Row, main, paired
from sklearn.cluster import MiniBatchKMeans
from sklearn.svm import LinearSVC

from striate.handcrafted.dictionary import k_means
from striate.handcrafted.sift import dense_sift, grid
from striate.handcrafted.svm import linear_svm


def measure(quick: bool) -> Iterator[Row]:
    """Every case, the quickest first."""
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    rounds = 3 if quick else 21
    for side, step, bins in ((32, 2, (3, 4)), (128, 5, (4, 6, 8)), (160, 4, (4, 6, 8, 10))):
        for count in (1, 16):
            case = f"dense SIFT, {count} x {side} px, step {step}, {len(bins)} scales"
            ours, theirs = sifts(side, step, bins, count)
            target = 8 if side > 40 and count > 1 else None
            yield paired(case, ours, theirs, peer="cv2.SIFT.compute", target=target, rounds=rounds)
    generator = torch.Generator().manual_seed(0)
    features = torch.nn.functional.normalize(torch.rand(600, 600, generator=generator) ** 4)
    targets = torch.arange(600) % 10
    yield paired(
        "linear SVM, 600 x 600, 10 classes, cost 3",
        lambda: linear_svm(features, targets, classes=10, cost=3.0),
        lambda: LinearSVC(C=3.0).fit(features.numpy(), targets.numpy()),
        peer="sklearn LinearSVC",
        rounds=rounds,
    )
    points = dense_sift(photographs(16, 128), step=3, bin_size=(4, 6), root=True).descriptors
    points = points.reshape(-1, 128)[: 4000 if quick else 30000].contiguous()
    words = 64 if quick else 512
    yield paired(
        f"k-means, {len(points):,} descriptors, {words} words",
        lambda: k_means(points, words, generator=torch.Generator().manual_seed(0)),
        lambda: MiniBatchKMeans(words, batch_size=4096, n_init=1).fit(points.numpy()),
        peer="sklearn MiniBatchKMeans",
        rounds=3,
    )


def photographs(count: int, side: int) -> torch.Tensor:
    """Gray pieces (count, 1, side, side) in [0, 255] of one photograph, each from another place."""
    from skimage import data

    whole = cv2.resize(data.camera(), (2 * side, 2 * side), interpolation=cv2.INTER_AREA)
    places = np.linspace(0, side, count).astype(int)
    pieces = [whole[place : place + side, place : place + side] for place in places]
    return torch.from_numpy(np.stack(pieces)).float()[:, None]


def sifts(
    side: int, step: int, bins: tuple[int, ...], count: int
) -> tuple[Callable[[], object], Callable[[], object]]:
    """Ours and OpenCV's, describing the same windows of the same pictures."""
    images = photographs(count, side)
    arrays = images[:, 0].byte().numpy()
    keypoints = [
        cv2.KeyPoint(float(x), float(y), size / 1.5, 0.0, 0, 0)
        for size in bins
        for y in grid(side, step=step, bin_size=size)
        for x in grid(side, step=step, bin_size=size)
    ]
    sift = cv2.SIFT_create()
    return (
        lambda: dense_sift(images, step=step, bin_size=bins),
        lambda: [sift.compute(array, keypoints) for array in arrays],
    )


if __name__ == "__main__":
    main(measure, __doc__)
