"""What a recognizer sees in a recording, and the pictures and pages that show it."""

import numpy as np
import pytest
import torch

import striate
from striate.errors import ModelError, UnknownName, UserError
from striate.recognizer import Recognizer
from striate.tasks.speech.features import spectra
from striate.tasks.speech.learning import RECIPE
from striate.tasks.speech.looking import BANDS, FRAMES, occlusion, of_states, seen, standard
from striate.tasks.speech.pictures import HIGH, WIDE, aligned, spectrogram
from striate.tasks.table import TASKS


@pytest.fixture
def network(learn):
    return learn("cnn-hmm").predictor


@pytest.fixture
def recording(heard):
    row = next(row for row in range(len(heard.dataset)) if heard.words(row))
    return heard.spectra[row]


def test_the_alignment_is_of_the_words_that_are_answered(network, recording):
    found = seen(network, recording)
    units = network.language.lexicon.units
    spoken = [units[unit] for unit, _, _ in found.segments if unit]
    ways = network.language.lexicon.pronunciations
    words = [network.language.lexicon.numbers[word] for word in found.answer.text.split()]
    assert spoken == [units[unit] for word in words for unit in ways[word][0]]
    np.testing.assert_allclose(found.posteriors.sum(1), 1, atol=1e-4)
    assert [one.begin for one in found.segments[1:]] == [one.end for one in found.segments[:-1]]
    assert found.segments[-1].end == len(recording)


def test_occlusion_is_what_computing_everything_again_gives(network, recording):
    """One patch, hidden by hand, with all frames computed anew."""
    from striate import audio

    found = occlusion(network, recording)
    plain = audio.normalized([recording])[0]
    states = torch.from_numpy(seen(network, recording).states)
    rows = torch.arange(len(plain))
    whole = of_states(network, standard(network, plain), rows, states)
    for band, part in ((0, 1), (3, 2), (7, found.lost.shape[1] - 1)):
        hidden = plain.copy()
        hidden[part * FRAMES : (part + 1) * FRAMES, band * BANDS : (band + 1) * BANDS] = 0
        changed = of_states(network, standard(network, hidden), rows, states)
        expected = np.exp(whole.mean()) - np.exp(changed.mean())
        assert found.lost[band, part] == pytest.approx(expected, abs=1e-5)
    assert found.probability == pytest.approx(np.exp(whole.mean()), abs=1e-5)


def test_a_word_depends_on_what_is_near_it(network, heard):
    row = next(row for row in range(len(heard.dataset)) if len(heard.words(row)) == 3)
    spectrum = heard.spectra[row]
    first = seen(network, spectrum).answer.words[0]
    same = [one for one in seen(network, spectrum).answer.words if one.text == first.text]
    found = occlusion(network, spectrum, first.text)
    far = [
        part
        for part in range(found.lost.shape[1])
        if all(abs(part * FRAMES * 0.01 - (one.begin + one.end) / 2) > 0.6 for one in same)
    ]
    assert np.abs(found.lost).max() > 0
    assert np.abs(found.lost[:, far]).max(initial=0) == 0


def test_what_was_not_found_cannot_be_asked_about(network, learn, recording):
    with pytest.raises(UnknownName, match="word of this recording"):
        occlusion(network, recording, "zebra")
    classic = learn("gmm-hmm").predictor
    with pytest.raises(ModelError, match="gmm-hmm has no network"):
        occlusion(classic, recording)
    assert not TASKS["speech"].explains(classic)


def test_pictures_are_as_large_as_what_they_show(network, recording):
    plane = spectrogram(recording)
    assert plane.shape == (40 * HIGH, len(recording) * WIDE)
    page = aligned(recording, seen(network, recording), network.language.lexicon.units, 0.01)
    assert page.width > plane.shape[1]
    assert page.height > plane.shape[0]


def test_explain_from_the_service_and_the_command_line(network, heard, tmp_path):
    task, path = TASKS["speech"], heard.dataset.inputs.path(0)
    found = task.explained(network, (), path.read_bytes(), None)
    assert found.map.shape == (8, -(-len(heard.spectra[0]) // FRAMES))
    assert found.pixels.shape[2] == 3
    shown = task.explanation(network, (), str(path), None, "occlusion")
    assert shown.page.shape == found.pixels.shape
    assert shown.facts["class"] == found.name
    low, high = shown.facts["bands"]
    assert high == low + BANDS - 1
    with pytest.raises(UserError, match="by occlusion alone"):
        task.explanation(network, (), str(path), None, "gradcam")


def test_the_command_writes_a_page(network, speech, tmp_path):
    from typer.testing import CliRunner

    from striate.cli import app

    Recognizer(TASKS["speech"], network, ()).save(tmp_path / "calls.safetensors")
    out = tmp_path / "why.png"
    done = CliRunner().invoke(
        app,
        ["explain", str(tmp_path / "calls.safetensors"), str(speech / "0.flac"), "--out", str(out)],
    )
    assert done.exit_code == 0, done.output
    assert out.is_file()


def test_the_report_has_the_lectures_table_and_recordings(speech, tmp_path):
    comparison = striate.compare(
        speech, methods=["gmm-hmm", "dnn-hmm"], recipe=RECIPE.but(epochs=2)
    )
    page = comparison.report(tmp_path / "report.html")
    text = (tmp_path / "report.html").read_text()
    for words in ("Word errors", "beside the traditional", "Looking inside", "the spectrogram"):
        assert words in text
    assert text.count("data:image") >= 3
    assert page is not None or (tmp_path / "report.html").is_file()


def test_a_recording_on_disk_gives_the_same_features(heard, recording):
    row = next(n for n, one in enumerate(heard.spectra) if one is recording)
    np.testing.assert_array_equal(spectra(heard.dataset.inputs.path(row)), recording)
