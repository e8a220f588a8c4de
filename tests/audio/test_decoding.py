"""Recordings are read as they are, and whatever is wrong with one is a short reason."""

import io
import struct

import numpy as np
import pytest
import soundfile

from striate import audio
from striate.audio import decoding
from striate.errors import AudioError


def tone(seconds: float = 0.5, rate: int = 16_000, hertz: float = 440) -> np.ndarray:
    return (0.5 * np.sin(2 * np.pi * hertz * np.arange(int(seconds * rate)) / rate)).astype("f4")


def encoded(samples: np.ndarray, rate: int = 16_000, form: str = "WAV", **more) -> bytes:
    stream = io.BytesIO()
    soundfile.write(stream, samples, rate, format=form, **more)
    return stream.getvalue()


def wav(rate: int = 16_000, channels: int = 1, data: bytes = b"", claimed: int | None = None):
    """A RIFF file by hand, whose header may claim anything."""
    size = len(data) if claimed is None else claimed
    return (
        b"RIFF" + struct.pack("<I", 36 + size) + b"WAVEfmt "
        + struct.pack("<IHHIIHH", 16, 1, channels, rate, 2 * rate * channels & 0xFFFFFFFF,
                      2 * channels, 16)
        + b"data" + struct.pack("<I", size) + data
    )  # fmt: skip


def test_the_bytes_of_a_wav_are_its_samples():
    values = np.array([0, 16384, -32768, 32767], "<i2")
    found = audio.decode(wav(data=values.tobytes()))
    np.testing.assert_array_equal(found, values / np.float32(32768))
    assert found.dtype == np.float32


@pytest.mark.parametrize(
    ("form", "more", "close"),
    [("WAV", {}, 1e-4), ("FLAC", {}, 1e-4), ("OGG", {}, 0.05), ("MP3", {}, 0.05),
     ("OGG", {"subtype": "OPUS"}, 0.05)],
)  # fmt: skip
def test_each_form_is_read(form, more, close):
    some = tone()
    found = audio.decode(encoded(some, form=form, **more))
    assert abs(len(found) - len(some)) < 2000
    middle = slice(3000, 5000)
    assert abs(np.abs(found[middle]).max() - 0.5) < close


def test_channels_are_averaged_and_rates_brought_together(tmp_path):
    left, right = tone(rate=8000), -0.5 * tone(rate=8000)
    (tmp_path / "two.wav").write_bytes(encoded(np.stack([left, right], 1), 8000))
    found = audio.read(tmp_path / "two.wav")
    assert len(found) == 2 * len(left)
    np.testing.assert_allclose(found[500:-500], 0.25 * tone()[500:-500], atol=2e-3)


def test_what_a_lower_rate_cannot_hold_is_filtered_out():
    high = decoding.resampled(tone(hertz=7000), 16_000, 8_000)
    assert np.abs(high[200:-200]).max() < 0.01


@pytest.mark.parametrize(
    ("data", "why"),
    [
        (b"", "is an empty file"),
        (wav(), "holds no sound: 0 seconds"),
        (b"hello " * 50, "cannot be read as WAV, FLAC, Ogg or MP3"),
        (wav(rate=0, data=bytes(100)), "cannot be read as WAV, FLAC, Ogg or MP3"),
        (wav(rate=3_000_000, data=bytes(100)), "its header claims 3,000,000 samples a second"),
        (wav(rate=100, data=bytes(100)), "its header claims 100 samples a second"),
        (wav(channels=17, data=bytes(340)), "its header claims 17 channels"),
        (wav(rate=4000, data=bytes(2 * 4000 * 601)), "is 601 s long; 600 s are read at most"),
    ],
)
def test_bad_recordings_have_one_clear_reason(data, why):
    with pytest.raises(AudioError) as caught:
        audio.decode(data)
    assert why in str(caught.value)
    assert "\n" not in str(caught.value)


def test_ten_thousand_seconds_are_refused_by_the_header_alone(monkeypatch):
    """FLAC holds silence in next to no bytes; not one block of it is decoded."""
    data = encoded(np.zeros(4000 * 10_000, np.int16), 4000, "FLAC")
    monkeypatch.setattr(decoding, "_samples", lambda *_: pytest.fail("samples were decoded"))
    with pytest.raises(AudioError, match="is 10,000 s long; 600 s are read at most"):
        audio.decode(data)


def test_a_length_that_the_header_does_not_tell_is_still_limited(monkeypatch):
    data = bytearray(encoded(np.zeros(4000 * 20, np.int16), 4000, "FLAC"))
    data[8 + 13] &= 0xF0  # STREAMINFO: 36 bits of total samples, 0 is unknown
    data[8 + 14 : 8 + 18] = bytes(4)
    monkeypatch.setattr(decoding, "MAX_SECONDS", 10.0)
    monkeypatch.setattr(decoding, "BLOCK", 4096)
    with pytest.raises(AudioError):
        audio.decode(bytes(data))


def test_a_file_that_ends_early_says_so():
    whole = encoded(np.random.default_rng(0).normal(0, 0.1, 64_000), form="FLAC")
    with pytest.raises(AudioError, match=r"is cut off|is damaged after"):
        audio.decode(whole[: len(whole) // 2])


@pytest.mark.parametrize("form", ["WAV", "AIFF", "AU"])
def test_what_libsndfile_cuts_short_in_silence_is_named(form):
    whole = encoded(tone(2.0), form=form)
    assert len(audio.decode(whole)) == 32_000
    with pytest.raises(AudioError, match=r"is cut off: 0\.\d of the 2\.0 s that its header claims"):
        audio.decode(whole[: len(whole) // 3])


def test_a_header_that_was_written_into_a_pipe_claims_nothing():
    some = np.ones(800, "<i2").tobytes()
    assert len(audio.decode(wav(data=some, claimed=0xFFFFFFFF - 36))) == 800
    assert len(audio.decode(wav(data=some, claimed=1602))) == 800  # a byte of padding


def test_numbers_that_are_not_finite_are_refused():
    broken = tone()
    broken[5] = np.nan
    with pytest.raises(AudioError, match="not finite"):
        audio.decode(encoded(broken, subtype="FLOAT"))


def test_files_that_are_not_there(tmp_path):
    with pytest.raises(AudioError, match="No such file"):
        audio.read(tmp_path / "absent.wav")
    with pytest.raises(AudioError, match="is a folder"):
        audio.read(tmp_path)


def test_the_header_tells_length_without_samples():
    assert audio.header(encoded(np.zeros((800, 2)), 8000)) == (8000, 2, 800)
    assert audio.header(encoded(np.zeros(800), 8000)).seconds == 0.1
