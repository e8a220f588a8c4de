"""Points in tables and in COCO's files: read, mended, told."""

import json

import numpy as np
import pytest
from PIL import Image

from striate import data
from striate.data.part_names import eyes_of, mirrored_parts
from striate.data.points import Points, tree
from striate.errors import DataError


def pictures(folder, count, size=(40, 30), start="img"):
    folder.mkdir(parents=True, exist_ok=True)
    random = np.random.default_rng(0)
    for k in range(count):
        pixels = random.integers(0, 255, (size[1], size[0], 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{start}{k:02}.png")


def opened(path):
    return data.open(path, kinds=["points"])


def test_a_plain_table(tmp_path):
    pictures(tmp_path, 10)
    rows = [f"img{k:02}.png,{k},2,{30 - k},2,{k},9" for k in range(10)]
    rows[3] = "img03.png,3,2,99,2,3,9"  # beyond its 40 pixels
    rows[4] = "img04.png,nan,2,26,2,4,"
    rows[5] = "img05.png,,,25,2,5,9"
    rows[6] = "img06.png,x,2,24,2,6,9"
    rows.append("img77.png,1,2,3,2,1,9")
    text = "file,left_ear_x,left_ear_y,right_ear_x,right_ear_y,tail_x,tail_y\n" + "\n".join(rows)
    (tmp_path / "points.csv").write_text(text)
    found = opened(tmp_path)
    targets = found.targets
    assert targets.names == ("left_ear", "right_ear", "tail")
    assert targets.swaps == (1, 0, 2)
    row = [found.inputs.name(k) for k in range(len(found))].index("img02.png")
    assert targets.places[row].tolist() == [[2.5, 2.5], [28.5, 2.5], [2.5, 9.5]]
    assert targets.lengths[row] == 26
    assert sorted(doubt.kind for doubt in targets.doubts) == ["number", "number", "outside"]
    assert {each.reason for each in found.left_out} == {
        "has a point of 'x' and '2'",
        "no such file, named in points.csv",
    }
    assert "mirrored views exchange left_ear and right_ear" in found.notes
    faults = targets.facts(found.split).faults
    assert "1 point beyond the edge of the picture, taken for not marked" in faults


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        (["file,nose_x,nose_y,tail_y", "img00.png,1,2,3"], "'tail_y' without its other axis"),
        (["file,nose_x,tail_y", "img00.png,1,2"], "'nose_x', 'tail_y' without their other axis"),
        (["file,x0,y0,x1", "img00.png,1,2,3"], "'x1' without"),
        (["file,nose_x,nose_y,nose_x,nose_y"], "several columns are called 'nose_x', 'nose_y'"),
        (["file,nose_x,nose_y"], "no line below its headings"),
        (["file,nose_x,nose_y,nose_v", "img00.png,1,2,maybe"], "has a visibility of 'maybe'"),
        (["file;nose_x;nose_y", "img00.png;1,5;2"], "'1,5' and '2'; write decimals with a point"),
    ],
)
def test_tables_that_cannot_be_meant_are_refused(tmp_path, lines, why):
    pictures(tmp_path, 1)
    (tmp_path / "points.csv").write_text("\n".join(lines))
    with pytest.raises(DataError, match=why):
        opened(tmp_path)


def test_persons_in_several_splits_are_told(tmp_path):
    pictures(tmp_path, 3)
    parts = ("train", "validation", "test")
    rows = [f"img{k:02}.png,{k},1,9,9,{part},Ann" for k, part in enumerate(parts)]
    (tmp_path / "p.csv").write_text("image,x0,y0,x1,y1,split,person\n" + "\n".join(rows))
    assert any(
        "1 of 1 group in several splits of the list ('Ann')" in n for n in opened(tmp_path).notes
    )


