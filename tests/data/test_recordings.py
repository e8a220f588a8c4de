"""Recordings with transcripts, in each form in which people have them."""

import numpy as np
import pytest
import soundfile

from striate.data import READERS
from striate.data import open as open_any
from striate.data.recording_lists import (
    is_kaldi,
    is_recording_folder,
    is_recording_list,
    is_recording_lists,
    open_kaldi,
    open_recording_folder,
    open_recording_lists,
)
from striate.data.recordings import read_recordings
from striate.data.text_folders import is_text_folder
from striate.errors import AudioError, DataError
from striate.tasks.table import TASKS

WORDS = ("YES", "NO", "YES NO", "NO NO", "YES YES")
DICTIONARY = "YES Y EH S\nNO N OW\nMAYBE M EY B IY\n"


def sound(path, seconds=0.1):
    path.parent.mkdir(parents=True, exist_ok=True)
    samples = np.random.default_rng(0).normal(0, 0.1, int(16_000 * seconds))
    soundfile.write(path, samples, 16_000)


@pytest.fixture
def table(tmp_path):
    """Ten recordings of five speakers, and one table."""
    lines = ["file\tspeaker\tseconds\twords"]
    for number in range(10):
        name = f"wavs/{number}.wav"
        sound(tmp_path / name)
        lines.append(f"{name}\tspeaker {number // 2}\t0.1\t{WORDS[number % 5]}")
    (tmp_path / "list.tsv").write_text("\n".join(lines) + "\n")
    (tmp_path / "words.dic").write_text(DICTIONARY)
    return tmp_path


def test_a_table_with_a_dictionary(table):
    assert is_recording_list(table / "list.tsv")
    assert is_recording_lists(table)
    data = open_recording_lists(table / "list.tsv", seed=0)
    assert data.thing == "recording"
    assert data.targets.kind == "transcripts"
    assert data.targets.sentences[2] == "YES NO"
    assert data.targets.lexicon.words == ("MAYBE", "NO", "YES")
    assert len(data.inputs[0]) == 1600
    assert data.fingerprint() == open_recording_lists(table, seed=3).fingerprint()


def test_speakers_stay_together_in_splits_that_are_drawn(table):
    for seed in range(5):
        data = open_recording_lists(table, seed=seed)
        assert set(data.split.tolist()) == {0, 1, 2}
        sides = {}
        for speaker, split in zip(data.targets.speakers, data.split.tolist(), strict=True):
            sides.setdefault(speaker, set()).add(split)
        assert all(len(each) == 1 for each in sides.values())


def test_parts_by_their_names_and_the_part_beside(table):
    lines = (table / "list.tsv").read_text().splitlines()
    (table / "list.tsv").unlink()
    (table / "train.tsv").write_text("\n".join(lines[:9]) + "\n")
    (table / "test.tsv").write_text("\n".join([lines[0], *lines[9:]]) + "\n")
    for place in (table, table / "train.tsv"):
        data = open_recording_lists(place, seed=0)
        assert (data.split == 2).sum() == 2
        assert data.drawn == {"validation"}
    alone = open_recording_lists(table / "test.tsv", seed=0)
    assert alone.split.tolist() == [2, 2]


def test_words_that_the_dictionary_lacks_are_named_counted_and_left_out(table):
    text = (table / "list.tsv").read_text().replace("NO NO", "NO PERHAPS")
    (table / "list.tsv").write_text(text)
    data = open_recording_lists(table, seed=0)
    assert len(data) == 8
    assert {each.reason for each in data.left_out} == {"the dictionary lacks 'PERHAPS'"}
    assert any("lacks 1 words (2 times): 'PERHAPS'" in note for note in data.notes)


def test_without_a_dictionary_words_are_spelled(table):
    (table / "words.dic").unlink()
    data = open_recording_lists(table, seed=0).learnable("here")
    assert data.targets.lexicon.units == ("SIL", "E", "N", "O", "S", "Y")
    assert "there is no dictionary: words are spelled letter by letter" in data.notes


def test_case_is_that_of_the_dictionary(table):
    text = (table / "list.tsv").read_text()
    (table / "list.tsv").write_text(text.replace("YES", "yes"))
    assert "YES NO" in open_recording_lists(table, seed=0).targets.sentences


def test_kaldi(tmp_path):
    for split in ("train", "test"):
        folder = tmp_path / split
        sound(folder / "a.wav")
        sound(tmp_path / "b.wav")
        (folder / "wav.scp").write_text("u1 a.wav\nu2 b.wav\nu3 sox x.wav |\n")
        (folder / "text").write_text("u1 yes\nu2 no yes\nu3 no\n")
        (folder / "utt2spk").write_text("u1 ann\nu2 bob\n")
    (tmp_path / "lexicon.txt").write_text("<sil> SIL\nyes y eh s\nno n ow\n")
    assert is_kaldi(tmp_path)
    data = open_kaldi(tmp_path, seed=0)
    test = data.test
    assert test.targets.sentences == ("yes", "no yes")
    assert test.targets.speakers == ("ann", "bob")
    assert [test.inputs.name(row) for row in range(2)] == ["u1", "u2"]
    assert len(test.inputs[1]) == 1600
    assert {each.reason for each in data.left_out} == {
        "is a command, not a file; write its output to a file"
    }


