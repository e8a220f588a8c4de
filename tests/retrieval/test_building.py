import os
import shutil

import numpy as np
import pytest
import torch
from torch import nn

from striate.errors import UnknownName, UserError
from striate.models.stages import Stages
from striate.recognizer import named
from striate.retrieval import (
    Aggregation,
    Ask,
    Describer,
    Description,
    Index,
    Searcher,
    build,
    remove,
    write_results,
)
from striate.retrieval import building as module
from striate.retrieval.describing import last_maps


@pytest.fixture
def ask(model):
    return Ask(str(model), whiten=None)


def test_a_picture_finds_itself_first(pictures, ask, tmp_path):
    folder = pictures(8)
    built = build([str(folder)], tmp_path / "one.index", ask)
    assert built.added == 8
    assert len(built.index) == 8
    assert not built.broken
    searcher = Searcher(Index(tmp_path / "one.index"))
    for name in ("even/4.png", "odd/3.png"):
        (hits,) = searcher.search([folder / name], top=3)
        assert hits.found[0].name == name
        assert len(hits.found) == 3
        assert hits.found[0].score == pytest.approx(1, abs=1e-3)
        assert hits.found[0].path == str(folder / name)


@pytest.mark.parametrize("kind", ["mean", "max", "gem", "rmac"])
def test_vectors_are_those_of_the_layers_maps(kind, pictures, model):
    describer = Describer(named(str(model)), Description(aggregation=Aggregation(kind)))
    assert describer.layer == "s4"  # the last with places; c5 has one
    prepared = [describer.prepare(path) for path in sorted(pictures(2).rglob("*.png"))]
    network, preprocessing = named(str(model)).predictor.inside()
    with torch.no_grad():
        maps = network.features(preprocessing.tensor(np.stack(prepared)))["s4"]
    expected = Aggregation(kind)(maps)
    torch.testing.assert_close(describer.vectors(prepared), expected, atol=1e-5, rtol=1e-4)


def test_whitened_where_pictures_are_many_enough(pictures, ask, tmp_path, monkeypatch):
    monkeypatch.setattr(module, "FEWEST", 16)
    folder = pictures(24)
    index = build([str(folder)], tmp_path / "a.index", Ask(ask.model)).index
    assert index.header.whitened
    assert index.header.dimensions == 3
    np.testing.assert_allclose(np.linalg.norm(index.vectors, axis=1), 1, atol=2e-3)
    built = build([str(folder / "odd")], tmp_path / "b.index", Ask(ask.model))
    assert not built.index.header.whitened
    assert "too few" in built.notes[0]


def test_the_same_vectors_however_they_come(pictures, ask, tmp_path, monkeypatch):
    """The sample first, the others in pieces, or one folder after the other."""
    folder = pictures(12)
    whole = build([str(folder)], tmp_path / "a.index", ask).index
    monkeypatch.setattr(module, "SAMPLE", 5)
    monkeypatch.setattr(module, "KEPT", 3)
    parts = build([str(folder)], tmp_path / "b.index", ask, batch_size=2).index
    build([str(folder / "odd")], tmp_path / "c.index", ask)
    build([str(folder)], tmp_path / "c.index")
    by_name = {name: row for row, name in enumerate(whole.names)}
    assert sorted(parts.names) == sorted(by_name)
    for row, name in enumerate(parts.names):
        np.testing.assert_allclose(parts.vectors[row], whole.vectors[by_name[name]], atol=2e-3)
    assert len(Index(tmp_path / "c.index")) == 12


def test_again_only_what_is_new_or_changed(pictures, ask, tmp_path):
    folder, out = pictures(6), tmp_path / "one.index"
    build([str(folder)], out, ask)
    shutil.copy(folder / "odd/1.png", folder / "odd/9.png")
    shutil.copy(folder / "odd/5.png", folder / "odd/3.png")
    os.utime(folder / "odd/3.png", ns=(1, 1))
    built = build([str(folder)], out, ask)
    assert (built.added, built.changed) == (1, 1)
    assert len(built.index) == 7
    (hits,) = Searcher(built.index).search([folder / "odd/5.png"], top=2)
    assert {hit.name for hit in hits.found} == {"odd/5.png", "odd/3.png"}
    again = build([str(folder)], out)
    assert (again.added, again.changed) == (0, 0)


def test_broken_pictures_are_named_and_the_others_go_on(pictures, ask, tmp_path):
    folder = pictures(4)
    (folder / "broken.png").write_bytes(b"no picture")
    (folder / "gone.png").symlink_to(tmp_path / "nowhere")
    named_: list[str] = []
    built = build([str(folder)], tmp_path / "one.index", ask, broken=lambda n, e: named_.append(n))
    assert len(built.index) == 4
    assert built.broken == 2
    assert sorted(map(os.path.basename, named_)) == ["broken.png", "gone.png"]
    (hits,) = Searcher(built.index).search([folder / "broken.png"])
    assert hits.error
    assert not hits.found


