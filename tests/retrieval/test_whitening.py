import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from striate.retrieval.whitening import Moments, Whitening, finished


def moments_of(vectors, parts=3):
    found = Moments(vectors.shape[1])
    for part in vectors.chunk(parts):
        found.add(part[:, None])
    return found


@pytest.fixture
def vectors():
    mixing = torch.tensor([[3.0, 1.0, 0.0], [0.0, 1.0, 2.0], [0.5, 0.0, 0.3]])
    return torch.randn(400, 3) @ mixing + torch.tensor([5.0, -1.0, 2.0])


def test_mean_and_covariance_are_those_of_all_parts(vectors):
    found = moments_of(vectors)
    np.testing.assert_allclose(found.mean, vectors.double().mean(0))
    np.testing.assert_allclose(
        found.covariance, np.cov(vectors.double().numpy().T, bias=True), rtol=1e-9
    )


def test_whole_whitening_is_that_of_scikit_learn(vectors):
    found = Whitening.learned(moments_of(vectors), dimensions=3)(vectors).numpy()
    theirs = PCA(3, whiten=True).fit_transform(vectors.numpy()) * (400 / 399) ** 0.5
    np.testing.assert_allclose(np.abs(found), np.abs(theirs), atol=1e-4)


def test_strength_is_how_far_variances_are_made_alike(vectors):
    moments = moments_of(vectors)
    none, half, whole = (
        Whitening.learned(moments, strength=strength, dimensions=3)(vectors).var(0, correction=0)
        for strength in (0.0, 0.5, 1.0)
    )
    torch.testing.assert_close(whole, torch.ones(3), atol=1e-3, rtol=0)
    torch.testing.assert_close(half, none.sqrt(), atol=1e-3, rtol=1e-3)


def test_as_many_dimensions_as_the_vectors_speak_for(vectors):
    assert Whitening.learned(moments_of(vectors[:16])).projection.shape == (3, 2)  # 16 pictures
    pairs = Moments(3)
    pairs.add(vectors[:16].reshape(8, 2, 3))  # two regions of each of eight pictures
    assert Whitening.learned(pairs).projection.shape == (3, 1)
    flat = vectors * torch.tensor([1.0, 1.0, 0.0])
    assert Whitening.learned(moments_of(flat)).projection.shape == (3, 2)  # one never varies
    with pytest.raises(ValueError, match="the same"):
        Whitening.learned(moments_of(torch.ones(9, 3)))


def test_regions_are_whitened_one_by_one_and_added_up():
    whitening = Whitening(torch.tensor([1.0, 0.0]), torch.tensor([[2.0, 0.0], [0.0, 1.0]]))
    regions = torch.tensor([[[1.0, 1.0], [2.0, 0.0]]])  # become (0, 1) and (2, 0), of length 1
    torch.testing.assert_close(finished(regions, whitening), torch.tensor([[1.0, 1.0]]) / 2**0.5)
    torch.testing.assert_close(finished(regions, None), torch.tensor([[3.0, 1.0]]) / 10**0.5)
