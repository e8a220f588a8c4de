"""Which regions are read, in files: the same after JSON, and refused where absurd."""

import json
from dataclasses import asdict, replace

import pytest

from striate.handcrafted.selective_search import Strategies
from striate.tasks.detection.rcnn.settings import RegionSettings

SMALL = RegionSettings(side=32, regions=40, strategies=Strategies(side=64, scales=(20,)))


def test_settings_survive_json() -> None:
    assert RegionSettings.from_json(json.loads(json.dumps(asdict(SMALL)))) == SMALL


@pytest.mark.parametrize(
    "change",
    [
        {"side": 10**9}, {"side": "64"}, {"side": 64.0}, {"largest": 10**9}, {"regions": -1},
        {"nms_overlap": 2.0}, {"nms_overlap": "x"}, {"learned": 0}, {"more": 1}, {"strategies": {}},
        {"strategies": asdict(replace(SMALL.strategies, side=10**9))},
        {"strategies": asdict(replace(SMALL.strategies, scales=(0,)))},
        {"strategies": asdict(replace(SMALL.strategies, scales=(50,) * 99))},
        {"strategies": asdict(replace(SMALL.strategies, colors=("cmyk",)))},
        {"strategies": asdict(replace(SMALL.strategies, likenesses=("X",)))},
        {"strategies": asdict(replace(SMALL.strategies, likenesses=()))},
    ],
    ids=str,
)  # fmt: skip
def test_absurd_settings_are_refused(change: dict) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        RegionSettings.from_json({**asdict(SMALL), **change})
