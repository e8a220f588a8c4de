"""The hand-crafted approach beside OpenCV's SIFT and scikit-learn's k-means and linear SVM.

One thread each, the same grid, the same scales, the same costs:
`python benchmarks/handcrafted.py [--quick] [--json]`.
"""

from collections.abc import Callable, Iterator

import numpy as np
import torch
from _rows import Row, absent, main, paired, peer_module
from sklearn.cluster import MiniBatchKMeans
from sklearn.svm import LinearSVC

from striate.handcrafted.dictionary import k_means
from striate.handcrafted.sift import dense_sift, grid
from striate.handcrafted.svm import linear_svm

GRIDS = ((32, 2, (3, 4)), (128, 5, (4, 6, 8)), (160, 4, (4, 6, 8, 10)))  # side, step, bins
SAMPLES, WORDS, ROWS = 30_000, 512, 600


def measure(quick: bool) -> Iterator[Row]:
    """Every case, the quickest first."""
    torch.set_num_threads(1)
    rounds = 3 if quick else 21
    for side, step, bins in GRIDS:
        for count in (1, 16):
            case = f"dense SIFT, {count} x {side} px, step {step}, {len(bins)} scales"
            target, peer = 8 if side > 40 and count > 1 else None, "cv2.SIFT.compute"
            try:
                ours, theirs = sifts(side, step, bins, count)
            except ImportError as error:
                yield absent(case, "ms", peer, error, target)
            else:
                yield paired(case, ours, theirs, peer=peer, target=target, rounds=rounds)
    generator = torch.Generator().manual_seed(0)
    features = torch.nn.functional.normalize(torch.rand(ROWS, 600, generator=generator) ** 4)
    targets = torch.arange(ROWS) % 10
    yield paired(
        f"linear SVM, {ROWS} x 600, 10 classes, cost 3",
        lambda: linear_svm(features, targets, classes=10, cost=3.0),
        lambda: LinearSVC(C=3.0).fit(features.numpy(), targets.numpy()),
        peer="sklearn LinearSVC",
        rounds=rounds,
    )
    points = dense_sift(photographs(16, 128), step=3, bin_size=(4, 6), root=True).descriptors
    points = points.reshape(-1, 128)[: SAMPLES // 8 if quick else SAMPLES].contiguous()
    words = WORDS // 8 if quick else WORDS
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

    camera = torch.from_numpy(data.camera()).float()[None, None]
    whole = torch.nn.functional.adaptive_avg_pool2d(camera, 2 * side)[0].round()
    places = np.linspace(0, side, count).astype(int).tolist()
    return torch.stack([whole[:, p : p + side, p : p + side] for p in places])


def sifts(
    side: int, step: int, bins: tuple[int, ...], count: int
) -> tuple[Callable[[], object], Callable[[], object]]:
    """Ours and OpenCV's, describing the same windows of the same pictures."""
    cv2 = peer_module("cv2")
    cv2.setNumThreads(1)
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
