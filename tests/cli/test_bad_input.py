"""What people really have: each a clear line and an exit code, and nothing lost."""

import os
import shutil
import struct
import subprocess
import sys
import tempfile
import zlib
from pathlib import Path

import pytest
from PIL import Image

QUICK = ("--methods", "handcrafted", "--seeds", "1")


def refused(done, *words):
    assert done.code == 2
    assert done.one_line, done.err
    for word in words:
        assert word in done.err
    return True


def test_an_empty_folder(striate, tmp_path):
    (tmp_path / "photos").mkdir()
    assert refused(striate("compare", tmp_path / "photos"), "photos", "empty")


def test_one_class_only(striate, pictures):
    assert refused(striate("compare", pictures({"cat": 5})), "one class only", "'cat'")


def test_one_image_a_class(striate, pictures):
    assert refused(striate("compare", pictures({"cat": 1, "dog": 1})), "one image a class")


def test_an_unknown_name_brings_the_closest(striate):
    assert refused(striate("compare", "fashion_mnist"), "fashion-mnist")


def test_a_folder_that_is_not_there(striate):
    assert refused(striate("compare", "./photos"), "./photos")


def test_broken_files_are_left_out_by_name_and_the_rest_is_compared(striate, pictures):
    folder = pictures({"cat": 10, "dog": 10})
    (folder / "cat" / "text.jpg").write_text("I am a text")
    whole = folder / "whole.jpg"
    Image.effect_noise((64, 64), 50).save(whole)
    (folder / "cat" / "truncated.jpg").write_bytes(whole.read_bytes()[:900])
    whole.unlink()
    (folder / "dog" / "huge.png").write_bytes(huge_png(60_000))
    done = striate("compare", folder, *QUICK)
    assert done.code == 0, done.err
    assert "20 examples of 2 classes" in done.out
    assert "left out: 3" in done.out
    for name in ("cat/text.jpg", "cat/truncated.jpg", "dog/huge.png"):
        assert f"{name}: " in done.out
    assert "Traceback" not in done.err


def test_a_folder_that_may_not_be_read():
    run = [sys.executable, "-m", "striate"]
    if os.geteuid() == 0:  # who may read everything: be nobody
        run = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *run]
        if not shutil.which("setpriv") or subprocess.run([*run, "--version"]).returncode:
            pytest.skip("root may read everything, and nobody may not run this Python")
    with tempfile.TemporaryDirectory() as place:
        Path(place).chmod(0o755)
        folder = Path(place) / "photos"
        folder.mkdir(mode=0o000)
        done = subprocess.run([*run, "compare", str(folder)], capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith(f"striate: {folder}")
    assert "Permission denied" in done.stderr
    assert done.stderr.count("\n") == 1


def huge_png(side: int) -> bytes:
    """A PNG whose header promises `side` x `side` pixels, and holds next to none."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return (
            struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        )

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", header)
        + chunk(b"IDAT", zlib.compress(b"\0" * 99))
        + chunk(b"IEND", b"")
    )
