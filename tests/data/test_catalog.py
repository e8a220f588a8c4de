"""The catalog: looked for here first, fetched with a checksum, and clear without a network."""

import gzip
import hashlib
import http.server
import threading
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from striate import progress
from striate.data import catalog
from striate.data.catalog import CATALOG, fetch, here, open_named
from striate.errors import DataError, UnknownName


def idx_files(folder: Path, count: int = 40) -> Path:
    """Two small pairs under the names of MNIST's files."""
    folder.mkdir(parents=True, exist_ok=True)
    for prefix in ("train", "t10k"):
        for kind, shape in (("images-idx3", (count, 2, 2)), ("labels-idx1", (count,))):
            array = (np.arange(np.prod(shape)) % 10).astype(np.uint8)
            header = bytes((0, 0, 8, len(shape))) + np.array(shape, ">u4").tobytes()
            data = gzip.compress(header + array.tobytes(), mtime=0)
            (folder / f"{prefix}-{kind}-ubyte.gz").write_bytes(data)
    return folder


@pytest.fixture(autouse=True)
def _nothing_here(monkeypatch, tmp_path):
    monkeypatch.delenv("STRIATE_DATA", raising=False)
    monkeypatch.setattr(catalog, "_system", lambda entry: [])


def test_digits_need_no_network(monkeypatch):
    import pooch

    monkeypatch.setattr(pooch, "retrieve", lambda *_, **__: pytest.fail("went to the network"))
    data = open_named("digits", seed=0)
    assert len(data) == CATALOG["digits"].images == 1797
    assert data.classes == tuple("0123456789")
    assert data.drawn == {"test", "validation"}
    assert data.inputs[0].shape == (8, 8, 3)
    assert data.inputs[0].max() == 15 * 255 // 16  # its darkest stroke is 15 of 16
    assert data.targets.numbers[:5].tolist() == [0, 1, 2, 3, 4]
    assert data.inputs.name(17) == "digits/17"


@pytest.mark.parametrize("place", ["mnist", "mnist/raw"])
def test_the_local_folder_has_precedence(monkeypatch, tmp_path, place):
    idx_files(tmp_path / place)
    monkeypatch.setenv("STRIATE_DATA", str(tmp_path))
    assert here("mnist") == tmp_path / place
    data = open_named("mnist", seed=0)
    assert (data.name, len(data), data.classes) == ("mnist", 80, tuple("0123456789"))


def test_the_local_folder_may_be_the_set_itself(monkeypatch, tmp_path):
    idx_files(tmp_path / "fashion-mnist")
    monkeypatch.setenv("STRIATE_DATA", str(tmp_path / "fashion-mnist"))
    assert open_named("fashion-mnist", seed=0).classes[9] == "Ankle boot"
    assert here("mnist") is None


def test_a_set_of_the_system_is_found(monkeypatch, tmp_path):
    folder = idx_files(tmp_path / "share")
    monkeypatch.setattr(catalog, "_system", lambda entry: [folder])
    assert here("fashion-mnist") == folder
    assert CATALOG["fashion-mnist"].places == ("/usr/share/datasets/fashion-mnist",)


def test_incomplete_sets_are_not_here(monkeypatch, tmp_path):
    idx_files(tmp_path / "mnist")
    for path in (tmp_path / "mnist").glob("t10k*"):
        path.unlink()
    monkeypatch.setenv("STRIATE_DATA", str(tmp_path))
    assert here("mnist") is None
    assert here("cifar10") is None


def test_without_network_it_says_where_to_put_the_files(monkeypatch):
    import pooch

    def refuse(*_, **__):
        raise ConnectionError("no route\nto host")

    monkeypatch.setattr(pooch, "retrieve", refuse)
    with pytest.raises(DataError) as caught:
        open_named("cifar10", seed=0)
    assert str(caught.value) == (
        "cifar10 is not on this machine and cannot be fetched (ConnectionError: no route "
        "to host); put cifar-10-binary.tar.gz in a folder cifar10/ and set STRIATE_DATA to the "
        "folder around it"
    )


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        return None


@pytest.fixture
def served(monkeypatch, tmp_path):
    """MNIST's entry, its address a server on this machine with small files."""
    folder = idx_files(tmp_path / "served")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=folder))
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    sums = {path.name: hashlib.md5(path.read_bytes()).hexdigest() for path in folder.iterdir()}
    entry = replace(
        CATALOG["mnist"],
        address=f"http://127.0.0.1:{server.server_port}/",
        files=tuple((name, sums[name]) for name, _ in CATALOG["mnist"].files),
    )
    monkeypatch.setitem(CATALOG, "mnist", entry)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield folder
    server.shutdown()
    server.server_close()
    thread.join()


def test_fetching_checks_and_keeps_what_came(served):
    stages = []

    class Listener:
        @contextmanager
        def stage(self, name, total):
            stages.append(name)
            yield progress.Silent()

    with progress.reporting(Listener()):
        data = open_named("mnist", seed=0)
    assert len(data) == 80
    assert stages == [f"fetch {name}" for name, _ in CATALOG["mnist"].files]
    for path in served.iterdir():
        path.unlink()
    assert len(open_named("mnist", seed=0)) == 80  # from the cache


def test_a_wrong_checksum_is_refused(served):
    (served / "t10k-labels-idx1-ubyte.gz").write_bytes(b"something else")
    with pytest.raises(DataError, match="cannot be fetched"):
        fetch("mnist")


def test_unknown_names_carry_the_closest():
    with pytest.raises(UnknownName, match="did you mean mnist"):
        open_named("minst", seed=0)


def test_every_entry_says_what_it_is():
    for name, entry in CATALOG.items():
        assert entry.title, name
        assert entry.licence, name
        assert entry.source, name
        assert len(entry.classes) == 10
        assert bool(entry.files) == bool(entry.address) == (entry.form != "sklearn")
        assert all(len(checksum) == 32 for _, checksum in entry.files)


def test_mnist_from_the_shared_folder(shared, monkeypatch):
    monkeypatch.setenv("STRIATE_DATA", str(shared("data")))
    assert len(open_named("mnist", seed=0)) == CATALOG["mnist"].images
    assert open_named("cifar10", seed=0).classes == CATALOG["cifar10"].classes
