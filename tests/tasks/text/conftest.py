"""Little sets of texts, and word vectors for them."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

GOOD = ("good", "fine", "great", "lovely", "superb", "splendid")
BAD = ("bad", "poor", "awful", "dull", "weak", "dreary")
REST = ("the", "film", "is", "a", "story", "of", "two", "people", "and", "it", "has", "plot")


@pytest.fixture
def opinions(tmp_path: Path) -> Callable[..., Path]:
    """`opinions(60)` is a table of so many texts, which one word makes "yes" or "no"."""

    def make(count: int = 60, name: str = "opinions.tsv", seed: int = 0) -> Path:
        random = np.random.default_rng(seed)
        lines = []
        for number in range(count):
            words = list(random.choice(REST, random.integers(3, 9)))
            label, kinds = (("yes", GOOD), ("no", BAD))[number % 2]
            words.insert(int(random.integers(0, len(words))), str(random.choice(kinds)))
            lines.append(f"{label}\t{' '.join(words)} {number}")
        path = tmp_path / name
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    return make


@pytest.fixture
def vectors(tmp_path: Path) -> Path:
    """Vectors of all words but one, in which those of a kind lie together."""
    random = np.random.default_rng(1)
    path = tmp_path / "vectors.txt"
    lines = []
    for center, words in enumerate((GOOD[:-1], BAD, REST)):
        for word in words:
            row = random.normal(0, 0.3, 8)
            row[center] += 2
            lines.append(f"{word} {' '.join(f'{value:.4f}' for value in row)}")
    path.write_text("\n".join(lines) + "\n")
    return path
