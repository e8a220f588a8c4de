import pytest
import torch

from striate.retrieval import Aggregation
from striate.retrieval.aggregation import further, generalized_mean, regional_maxima, regions

MAPS = torch.tensor([[[[1.0, 2.0], [3.0, 4.0]], [[0.0, 0.0], [0.0, 6.0]]]])  # (1, 2, 2, 2)


def test_means_and_maxima_by_hand():
    mean = Aggregation("mean")(MAPS)  # (2.5, 1.5) by its length
    torch.testing.assert_close(mean, torch.tensor([[[2.5, 1.5]]]) / 8.5**0.5)
    largest = Aggregation("max")(MAPS)
    torch.testing.assert_close(largest, torch.tensor([[[4.0, 6.0]]]) / 52**0.5)


def test_generalized_mean_by_hand():
    # (1 + 8 + 27 + 64) / 4 = 25; 216 / 4 = 54
    found = generalized_mean(MAPS, 3)
    torch.testing.assert_close(found, torch.tensor([[25.0, 54.0]]).pow(1 / 3))


def test_generalized_mean_goes_from_the_mean_to_the_maximum():
    torch.testing.assert_close(generalized_mean(MAPS, 1), torch.tensor([[2.5, 1.5]]))
    torch.testing.assert_close(
        generalized_mean(1e3 * MAPS, 100), torch.tensor([[4e3, 6e3]]), rtol=0.02, atol=0
    )


def test_regions_of_a_square_are_those_of_the_paper():
    # Figure 2 of Tolias et al.: 1 + 4 + 9 squares of sides 2 S / (l + 1)
    found = regions(12, 12, 3)
    assert [side for _, _, side in found] == [12] + 4 * [8] + 9 * [6]
    assert found[5:] == [(y, x, 6) for y in (0, 3, 6) for x in (0, 3, 6)]


def test_a_long_picture_has_more_along_its_longer_side():
    # 12 x 20: one more leaves 1 - 8 / 12 = 33 % of overlap, two more 67 %: one is nearer to 40 %
    assert further(12, 20) == 1
    assert regions(12, 20, 1) == [(0, 0, 12), (0, 8, 12)]
    assert regions(20, 12, 1) == [(0, 0, 12), (8, 0, 12)]


def test_regions_stay_inside_small_maps():
    for height, width in ((1, 1), (1, 5), (2, 3), (7, 7)):
        for y, x, side in regions(height, width, 4):
            assert y >= 0
            assert x >= 0
            assert side >= 1
            assert y + side <= height
            assert x + side <= width


def test_regional_maxima_by_hand():
    found = regional_maxima(MAPS, 2)  # whole, then four squares of one place
    expected = [[4.0, 6.0], [1.0, 0.0], [2.0, 0.0], [3.0, 0.0], [4.0, 6.0]]
    torch.testing.assert_close(found, torch.tensor([expected]))


def test_vectors_without_places_are_as_they_are():
    found = Aggregation("rmac")(torch.tensor([[3.0, 4.0], [0.0, 0.0]]))
    torch.testing.assert_close(found, torch.tensor([[[0.6, 0.8]], [[0.0, 0.0]]]))


@pytest.mark.parametrize("wrong", [{"kind": "sum"}, {"p": 0.0}, {"levels": 9}, {"levels": 2.0}])
def test_what_it_cannot_be_is_refused(wrong):
    with pytest.raises(ValueError, match="must be"):
        Aggregation(**wrong)