def test_hidden_points_and_a_column_of_persons(tmp_path):
    pictures(tmp_path, 12)
    rows = [f"img{k:02}.png,{k},1,{k % 3},p{k // 2}" for k in range(12)]
    (tmp_path / "p.csv").write_text("image,x0,y0,v0,person\n" + "\n".join(rows))
    found = opened(tmp_path / "p.csv")
    assert found.targets.names == ("0",)
    assert len(found) == 8  # v = 0 is not marked
    assert sorted(set(found.targets.visible.ravel().tolist())) == [1, 2]
    people = [int(found.inputs.name(k)[3:5]) // 2 for k in range(len(found))]
    for person in set(people):
        assert len({int(s) for s, p in zip(found.split, people, strict=True) if p == person}) == 1


def test_deeplabcut_with_videos_in_three_cells(tmp_path):
    lines = ["scorer,,,Ann,Ann,Ann,Ann", "bodyparts,,,nose,nose,tail,tail", "coords,,,x,y,x,y"]
    for video in ("a", "b", "c"):
        pictures(tmp_path / "labeled-data" / video, 4)
        lines += [f"labeled-data,{video},img{k:02}.png,{k},5,20,{k}" for k in range(4)]
    lines[-1] = "labeled-data,c,img03.png,3,5,,"
    (tmp_path / "CollectedData_Ann.csv").write_text("\n".join(lines))
    found = opened(tmp_path)
    assert found.targets.names == ("nose", "tail")
    assert len(found) == 12
    assert int(found.targets.marked.sum()) == 23
    for video in "abc":
        rows = [k for k in range(12) if f"/{video}/" in found.inputs.name(k)]
        assert len(set(found.split[rows].tolist())) == 1


def test_each_video_of_deeplabcut_has_a_table_of_its_own(tmp_path):
    heads = ["scorer,Ann,Ann,Ann,Ann", "bodyparts,nose,nose,tail,tail", "coords,x,y,x,y"]
    for video in "abc":
        folder = tmp_path / "labeled-data" / video
        pictures(folder, 3)
        rows = [f"labeled-data/{video}/img{k:02}.png,{k},5,20,{k}" for k in range(3)]
        (folder / "CollectedData_Ann.csv").write_text("\n".join([*heads, *rows]))
    found = opened(tmp_path)
    assert sorted(np.bincount(found.split).tolist()) == [3, 3, 3]
    assert "drawn splits keep each video together (3 of them)" in found.notes


def coco(folder, images, annotations, **category):
    folder.mkdir(exist_ok=True)
    about = {
        "id": 1,
        "name": "dog",
        "keypoints": ["nose", "tail"],
        "skeleton": [[1, 2]],
        **category,
    }
    table = {"images": images, "annotations": annotations, "categories": [about]}
    (folder / "dogs.json").write_text(json.dumps(table))


def test_coco_with_several_things_in_a_picture(tmp_path):
    pictures(tmp_path, 4, size=(100, 80))
    images = [
        {"id": k, "file_name": f"img{k:02}.png", "height": 80, "width": 100} for k in range(4)
    ]
    annotations = [
        {"id": 10 * k + j, "image_id": k, "category_id": 1, "bbox": [10 + 40 * j, 20, 20, 40],
         "area": 500, "keypoints": [15 + 40 * j, 25, 2, 20 + 40 * j, 50, j]}
        for k in range(4) for j in range(2)
    ]  # fmt: skip
    annotations.append({"id": 99, "image_id": 0, "category_id": 1, "keypoints": [1, 2]})
    coco(tmp_path, images, annotations)
    with pytest.raises(DataError, match="choose with --task"):
        data.open(tmp_path)
    found = opened(tmp_path)
    assert len(found) == 8
    assert found.targets.measure == "the longer side of the box around each thing"
    assert found.targets.lines == ((0, 1),)
    name = "img00.png at 7 15 33 65"  # the box 10 20 30 60, a quarter larger
    row = [found.inputs.name(k) for k in range(8)].index(name)
    assert found.inputs[row].shape == (50, 26, 3)
    assert found.targets.places[row, 0].tolist() == [8.5, 10.5]
    assert not found.targets.marked[row, 1]
    assert found.targets.lengths[row] == 40
    for k in range(4):
        rows = [r for r in range(8) if found.inputs.name(r).startswith(f"img{k:02}")]
        assert len(set(found.split[rows].tolist())) == 1


def test_nothing_marked_is_said(tmp_path):
    pictures(tmp_path, 2)
    (tmp_path / "p.csv").write_text("file,nose_x,nose_y\nimg00.png,500,1\nimg01.png,,\n")
    with pytest.raises(DataError, match="no point is marked"):
        opened(tmp_path / "p.csv")
    (tmp_path / "p.csv").write_text("file,nose_x,nose_y\nimg00.png,5,1\n")
    with pytest.raises(DataError, match="1 image with points; expected at least 3"):
        opened(tmp_path / "p.csv")


@pytest.mark.parametrize(
    ("names", "swaps"),
    [
        (("l_eye", "r_eye", "chin"), (1, 0, 2)),
        (("earL", "earR"), (1, 0)),
        (("Left Hip", "right hip"), (1, 0)),
        (("snout", "tail"), (0, 1)),
        (("left_ear", "snout"), None),
        (("0", "1", "2"), None),
    ],
)
def test_mirror_images_are_found_by_names(names, swaps):
    assert mirrored_parts(names) == swaps


def test_ibugs_68_landmarks_have_known_mirror_images():
    names = tuple(map(str, range(68)))
    swaps = mirrored_parts(names)
    assert swaps is not None
    assert [swaps[k] for k in (0, 8, 17, 30, 36, 41, 48, 57, 60, 66)] == [
        16, 8, 26, 30, 45, 46, 54, 57, 64, 66,
    ]  # fmt: skip
    first, second = eyes_of(names) or ((), ())
    assert sorted(swaps[k] for k in first) == list(second)


def test_one_part_alone_is_measured_by_its_picture():
    places = np.array([[[3.0, 4]], [[np.nan, np.nan]]])
    found = Points.of(("nose",), places, np.array([[40, 60], [50, 30]]))
    assert found.lengths.tolist() == [60, 50]
    assert found.measure == "the longer side of each picture"


def test_lines_are_the_shortest_tree():
    places = np.array([[[0, 0], [9, 0], [4, 0], [4, 3.0]]])
    assert set(tree(places)) == {(2, 3), (0, 2), (1, 2)}


def test_frames_with_points_elsewhere_are_no_copies():
    places = np.array([[[0, 0], [10, 0]], [[0.5, 0], [10, 0]], [[2, 0], [10, 0.0]]])
    points = Points.of(("a", "b"), places, np.full((3, 2), 20))
    assert not points.told_apart(0, 1)
    assert points.told_apart(0, 2)
