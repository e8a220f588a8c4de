"""Faces drawn by hand: each person is a face of random features, each picture another light."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from striate.models import mtcnn

PERSONS, PICTURES, SIDE = 24, 3, 64


def drawn(person: int, picture: int) -> np.ndarray:
    """(SIDE, SIDE, 3) uint8: a pattern that is the person's, in the light of the picture."""
    pattern = np.random.default_rng(person).uniform(40, 215, (8, 8))
    random = np.random.default_rng([person, picture])
    face = np.kron(pattern, np.ones((SIDE // 8, SIDE // 8)))
    face = face * random.uniform(0.7, 1.15) + random.normal(0, 12, face.shape)
    return np.repeat(face.clip(0, 255).astype(np.uint8)[..., None], 3, 2)


@pytest.fixture(autouse=True)
def no_detector(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the published weights, and without a network to fetch them over."""

    def absent(path: Path) -> None:
        raise mtcnn.WeightsError("no network in tests")

    monkeypatch.setenv(mtcnn.FOLDER, "/nowhere")
    monkeypatch.setattr(mtcnn, "fetched", absent)


@pytest.fixture(scope="session")
def people(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder a person."""
    root = tmp_path_factory.mktemp("people")
    for person in range(PERSONS):
        folder = root / f"person-{person:02d}"
        folder.mkdir()
        for picture in range(PICTURES):
            Image.fromarray(drawn(person, picture)).save(folder / f"{picture}.png")
    return root
