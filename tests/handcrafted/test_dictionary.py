"""k-means: by hand, beside scikit-learn's, and what Lloyd's iterations promise."""

import pytest
import torch
from sklearn.cluster import KMeans

from striate.errors import ModelError
from striate.handcrafted.dictionary import assign, k_means, squared_distances


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_two_pairs_by_hand() -> None:
    points = torch.tensor([[0.0, 0.0], [0.0, 2.0], [9.0, 0.0], [9.0, 2.0]])
    for seed in range(5):  # seeds that fall into one pair: left and right, or top and bottom
        centers = k_means(points, 2, generator=generator(seed))
        expected = [[[0.0, 1.0], [9.0, 1.0]], [[4.5, 0.0], [4.5, 2.0]]]
        assert sorted(centers.tolist()) in expected


def test_distances_and_nearest_by_hand() -> None:
    points, centers = torch.tensor([[0.0, 0.0], [3.0, 4.0]]), torch.tensor([[3.0, 0.0], [0.0, 1.0]])
    torch.testing.assert_close(
        squared_distances(points, centers), torch.tensor([[9.0, 1.0], [16.0, 18.0]])
    )
    nearest, distances = assign(points, centers)
    assert nearest.tolist() == [1, 0]
    assert distances.tolist() == [1.0, 16.0]


def test_beside_scikit_learn_from_the_same_start() -> None:
    points = torch.randn(400, 5, generator=generator(), dtype=torch.float64)
    start = points[torch.randperm(400, generator=generator(1))[:12]]
    theirs = KMeans(12, init=start.numpy(), n_init=1, max_iter=500, tol=0).fit(points.numpy())
    ours = k_means(points, 12, generator=generator(1), iterations=500)
    torch.testing.assert_close(ours, torch.from_numpy(theirs.cluster_centers_))


def test_more_iterations_are_never_worse() -> None:
    points = torch.randn(500, 4, generator=generator())
    spread = [
        float(assign(points, k_means(points, 20, generator=generator(), iterations=n))[1].sum())
        for n in range(1, 8)
    ]
    assert spread == sorted(spread, reverse=True)


def test_a_center_without_points_moves_to_where_one_is_needed() -> None:
    points = torch.cat(
        [torch.full((50, 2), 10.0), torch.full((1, 2), 11.0), torch.full((1, 2), 15.0)]
    )
    for seed in range(5):  # three seeds of fifty-two: nearly always the same point thrice
        centers = k_means(points, 3, generator=generator(seed))
        assert float(assign(points, centers)[1].sum()) == 0


def test_the_same_seed_gives_the_same_words() -> None:
    points = torch.randn(300, 4)
    first, second = (k_means(points, 8, generator=generator(7)) for _ in range(2))
    assert torch.equal(first, second)


def test_too_few_points_are_refused() -> None:
    with pytest.raises(ModelError, match="256 words cannot be learned from 3 descriptors"):
        k_means(torch.zeros(3, 128), 256, generator=generator())
