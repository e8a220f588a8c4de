"""Acoustic features beside their formulas, written out slowly in double precision."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.signal import get_window, stft

from striate.audio import Filters, deltas, frames, log_mel, mel_filters, mfcc, normalized
from striate.errors import AudioError

SMALL = Filters(rate=1000, window=25, step=10, bands=5, low=20, high=480, energy=True)


def noise(samples: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.1, samples).astype(np.float32)


def slow_log_mel(samples: np.ndarray, filters: Filters) -> np.ndarray:
    """Every sum as the formulas have it."""
    x = samples.astype(np.float64)
    x = np.concatenate([x[:1], x[1:] - filters.emphasis * x[:-1]])
    rows = []
    for start in range(0, len(x) - filters.window + 1, filters.step):
        window = x[start : start + filters.window]
        taper = [0.5 - 0.5 * math.cos(2 * math.pi * n / filters.window) for n in range(len(window))]
        power = []
        for k in range(filters.points // 2 + 1):
            turn = [2 * math.pi * k * n / filters.points for n in range(len(window))]
            real = sum(v * t * math.cos(a) for v, t, a in zip(window, taper, turn, strict=True))
            imaginary = sum(
                v * t * math.sin(a) for v, t, a in zip(window, taper, turn, strict=True)
            )
            power.append(real**2 + imaginary**2)
        row = []
        mel = lambda hertz: 1127 * math.log(1 + hertz / 700)
        width = (mel(filters.high) - mel(filters.low)) / (filters.bands + 1)
        for band in range(filters.bands):
            middle = mel(filters.low) + (band + 1) * width
            total = 0.0
            for k, each in enumerate(power):
                here = mel(k * filters.rate / filters.points)
                total += max(0.0, 1 - abs(here - middle) / width) * each
            row.append(math.log(max(total, 1e-10)))
        if filters.energy:
            row.append(math.log(max(float((window**2).sum()), 1e-10)))
        rows.append(row)
    return np.array(rows)


@given(samples=st.integers(25, 90), seed=st.integers(0, 99))
def test_log_mel_is_the_formula(samples, seed):
    some = noise(samples, seed)
    found = log_mel([some], SMALL)[0]
    assert found.shape == (frames(samples, SMALL), 6)
    np.testing.assert_allclose(found, slow_log_mel(some, SMALL), rtol=1e-4, atol=1e-3)


def test_a_batch_is_each_alone():
    several = [noise(500), noise(30, 1), noise(11_000, 2)]
    together = log_mel(several, SMALL)
    for one, alone in zip(together, several, strict=True):
        np.testing.assert_array_equal(one, log_mel([alone], SMALL)[0])


def test_a_tone_sounds_in_its_band():
    """1,000 Hz is 1000 mel; of 40 bands from 20 to 7,600 Hz one has its middle nearest to that."""
    tone = np.sin(2 * np.pi * 1000 * np.arange(16_000) / 16_000).astype(np.float32)
    filters = Filters()
    mel = [1127 * math.log(1 + hertz / 700) for hertz in (20, 1000, 7600)]
    band = round((mel[1] - mel[0]) / (mel[2] - mel[0]) * 41) - 1
    assert set(log_mel([tone], filters)[0].argmax(1)) == {band}


def test_silence_is_finite_and_the_bands_cover_every_frequency_once():
    assert np.isfinite(log_mel([np.zeros(400, np.float32)], Filters())[0]).all()
    sums = mel_filters(SMALL).sum(1)
    hertz = np.arange(17) * 1000 / 32
    mel = 1127 * np.log1p(hertz / 700)
    edges = np.linspace(1127 * np.log1p(20 / 700), 1127 * np.log1p(480 / 700), 7)
    inside = (mel >= edges[1]) & (mel <= edges[-2])
    assert inside.sum() > 3
    np.testing.assert_allclose(sums[inside], 1, atol=1e-6)


def test_what_is_shorter_than_a_window_says_so():
    with pytest.raises(AudioError, match=r"is 24 ms long, shorter than one window of 25 ms"):
        log_mel([noise(100), noise(24)], SMALL)


def test_cepstra_are_the_cosine_transform():
    spectra = noise(4 * 6).reshape(4, 6)
    found = mfcc([spectra[:1], spectra[1:]], 3)
    assert [one.shape for one in found] == [(1, 3), (3, 3)]
    for t, row in enumerate(np.concatenate(found)):
        for k in range(3):
            weight = math.sqrt((1 if k == 0 else 2) / 6)
            expected = weight * sum(
                spectra[t, n] * math.cos(math.pi * k * (n + 0.5) / 6) for n in range(6)
            )
            assert row[k] == pytest.approx(expected, abs=1e-6)


def test_differences_of_a_line_are_its_slope_and_of_that_nothing():
    line = np.outer(np.arange(20), [3.0, -1.0]).astype(np.float32)
    found = deltas([line])[0]
    np.testing.assert_allclose(found[2:-2, 2:4], np.tile([3.0, -1.0], (16, 1)), atol=1e-5)
    np.testing.assert_allclose(found[4:-4, 4:], 0, atol=1e-5)


@given(length=st.integers(1, 12), seed=st.integers(0, 99))
def test_differences_are_the_regression_slope(length, seed):
    some = noise(length, seed)[:, None]
    found = deltas([some], 1)[0][:, 1]
    value = lambda t: some[min(max(t, 0), length - 1), 0]
    for t in range(length):
        window = [value(t + k) for k in range(-2, 3)]
        slope = np.polyfit(range(-2, 3), np.array(window, np.float64), 1)[0]
        assert found[t] == pytest.approx(slope, abs=1e-6)


def test_normalized_by_recording_and_by_speaker():
    some = [noise(50, seed)[:, None] * (seed + 1) + seed for seed in range(3)]
    alone = normalized(some)
    for one in alone:
        np.testing.assert_allclose([one.mean(), one.std()], [0, 1], atol=1e-5)
    shared = normalized(some, [7, 8, 7])
    both = np.concatenate([shared[0], shared[2]])
    np.testing.assert_allclose([both.mean(), both.std()], [0, 1], atol=1e-5)
    assert abs(shared[0].mean()) > 0.1
    np.testing.assert_array_equal(shared[1], alone[1])
    assert not normalized([np.ones((4, 2), np.float32)])[0].any()  # no division by nothing


def test_keras_and_scipy_agree(monkeypatch):
    """Filters by Keras, whose triangles are straight over mel as ours are; spectra by SciPy."""
    monkeypatch.setenv("KERAS_BACKEND", "torch")
    layer = pytest.importorskip("keras.layers").MelSpectrogram()
    filters = np.asarray(layer.linear_to_mel_weight_matrix(40, 257, 16_000, 20.0, 7600.0))
    some, window = noise(4000), get_window("hann", 400)
    spectra = stft(
        some, window=window, nperseg=400, noverlap=240, nfft=512, boundary=None, padded=False
    )[2]  # divided by the sum of the window
    power = np.abs(spectra.T * window.sum()) ** 2
    ours = log_mel([some], Filters(emphasis=0.0))[0]
    assert ours.shape == (23, 40)
    np.testing.assert_allclose(ours, np.log(power @ filters), atol=1e-4)
