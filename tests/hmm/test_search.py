"""Viterbi and forward-backward beside every path there is, enumerated."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from striate.hmm import SILENCE, Builder, aligned, forward_backward, joined, viterbi


def words(seed: int, sentence: int = 2) -> "tuple":
    """Optional silence, then words of one or two pronunciations with optional silence behind."""
    random = np.random.default_rng(seed)
    build = Builder(random.uniform(0.2, 0.8, 4))
    start = build.junction()
    here = start
    after = build.junction()
    build.chain(here, after, [3], SILENCE, -1.0)
    build.arc(here, after, -0.5)
    here = after
    for word in range(sentence):
        end, after = build.junction(), build.junction()
        for number in range(random.integers(1, 3)):
            pdfs = random.integers(0, 3, random.integers(1, 3)).tolist()
            build.chain(here, end, pdfs, word, -0.1 * (number + 1))
        build.chain(end, after, [3], SILENCE, -1.2)
        build.arc(end, after, -0.3)
        here = after
    return build.network(start, here)


def every_path(network, frames):
    """(weight, states) of each way to spend `frames` frames, by walking."""
    start, final = int(network.starts[0]), int(network.finals[0])

    def from_junction(junction, weight, states):
        if len(states) == frames and junction == final:
            yield weight, states
        for (source, target), w in zip(network.arcs.tolist(), network.weights, strict=True):
            if source == junction:
                yield from from_junction(target, weight + float(w), states)
        if len(states) < frames:
            for chain, source in enumerate(network.sources.tolist()):
                if source == junction:
                    first = int(network.firsts[chain])
                    yield from inside(chain, first, weight + float(network.enters[chain]), states)

    def inside(chain, state, weight, states):
        states = (*states, state)
        if len(states) > frames:
            return
        yield from inside(chain, state, weight + float(network.stays[state]), states)
        left = weight + float(network.leaves[state])
        if state == network.lasts[chain]:
            yield from from_junction(int(network.targets[chain]), left, states)
        else:
            yield from inside(chain, state + 1, left, states)

    yield from from_junction(start, 0.0, ())


def brute(network, scores):
    """The best path, all paths' sum, and the posterior (T, S), all by enumeration."""
    found = [
        (weight + sum(scores[t, network.pdfs[state]] for t, state in enumerate(states)), states)
        for weight, states in every_path(network, len(scores))
    ]
    if not found:
        return None
    total = np.logaddexp.reduce([weight for weight, _ in found])
    gamma = np.zeros((len(scores), network.states))
    for weight, states in found:
        gamma[np.arange(len(scores)), states] += np.exp(weight - total)
    return max(found), total, gamma


@settings(max_examples=15)
@given(seed=st.integers(0, 999), frames=st.integers(1, 6))
def test_viterbi_and_forward_backward_are_enumeration(seed, frames):
    network = words(seed)
    scores = np.random.default_rng(seed + 1).normal(0, 2, (1, frames, 4))
    expected = brute(network, scores[0])
    (path,) = viterbi(network, scores, [frames])
    (states,) = aligned(network, scores, [frames])
    (posterior,) = forward_backward(network, scores, [frames])
    if expected is None:
        assert path.score == -np.inf == posterior.likelihood
        assert states is None
        assert not posterior.states.any()
        return
    (weight, best), total, gamma = expected
    assert path.score == pytest.approx(weight, abs=1e-9)
    assert tuple(states) == best
    assert path.segments[0].begin == 0
    assert path.segments[-1].end == frames
    for chain, begin, end in path.segments:
        assert states[begin] == network.firsts[chain]
        assert states[end - 1] == network.lasts[chain]
    assert posterior.likelihood == pytest.approx(total, abs=1e-9)
    np.testing.assert_allclose(posterior.states, gamma, atol=1e-9)


@given(seed=st.integers(0, 999))
@settings(max_examples=10)
def test_several_at_once_are_each_alone(seed):
    random = np.random.default_rng(seed)
    lengths = random.integers(1, 12, 3).tolist()
    scores = np.zeros((3, max(lengths), 4))
    for row, length in enumerate(lengths):
        scores[row, :length] = random.normal(0, 2, (length, 4))
    several = [words(seed + row, row + 1) for row in range(3)]
    together = joined(several)
    states = aligned(together, scores, lengths)
    posteriors = list(forward_backward(together, scores, lengths))
    shift = np.cumsum([0, *(each.states for each in several)])
    for row, (network, length) in enumerate(zip(several, lengths, strict=True)):
        own = scores[row : row + 1, :length]
        (alone,) = aligned(network, own, [length])
        if alone is None:
            assert states[row] is None
        else:
            np.testing.assert_array_equal(states[row] - shift[row], alone)
        (expected,) = forward_backward(network, own, [length])
        assert posteriors[row].likelihood == pytest.approx(expected.likelihood)
        np.testing.assert_allclose(posteriors[row].states, expected.states, atol=1e-9)
    shared = viterbi(several[0], scores, lengths)
    for row, length in enumerate(lengths):
        assert shared[row] == viterbi(several[0], scores[row : row + 1, :length], [length])[0]


def test_posteriors_of_a_frame_add_up_to_one():
    network = words(3)
    (posterior,) = forward_backward(network, np.zeros((1, 30, 4)), [30])
    np.testing.assert_allclose(posterior.states.sum(1), 1)


def test_a_beam_gives_up_what_is_far_behind():
    """Two words of one state each; the one that is right in the end begins 10 behind."""
    build = Builder(np.full(2, 0.5))
    start, end = build.junction(), build.junction()
    build.chain(start, end, [0], 0)
    build.chain(start, end, [1], 1)
    network = build.network(start, end)
    scores = np.array([[[0.0, -10.0], [-30.0, 0.0]]])
    word = lambda beam: network.labels[
        viterbi(network, scores, [2], beam=beam)[0].segments[0].chain
    ]
    assert word(None) == word(11.0) == 1
    assert word(9.0) == 0


def test_arcs_in_a_circle_are_refused():
    build = Builder(np.full(1, 0.5))
    a, b = build.junction(), build.junction()
    build.chain(a, b, [0], 0)
    build.arc(a, b)
    build.arc(b, a)
    with pytest.raises(ValueError, match="circle"):
        build.network(a, b).levels  # noqa: B018


def test_what_does_not_belong_together_is_refused():
    network = words(0)
    with pytest.raises(ValueError, match="2 recordings"):
        aligned(network, np.zeros((2, 5, 4)), [5, 5])
    with pytest.raises(ValueError, match="3 recordings"):
        viterbi(joined([network, network]), np.zeros((3, 5, 4)), [5, 5, 5])


def test_a_recording_too_short_for_its_words_has_no_path():
    network = words(1, 3)
    shortest = sum(1 for _ in itertools.islice(every_path(network, 1), 1))
    assert shortest == 0
    assert viterbi(network, np.zeros((1, 1, 4)), [1])[0] == (-np.inf, ())
