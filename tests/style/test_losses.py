"""Losses of style and content against their sums, by pencil and by differences."""

import torch

from striate.style import content_loss, gram, style_loss, total_variation


def drawn(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(1), dtype=torch.double)


def test_a_gram_matrix_by_pencil() -> None:
    maps = torch.tensor([[[1.0, 2.0]], [[0.0, 3.0]]])[None]  # two maps of one row of two places
    assert gram(maps).tolist() == [[[2.5, 3.0], [3.0, 4.5]]]
    assert gram(maps, torch.tensor([[1.0, 0.0]])).tolist() == [[[1.0, 0.0], [0.0, 0.0]]]


def test_the_gram_matrix_is_its_sum() -> None:
    maps, shares = drawn(1, 3, 4, 5), drawn(4, 5).abs()
    summed = torch.zeros(3, 3, dtype=torch.double)
    for row in range(4):
        for column in range(5):
            place = maps[0, :, row, column]
            summed += shares[row, column] * torch.outer(place, place)
    torch.testing.assert_close(gram(maps, shares), summed[None])
    even = torch.full((4, 5), 1 / 20, dtype=torch.double)
    torch.testing.assert_close(gram(maps), gram(maps, even))


def test_losses_are_nothing_where_both_agree_and_one_where_there_is_nothing() -> None:
    maps = drawn(1, 3, 4, 5)
    assert float(content_loss(maps, maps)) == 0
    assert float(content_loss(0 * maps, maps)) == 1
    assert float(style_loss(maps, gram(maps))) == 0
    assert float(style_loss(0 * maps, gram(maps))) == 1


def test_style_does_not_care_where_things_are() -> None:
    maps = drawn(1, 3, 4, 5)
    assert float(style_loss(maps.flip(2, 3), gram(maps))) < 1e-24


def test_each_picture_of_a_batch_has_its_own_losses() -> None:
    maps, shares, wanted = drawn(3, 3, 4, 5), drawn(4, 5).abs(), gram(2 * drawn(1, 3, 6, 2))
    for loss in (
        lambda x: style_loss(x, wanted), lambda x: style_loss(x, wanted, shares),
        lambda x: content_loss(x, x.flip(1)), total_variation,
    ):  # fmt: skip
        alone = [loss(one[None]) for one in maps]
        torch.testing.assert_close(loss(maps), torch.cat(alone))


def test_gradients_are_those_of_differences() -> None:
    maps, wanted = drawn(2, 3, 4, 5).requires_grad_(), gram(2 * drawn(1, 3, 6, 2))
    shares = drawn(4, 5).abs()
    assert torch.autograd.gradcheck(lambda x: style_loss(x, wanted), maps)
    assert torch.autograd.gradcheck(lambda x: style_loss(x, wanted, shares), maps)
    assert torch.autograd.gradcheck(lambda x: content_loss(x, drawn(2, 3, 4, 5) + 1), maps)
    assert torch.autograd.gradcheck(total_variation, maps)


def test_total_variation_by_pencil() -> None:
    picture = torch.tensor([[1.0, 2.0], [1.0, 5.0]])[None, None]
    assert float(total_variation(picture)) == (0 + 9 + 1 + 16) / 4
