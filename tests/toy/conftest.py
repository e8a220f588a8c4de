"""A task of one's own: the folder `brightness`, and one line that adds it to the table of tasks."""

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))


@pytest.fixture(autouse=True)
def _added(monkeypatch: pytest.MonkeyPatch) -> None:
    """The line: what a person writes once is taken back after the test."""
    from brightness import Brightness

    from striate.tasks.table import TASKS

    monkeypatch.setitem(TASKS, "brightness", Brightness())


@pytest.fixture
def pictures(tmp_path: Path) -> Callable[..., Path]:
    """`pictures(40)` is a folder with so many pictures and brightness.csv; none is like another."""

    def make(count: int = 40, name: str = "lamps") -> Path:
        folder = tmp_path / name
        folder.mkdir()
        random = np.random.default_rng(5)
        lines = ["path,brightness"]
        for number in range(count):
            small = random.integers(0, 120, (4, 4), dtype=np.uint8) + random.integers(0, 130)
            image = Image.fromarray(small.astype(np.uint8)).resize(
                (16, 16), Image.Resampling.BICUBIC
            )
            image.save(folder / f"{number}.png")
            lines.append(f"{number}.png,{np.asarray(image).mean() / 255:.4f}")
        (folder / "brightness.csv").write_text("\n".join(lines) + "\n")
        return folder

    return make
