"""CIFAR-10 in the two forms that are read, and the one that is refused."""

import io
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from striate.data.cifar import CLASSES, RECORD, is_cifar, open_cifar
from striate.errors import DataError


def batch(count: int, seed: int = 0) -> tuple[bytes, np.ndarray, np.ndarray]:
    """Records of `count` pictures, with their pixels and labels."""
    random = np.random.default_rng(seed)
    pixels = random.integers(0, 256, (count, 32, 32, 3), dtype=np.uint8)
    labels = (np.arange(count) % 10).astype(np.uint8)
    records = b"".join(
        bytes([label]) + image[..., 0].tobytes() + image[..., 1].tobytes() + image[..., 2].tobytes()
        for label, image in zip(labels, pixels, strict=True)
    )
    return records, pixels, labels


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "data_batch_1.bin").write_bytes(batch(50)[0])
    (tmp_path / "data_batch_2.bin").write_bytes(batch(50, seed=1)[0])
    (tmp_path / "test_batch.bin").write_bytes(batch(20, seed=2)[0])
    return tmp_path


def test_the_binary_version(folder: Path):
    assert is_cifar(folder)
    data = open_cifar(folder, seed=0)
    assert data.classes == CLASSES
    assert data.drawn == {"validation"}
    assert data.counts().sum(0).tolist() == [80, 20, 20]
    names = [data.inputs.name(row) for row in range(120)]
    _, pixels, labels = batch(50, seed=1)
    row = names.index("train/57")
    np.testing.assert_array_equal(data.inputs[row], pixels[7])
    assert data.targets.numbers[row] == labels[7]
    np.testing.assert_array_equal(data.inputs[names.index("test/3")], batch(20, seed=2)[1][3])


def test_the_archive_is_read_in_place(folder: Path, tmp_path: Path):
    archive = tmp_path / "cifar-10-binary.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        for path in sorted(folder.glob("*.bin"), reverse=True):
            tar.add(path, f"cifar-10-batches-bin/{path.name}")
    before = set(tmp_path.iterdir())
    assert open_cifar(archive, seed=0).fingerprint() == open_cifar(folder, seed=0).fingerprint()
    assert set(tmp_path.iterdir()) == before


class Trap:
    def __reduce__(self):
        return pytest.fail, ("a pickle was read",)


def test_pickles_are_refused_unread(tmp_path: Path):
    trap = pickle.dumps(Trap())
    (tmp_path / "data_batch_1").write_bytes(trap)
    assert is_cifar(tmp_path)
    archive = tmp_path / "cifar.tar.gz"
    with tarfile.open(archive, "w:gz") as tar:
        member = tarfile.TarInfo("cifar-10-batches-py/data_batch_1")
        member.size = len(trap)
        tar.addfile(member, io.BytesIO(trap))
    for path in (tmp_path, archive):
        with pytest.raises(DataError, match="a pickle, which may run any code; take the binary"):
            open_cifar(path, seed=0)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "0 bytes are no whole number of 3073-byte records"),
        (bytes(RECORD - 1), "3,072 bytes are no whole number"),
        (b"\x0a" + bytes(RECORD - 1), "label 10, but CIFAR-10 has 10 classes"),
        (bytes(10_001 * RECORD), "more than the limit of 30,730,000"),
    ],
)
def test_broken_batches(folder: Path, data: bytes, words: str):
    (folder / "data_batch_2.bin").write_bytes(data)
    with pytest.raises(DataError) as caught:
        open_cifar(folder, seed=0)
    assert words in str(caught.value)


def test_a_broken_archive(tmp_path: Path):
    archive = tmp_path / "cifar-10-binary.tar.gz"
    archive.write_bytes(b"\x1f\x8b no archive")
    with pytest.raises(DataError, match="cannot be read"):
        open_cifar(archive, seed=0)


def mosaic(path: Path, count: int, seed: int) -> np.ndarray:
    pixels = batch(count, seed)[1]
    rows = pixels.reshape(count // 50, 50, 32, 32, 3).swapaxes(1, 2).reshape(-1, 1600, 3)
    Image.fromarray(rows).save(path, "WEBP", lossless=True, exact=True)
    return pixels


def test_mosaics(tmp_path: Path):
    first = mosaic(tmp_path / "train100_0_cat.webp", 100, 0)
    mosaic(tmp_path / "train100_1_dog.webp", 100, 1)
    last = mosaic(tmp_path / "test_1_dog.webp", 50, 2)
    data = open_cifar(tmp_path, seed=0)
    assert data.classes == ("cat", "dog")
    assert data.counts().tolist() == [[80, 20, 0], [80, 20, 50]]
    names = [data.inputs.name(row) for row in range(250)]
    np.testing.assert_array_equal(data.inputs[names.index("train/63")], first[63])
    np.testing.assert_array_equal(data.inputs[names.index("test/7")], last[7])


def test_mosaics_of_other_sizes_or_names(tmp_path: Path):
    mosaic(tmp_path / "train50_0_cat.webp", 50, 0)
    mosaic(tmp_path / "test_0_dog.webp", 50, 0)
    with pytest.raises(DataError, match="class 0 is called"):
        open_cifar(tmp_path, seed=0)
    Image.new("RGB", (32, 32)).save(tmp_path / "test_0_cat.webp")
    (tmp_path / "test_0_dog.webp").unlink()
    with pytest.raises(DataError, match="32 x 32 pixels; expected 1600"):
        open_cifar(tmp_path, seed=0)


def test_the_real_mosaics(shared):
    data = open_cifar(shared("data/cifar10"), seed=0)
    assert data.classes == CLASSES
    assert data.counts().sum(0).tolist() == [20_000, 5_000, 10_000]
    assert data.inputs[0].shape == (32, 32, 3)
