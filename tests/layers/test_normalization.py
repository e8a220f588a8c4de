"""Local response normalization: a pencil's numbers, a plain loop, torch's own layer."""

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from striate.errors import ModelError
from striate.layers import LocalResponseNorm, normalization
from striate.layers.normalization import normalize_plainly, pieces

SETTINGS = st.fixed_dictionaries(
    {
        "size": st.integers(1, 8),
        "alpha": st.floats(1e-4, 2.0),
        "beta": st.sampled_from([0.5, 0.75, 1.0, 0.6]),
        "k": st.floats(0.5, 3.0),
    }
)
SHAPES = st.tuples(st.integers(1, 3), st.integers(1, 9), st.integers(1, 5), st.integers(1, 5))
LAYOUTS = st.sampled_from([torch.contiguous_format, torch.channels_last])


def by_loop(x: Tensor, size: int, alpha: float, beta: float, k: float) -> np.ndarray:
    """Section 3.3 of the paper, alpha divided by the size: one activation after another."""
    a = x.detach().double().numpy()
    b = np.empty_like(a)
    channels = a.shape[1]
    for i in range(channels):
        first, last = max(0, i - size // 2), min(channels - 1, i + (size - 1) // 2)
        energy = sum(a[:, j] ** 2 for j in range(first, last + 1))
        b[:, i] = a[:, i] / (k + alpha / size * energy) ** beta
    return b


def test_a_hand_worked_column() -> None:
    # alpha/size = 1, k = 1: d = 1 + (1, 1+4, ...) over windows of three channels 1 2 3
    x = torch.tensor([1.0, 2.0, 3.0]).reshape(1, 3, 1, 1)
    layer = LocalResponseNorm(3, alpha=3.0, beta=1.0, k=1.0)
    expected = torch.tensor([1 / 6, 2 / 15, 3 / 14]).reshape(1, 3, 1, 1)
    torch.testing.assert_close(layer(x), expected)


@pytest.mark.parametrize("size", [5, 7])
def test_without_arguments_it_is_the_papers(size: int) -> None:
    # Section 3.3: b_i = a_i / (k + alpha sum a_j^2)^beta with k = 2, alpha = 1e-4, beta = 0.75,
    # over n = 5 channels; large activations, so that the divisor is not k alone.
    a = 100 * torch.randn(2, 9, 3, 3, dtype=torch.float64)
    b = torch.empty_like(a)
    for i in range(9):
        window = a[:, max(0, i - size // 2) : i + size // 2 + 1]
        b[:, i] = a[:, i] / (2 + 1e-4 * window.square().sum(1)) ** 0.75
    layer = LocalResponseNorm() if size == 5 else LocalResponseNorm(size)
    torch.testing.assert_close(layer(a), b)


def test_an_even_window_reaches_back_further_than_forward() -> None:
    x = torch.tensor([1.0, 2.0, 3.0]).reshape(1, 3, 1, 1)
    layer = LocalResponseNorm(2, alpha=2.0, beta=1.0, k=1.0)
    expected = torch.tensor([1 / 2, 2 / 6, 3 / 14]).reshape(1, 3, 1, 1)
    torch.testing.assert_close(layer(x), expected)


@given(SHAPES, SETTINGS, LAYOUTS)
def test_the_loop_agrees(shape, settings, layout) -> None:
    x = torch.randn(shape, dtype=torch.float64).to(memory_format=layout)
    y = LocalResponseNorm(**settings)(x)
    np.testing.assert_allclose(y.numpy(), by_loop(x, **settings), rtol=1e-12)
    assert y.stride() == x.stride()


@given(SHAPES, SETTINGS, LAYOUTS, st.integers(1, 40))
def test_torch_agrees_forward_and_backward_whatever_the_pieces(
    shape, settings, layout, cached
) -> None:
    x = torch.randn(shape).to(memory_format=layout)
    weights = torch.randn_like(x)
    gradients, outputs = [], []
    for layer in (LocalResponseNorm(**settings), nn.LocalResponseNorm(**settings)):
        leaf = x.clone().requires_grad_()
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(normalization, "CACHED", cached)
            output = layer(leaf)
            output.backward(weights)
        outputs.append(output.detach())
        gradients.append(leaf.grad)
    torch.testing.assert_close(*outputs, rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(*gradients, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_alexnets_first_maps_agree_with_torch_to_a_millionth(layout: torch.memory_format) -> None:
    x = torch.randn(8, 96, 55, 55).to(memory_format=layout)
    weights = torch.randn_like(x)
    results = []
    for layer in (LocalResponseNorm(), nn.LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2)):
        leaf = x.clone().requires_grad_()
        y = layer(leaf)
        (gradient,) = torch.autograd.grad(y, leaf, weights)
        results.append((y.detach(), gradient))
    for ours, theirs in zip(*results, strict=True):
        assert float((ours - theirs).abs().max()) < 1e-6 * max(1.0, float(theirs.abs().max()))


@pytest.mark.parametrize(("size", "beta"), [(5, 0.75), (4, 0.5), (3, 1.0), (9, 0.3)])
def test_the_gradient_is_the_slope(size: int, beta: float) -> None:
    layer = LocalResponseNorm(size, alpha=0.7, beta=beta, k=1.5)
    x = torch.randn(2, 6, 3, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(layer, x)


@pytest.mark.parametrize("shape", [(3, 7, 4), (3, 7, 4, 2, 2), (0, 7, 4, 4)])
def test_any_number_of_places(shape: tuple[int, ...]) -> None:
    x = torch.randn(shape)
    torch.testing.assert_close(LocalResponseNorm()(x), normalize_plainly(x, 5, 5e-4, 0.75, 2.0))


def test_several_threads_give_what_one_gives() -> None:
    x = torch.randn(16, 32, 27, 27)
    before = torch.get_num_threads()
    results = []
    try:
        for threads in (1, 3):
            torch.set_num_threads(threads)
            leaf = x.clone().requires_grad_()
            (LocalResponseNorm(alpha=1.0)(leaf) ** 2).sum().backward()
            results.append(leaf.grad)
    finally:
        torch.set_num_threads(before)
    assert torch.equal(*results)


def test_what_is_infinite_says_nothing_and_stays_so() -> None:
    x = torch.full((1, 3, 1, 1), 1e30)
    assert torch.equal(LocalResponseNorm()(x), torch.zeros(1, 3, 1, 1))


def test_half_precision_computes_in_single() -> None:
    x = torch.randn(2, 8, 3, 3, dtype=torch.bfloat16)
    y = LocalResponseNorm(alpha=1.0)(x)
    assert y.dtype == torch.bfloat16
    assert torch.equal(y, LocalResponseNorm(alpha=1.0)(x.float()).bfloat16())


def test_an_expanded_tensor_is_read_right() -> None:
    x = torch.randn(1, 6, 1, 1).expand(3, 6, 4, 4).requires_grad_()
    y = LocalResponseNorm(alpha=1.0)(x)
    torch.testing.assert_close(y, normalize_plainly(x, 5, 1.0, 0.75, 2.0))


def test_the_slope_of_the_gradient() -> None:
    layer = LocalResponseNorm(3, alpha=0.7, k=1.5)
    x = torch.randn(1, 4, 2, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradgradcheck(layer, x)


@given(SHAPES, st.integers(1, 300))
def test_pieces_cover_everything_once(shape: tuple[int, ...], cached: int) -> None:
    times = torch.zeros(shape)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(normalization, "CACHED", cached)
        for piece in pieces(times.numpy()):
            times[piece] += 1
    assert torch.equal(times, torch.ones(shape))


def test_an_exported_network_reads_any_batch() -> None:
    network = nn.Sequential(nn.Conv2d(3, 8, 3), LocalResponseNorm(alpha=1.0)).eval()
    batch = torch.export.Dim("batch", min=1, max=64)
    program = torch.export.export(network, (torch.randn(2, 3, 8, 8),), dynamic_shapes=({0: batch},))
    images = torch.randn(5, 3, 8, 8)
    torch.testing.assert_close(program.module()(images), network(images))


@pytest.mark.filterwarnings("ignore:`torch.jit:DeprecationWarning")
@pytest.mark.parametrize("how", ["compiled", "traced"])
def test_a_compiled_or_traced_network_holds_the_plain_formula(how: str) -> None:
    layer, first = LocalResponseNorm(alpha=1.0), torch.randn(2, 8, 3, 3)
    if how == "compiled":
        captured = torch.compile(layer, backend="eager", fullgraph=True)
    else:
        captured = torch.jit.trace(layer, first)
    images = torch.randn(5, 8, 3, 3, requires_grad=True)
    torch.testing.assert_close(captured(images), layer(images))
    torch.testing.assert_close(
        torch.autograd.grad(captured(images).sum(), images),
        torch.autograd.grad(layer(images).sum(), images),
    )


@pytest.mark.parametrize(
    ("settings", "words"),
    [({"size": 0}, "size=0"), ({"k": 0.0}, "k=0.0")],
)
def test_settings_that_mean_nothing(settings: dict, words: str) -> None:
    with pytest.raises(ModelError, match=words):
        LocalResponseNorm(**settings)


def test_a_tensor_without_places_is_refused() -> None:
    with pytest.raises(ModelError, match=r"\(N, C, \*\), not \(3, 4\)"):
        LocalResponseNorm()(torch.randn(3, 4))