def test_parts_of_recordings_are_refused(tmp_path):
    sound(tmp_path / "a.wav")
    for name, text in (("wav.scp", "u a.wav\n"), ("text", "u yes\n"), ("segments", "u a 0 1\n")):
        (tmp_path / name).write_text(text)
    with pytest.raises(DataError, match="parts of recordings are not read"):
        open_kaldi(tmp_path, seed=0)


def test_a_text_beside_each_recording(tmp_path):
    for speaker in ("ann", "bob", "cleo"):
        for number in range(3):
            sound(tmp_path / speaker / f"{number}.flac")
            (tmp_path / speaker / f"{number}.txt").write_text(f"{WORDS[number]}\n")
    sound(tmp_path / "ann" / "silent.flac")
    assert is_recording_folder(tmp_path)
    assert not is_text_folder(tmp_path)
    data = open_recording_folder(tmp_path, seed=0)
    assert len(data) == 9
    assert set(data.targets.speakers) == {"ann", "bob", "cleo"}
    assert [(each.name, each.reason) for each in data.left_out] == [
        ("ann/silent.flac", "has no words")
    ]


def test_other_tables_and_folders_are_not_taken(tmp_path):
    (tmp_path / "texts.tsv").write_text("label\ttext\n1\tgood\n")
    (tmp_path / "pictures.csv").write_text("file,text\na.png,cat\n")
    (tmp_path / "empty.tsv").write_text("")
    for name in ("texts.tsv", "pictures.csv", "empty.tsv"):
        assert not is_recording_list(tmp_path / name)
    for ask in (is_recording_lists, is_kaldi, is_recording_folder):
        assert not ask(tmp_path)


def test_bad_lines_and_files_are_named(table):
    (table / "list.tsv").write_text("file\twords\nwavs/0.wav\tYES\n\tNO\n")
    with pytest.raises(DataError, match=r"list.tsv, line 3: names no recording"):
        open_recording_lists(table, seed=0)
    (table / "list.tsv").write_text("file\twords\nwavs/0.wav\t\n")
    with pytest.raises(DataError, match="no recording with words; of 1, the first has no words"):
        open_recording_lists(table, seed=0)
    (table / "words.dic").write_text("YES\n")
    with pytest.raises(DataError, match=r"words.dic: line 1: 'YES' has no phones"):
        open_recording_lists(table, seed=0)


def test_recordings_are_found_where_they_lie_now(table):
    """Tables are made on other machines, and some name files as if they lay elsewhere."""
    text = (table / "list.tsv").read_text()
    text = text.replace("wavs/0.wav", "D:\\old\\wavs\\0.wav").replace("wavs/1.wav", "wavs\\1.wav")
    (table / "list.tsv").write_text(text.replace("wavs/2.wav", "2.wav"))
    data = open_recording_lists(table, seed=0)
    assert {data.inputs.name(row) for row in range(10)} == {f"wavs/{k}.wav" for k in range(10)}


def test_recordings_without_words_are_told_what_is_missing(tmp_path):
    sound(tmp_path / "ann" / "a.wav")
    with pytest.raises(DataError, match=r"no recording with words.* expected a table"):
        open_any(tmp_path, readers=[*READERS, *TASKS["speech"].readers])


def test_silence_is_left_out_and_named(table):
    soundfile.write(table / "wavs" / "3.wav", np.zeros(1600), 16_000)
    data = read_recordings(open_recording_lists(table, seed=0)).dataset
    assert [(each.name, each.reason[:9]) for each in data.left_out] == [("wavs/3.wav", "is silent")]


def test_an_absent_recording_is_named_when_it_is_read(table):
    (table / "wavs" / "0.wav").unlink()
    data = open_recording_lists(table, seed=0)
    row = [data.inputs.name(n) for n in range(len(data))].index("wavs/0.wav")
    with pytest.raises(AudioError, match="No such file"):
        data.inputs[row]


def test_what_a_check_tells(table):
    data = open_recording_lists(table, seed=0)
    facts = data.targets.facts(data.split)
    assert facts.faults == ()
    assert facts.values == {"words": 16, "different_words": 2, "speakers": 5}
    mixed = data.split.copy()
    mixed[:] = np.arange(10) % 3
    assert "speakers in several splits" in data.targets.facts(mixed).faults[0]
