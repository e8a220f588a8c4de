"""Words one after another, beside a form that reads the whole sentence anew for each word."""

import math

import pytest
import torch
from torch import Tensor

from striate.models.word_decoder import (
    IMAGES,
    NEVER,
    Ensemble,
    State,
    WordDecoder,
    Words,
    beam,
    greedy,
    loss_of,
    sample,
)

V, F, P = 7, 5, 4
LONGEST = 6


def decoder(image: str, **options) -> WordDecoder:
    torch.manual_seed(3)
    model = WordDecoder(V, F, image=image, size=6, hidden=8, **options).double().eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter)
    return model


def features(model: WordDecoder, count: int) -> Tensor:
    shape = (count, P, F) if model.image == "attended" else (count, F)
    return torch.randn(shape, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


def plainly(model: WordDecoder, image: Tensor, words: list[int]) -> list[float]:
    """Log-probabilities of the next word, from the whole sentence, by the definition."""
    with torch.no_grad():
        logits = model(image[None], torch.tensor([[model.mark, *words]]))[0, -1]
    values = [math.exp(value) for value in logits.tolist()]
    return [math.log(value / sum(values)) if value else -math.inf for value in values]


def searched(model: WordDecoder, image: Tensor, width: int, power: float) -> list[Words]:
    """Beam search as a list of sentences, each read anew at every step, to the very end."""
    alive: list[tuple[float, list[int]]] = [(0.0, [])]
    done: list[tuple[float, float, list[int]]] = []
    for length in range(1, LONGEST + 1):
        longer = [
            (score + value, [*words, number])
            for score, words in alive
            for number, value in enumerate(plainly(model, image, words))
        ]
        longer.sort(key=lambda one: -one[0])
        done += [(score / length**power, score, words[:-1]) for score, words in longer[:width]
                 if words[-1] == model.mark]  # fmt: skip
        alive = [one for one in longer if one[1][-1] != model.mark][:width]
    if not done:
        return [Words(tuple(alive[0][1]), alive[0][0])]
    done.sort(key=lambda one: -one[0])
    return [Words(tuple(words), score) for _, score, words in done[:width]]


def same(found: Words, expected: Words) -> bool:
    return found.numbers == expected.numbers and math.isclose(
        found.score, expected.score, rel_tol=1e-5
    )


@pytest.mark.parametrize("image", IMAGES)
def test_a_step_with_kept_state_is_the_whole_sentence(image):
    model = decoder(image)
    images, words = features(model, 3), torch.tensor([[V, 1, 4], [V, 0, 2], [V, 6, 6]])
    with torch.no_grad():
        whole = model(images, words)
        state = model.begin(images)
        for place in range(3):
            logits, state = model.step(words[:, place], state)
            torch.testing.assert_close(logits, whole[:, place])
    assert (whole[..., 0] == NEVER).all()


@pytest.mark.parametrize("image", IMAGES)
def test_the_most_probable_word_again_and_again(image):
    model = decoder(image)
    images = features(model, 4)
    with torch.no_grad():
        found = greedy(model.step, model.begin(images), mark=V, longest=LONGEST)
    for row, one in zip(images, found, strict=True):
        words, score = [], 0.0
        while len(words) < LONGEST:
            values = plainly(model, row, words)
            best = max(range(len(values)), key=values.__getitem__)
            score += values[best]
            if best == V:
                break
            words.append(best)
        assert same(one, Words(tuple(words), score))


@pytest.mark.parametrize("image", IMAGES)
@pytest.mark.parametrize("power", [0.0, 0.7])
def test_a_beam_is_a_list_of_sentences(image, power):
    model = decoder(image)
    images = features(model, 5)
    with torch.no_grad():
        found = beam(model.step, model.begin(images), mark=V, longest=LONGEST, width=3, power=power)
    for row, some in zip(images, found, strict=True):
        expected = searched(model, row, 3, power)
        assert len(some) == len(expected) > 0
        assert all(map(same, some, expected))


def test_a_beam_of_one_is_greedy_and_nothing_ends_beyond_the_longest():
    model = decoder("first")
    images = features(model, 6)
    with torch.no_grad():
        first = greedy(model.step, model.begin(images), mark=V, longest=3)
        found = beam(model.step, model.begin(images), mark=V, longest=3, width=1)
    assert all(same(one[0], other) for one, other in zip(found, first, strict=True))
    assert max(len(one.numbers) for one in first) == 3


def test_draws_follow_the_probabilities():
    """A decoder without memory that gives word 1 with 0.6, word 2 with 0.1 and the end with 0.3: of
    10,000 sentences, as many are empty, and words stand in those shares."""
    logits = torch.tensor([NEVER, math.log(0.6), math.log(0.1), math.log(0.3)])
    state = State(*(torch.zeros(10_000, 1) for _ in range(3)))

    def step(words: Tensor, state: State) -> tuple[Tensor, State]:
        return logits.expand(len(words), -1), state

    generator = torch.Generator().manual_seed(0)
    found = sample(step, state, mark=3, longest=40, generator=generator)
    every = [number for one in found for number in one.numbers]
    assert sum(not one.numbers for one in found) / 10_000 == pytest.approx(0.3, abs=0.015)
    assert every.count(1) / len(every) == pytest.approx(6 / 7, abs=0.01)
    assert found[0].score == pytest.approx(
        sum({1: math.log(0.6), 2: math.log(0.1)}[n] for n in found[0].numbers) + math.log(0.3)
    )
    cold = sample(step, state, mark=3, longest=5, generator=generator, temperature=0.01)
    assert {one.numbers for one in cold} == {(1,) * 5}


def test_attention_is_a_share_of_each_place():
    model = decoder("attended")
    state = model.begin(features(model, 2))
    shares = model.attention(state)
    assert shares.shape == (2, P)
    torch.testing.assert_close(shares.sum(1), torch.ones(2, dtype=torch.float64))


@pytest.mark.parametrize("image", IMAGES)
def test_gradients(image):
    model = decoder(image, tied=image == "first")
    words = torch.tensor([[V, 1, 4], [V, 0, 2]])
    wanted = torch.tensor([[1, 4, V], [2, V, 0]])
    images = features(model, 2).requires_grad_()
    assert torch.autograd.gradcheck(lambda x: loss_of(model(x, words), wanted), (images,))


def test_unknown_words_do_not_count():
    logits = torch.zeros(1, 3, 5)
    logits[0, 1] = torch.tensor([0.0, 0, 9, 0, 0])
    alone = loss_of(logits, torch.tensor([[1, 0, 0]]))
    assert float(alone) == pytest.approx(math.log(5))


def test_an_image_is_one_of_three():
    with pytest.raises(ValueError, match="first, every, attended"):
        WordDecoder(V, F, image="last")


def test_decoders_together_give_the_mean_of_their_probabilities():
    models = []
    for seed in (3, 4):
        torch.manual_seed(seed)
        models.append(WordDecoder(V, F, image="attended", size=6, hidden=8).eval())
    both, images = Ensemble(models), features(models[0], 2).float()
    words = torch.tensor([[V, 1, 4], [V, 0, 2]])
    with torch.no_grad():
        each = torch.stack([model(images, words).softmax(2) for model in models])
        found = both.follow(both.begin(images), words)
        shares = torch.stack([model.attention(model.begin(images)) for model in models])
        torch.testing.assert_close(both.attention(both.begin(images)), shares.mean(0))
        assert len(beam(both.step, both.begin(images), mark=V, longest=3, width=2)) == 2
    torch.testing.assert_close(found.exp(), each.mean(0))