def test_nothing_is_left_where_nothing_can_be_read(ask, tmp_path):
    (tmp_path / "photos").mkdir()
    with pytest.raises(UserError, match="no picture"):
        build([str(tmp_path / "photos")], tmp_path / "one.index", ask)
    (tmp_path / "photos/a.png").write_bytes(b"no picture")
    with pytest.raises(UserError, match="none of 1"):
        build([str(tmp_path / "photos")], tmp_path / "one.index", ask)
    assert not (tmp_path / "one.index/index.json").exists()


def test_removed_by_name_by_path_and_where_files_are_gone(pictures, ask, tmp_path):
    folder, out = pictures(6), tmp_path / "one.index"
    build([str(folder)], out, ask)
    with pytest.raises(UnknownName):
        remove(out, ["odd/1.png", "odd/nothing.png"])
    assert len(Index(out)) == 6
    assert remove(out, ["odd/1.png", str(folder / "odd/3.png")]) == ["odd/1.png", "odd/3.png"]
    (folder / "even/0.png").unlink()
    assert remove(out, [], missing=True) == ["even/0.png"]
    assert sorted(Index(out).stamped()) == ["even/2.png", "even/4.png", "odd/5.png"]


def test_nothing_is_taken_out_where_the_whole_folder_is_missing(pictures, ask, tmp_path):
    folder, out = pictures(4), tmp_path / "one.index"
    build([str(folder)], out, ask)
    folder.rename(tmp_path / "elsewhere")
    with pytest.raises(UserError, match="disk"):
        remove(out, [], missing=True)
    assert len(Index(out)) == 4


def test_killed_before_there_was_an_index_the_same_call_begins_anew(pictures, ask, tmp_path):
    folder, out = pictures(4), tmp_path / "one.index"
    build([str(folder)], out, ask)
    (out / "index.json").unlink()  # the last file that is written
    (out / ".lock").touch()
    (out / ".index.json.x7f").touch()
    assert build([str(folder)], out, ask).added == 4
    assert len(Index(out)) == 4


def test_another_network_or_way_is_refused(pictures, ask, tmp_path, model):
    folder, out = pictures(4), tmp_path / "one.index"
    with pytest.raises(UserError, match="--model"):
        build([str(folder)], out)
    build([str(folder)], out, ask)
    with pytest.raises(UserError, match="another way"):
        build([str(folder)], out, Ask(ask.model, Description(size=20)))
    other = named(str(model))
    other.with_provenance(seed=7).save(tmp_path / "other.safetensors")
    with pytest.raises(UserError, match="was made with"):
        build([str(folder)], out, Ask(str(tmp_path / "other.safetensors"), whiten=None))
    shutil.move(model, tmp_path / "moved.safetensors")
    Searcher(Index(out), model=str(tmp_path / "moved.safetensors"))
    other.with_provenance(seed=7).save(model)
    with pytest.raises(UserError, match="has changed"):
        Searcher(Index(out))
    (tmp_path / "full").mkdir()
    (tmp_path / "full/file").touch()
    with pytest.raises(UserError, match="is not an index"):
        build([str(folder)], tmp_path / "full", Ask(str(tmp_path / "moved.safetensors")))


def test_layers_that_are_not_there_are_refused(model):
    with pytest.raises(UnknownName):
        Describer(named(str(model)), Description(layer="stage9"))


def test_the_last_maps_are_found_also_where_what_follows_them_does_not_fit():
    blank = torch.zeros(1, 3, 64, 64)
    stages = {"one": nn.Conv2d(3, 4, 3), "adapt": nn.AdaptiveAvgPool2d(7), "flatten": nn.Flatten(),
              "fc6": nn.Linear(9, 9), "fc7": nn.Linear(9, 2)}  # fmt: skip
    assert last_maps(Stages(stages, channels=3), blank) == "one"
    plain = nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 2)
    )
    assert last_maps(plain, blank) == "0"
    plain[3] = nn.Linear(5, 2)
    assert last_maps(plain, blank) == "0"
    assert last_maps(nn.Sequential(nn.Flatten(), nn.Linear(3 * 64 * 64, 2)), blank) is None


def test_the_page_has_pictures_and_escapes_names(pictures, ask, tmp_path):
    folder = pictures(3)
    (folder / "odd/1.png").rename(folder / "odd/<b>1.png")
    index = build([str(folder)], tmp_path / "one.index", ask).index
    found = list(Searcher(index).search([folder / "even/0.png", tmp_path / "none.png"]))
    (folder / "even/2.png").unlink()
    page = write_results(index, found, tmp_path / "page.html").read_text()
    assert page.count("data:image") == 3
    assert "&lt;b&gt;1.png" in page
    assert "<b>1.png" not in page
    assert "its file is gone" in page
    assert "none.png" in page
