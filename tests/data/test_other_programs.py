"""Sets as further programs write them, each made here by hand: four pictures with one box each."""

import json
import math
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

import striate.data
from striate.data.boxes import around_turned
from striate.errors import DataError

WIDTH, HEIGHT = 60, 40
CLASSES = ("red", "blue")
# Of each picture, edges in pixels.
BOXES = {
    "p0": (4, 6, 24, 26), "p1": (10, 3, 40, 33), "p2": (30, 8, 54, 20), "p3": (1, 2, 21, 38),
    "p4": (5, 5, 25, 15), "p5": (8, 12, 50, 30),
}  # fmt: skip


def name_of(stem: str) -> str:
    return CLASSES[int(stem[1:]) % 2]


def pictures(folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number, stem in enumerate(BOXES):
        pixels = np.random.default_rng(number).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"{stem}.png")


def yolo_line(stem: str) -> str:
    x0, y0, x1, y1 = BOXES[stem]
    x, y = (x0 + x1) / 2 / WIDTH, (y0 + y1) / 2 / HEIGHT
    return f"{CLASSES.index(name_of(stem))} {x} {y} {(x1 - x0) / WIDTH} {(y1 - y0) / HEIGHT}\n"


def yolo(
    root: Path,
    change: Callable[[str], str] = str,
    encoding: str = "utf-8",
    about: str = "names: [red, blue]\n",
    folders: tuple[str, str] = ("images", "labels"),
) -> None:
    pictures(root / folders[0])
    (root / folders[1]).mkdir(exist_ok=True)
    (root / "data.yaml").write_text(about, encoding)
    for stem in BOXES:
        (root / folders[1] / f"{stem}.txt").write_text(change(yolo_line(stem)), encoding)


def darknet(root: Path) -> None:
    yolo(root, folders=("obj_train_data", "obj_train_data"))
    (root / "data.yaml").unlink()
    (root / "obj.names").write_text("red\nblue\n")
    (root / "obj.data").write_text(
        "classes = 2\ntrain = data/train.txt\nvalid = data/valid.txt\nnames = data/obj.names\n"
    )
    for word, stems in (("train", list(BOXES)[:3]), ("valid", list(BOXES)[3:])):
        lines = [f"data/obj_train_data/{stem}.png\n" for stem in stems]
        (root / f"{word}.txt").write_text("".join(lines))


def cvat(root: Path) -> None:
    pictures(root)
    lines = []
    for number, (stem, (x0, y0, x1, y1)) in enumerate(BOXES.items()):
        middle, half = ((x0 + x1) / 2, (y0 + y1) / 2), ((x1 - x0) / 2, (y1 - y0) / 2)
        plain = f'xtl="{x0}" ytl="{y0}" xbr="{x1}" ybr="{y1}"'
        x, y = middle
        on_end = f'xtl="{x - half[1]}" ytl="{y - half[0]}" xbr="{x + half[1]}" ybr="{y + half[0]}"'
        shape = (
            f'<ellipse LABEL cx="{x}" cy="{y}" rx="{half[0]}" ry="{half[1]}"/>',
            f'<mask LABEL rle="1" left="{x0}" top="{y0}" width="{x1 - x0}" height="{y1 - y0}"/>',
            f'<box LABEL {on_end} rotation="90"/>',
            f"<box LABEL {plain}/>",
        )[number % 4].replace("LABEL", f'label="{name_of(stem)}"')
        lines.append(f'<image name="{stem}.png" width="{WIDTH}" height="{HEIGHT}">{shape}</image>')
    (root / "annotations.xml").write_text(f"<annotations>{''.join(lines)}</annotations>")


def label_studio(root: Path, result: Callable[[str], dict[str, Any]]) -> None:
    pictures(root / "images")
    size = {"original_width": WIDTH, "original_height": HEIGHT}
    tasks = [
        {
            "data": {"image": f"/data/local-files/?d=images/{stem}.png"},
            "annotations": [{"result": [{"value": result(stem), **size}]}],
        }
        for stem in BOXES
    ]
    (root / "export.json").write_text(json.dumps(tasks))


def outline(stem: str) -> dict[str, Any]:
    x0, y0, x1, y1 = BOXES[stem]
    points = [[100 * x / WIDTH, 100 * y / HEIGHT] for x, y in ((x0, y0), (x1, y0), (x1, y1))]
    return {"points": points, "polygonlabels": [name_of(stem)]}


def turned(stem: str) -> dict[str, Any]:
    """A quarter turn about its first corner, which is the box's upper right one."""
    x0, y0, x1, y1 = BOXES[stem]
    return {
        "x": 100 * x1 / WIDTH, "y": 100 * y0 / HEIGHT, "width": 100 * (y1 - y0) / WIDTH,
        "height": 100 * (x1 - x0) / HEIGHT, "rotation": 90, "rectanglelabels": [name_of(stem)],
    }  # fmt: skip


def via(root: Path, said: Callable[[str], dict[str, Any]], *, ellipse: bool = False) -> None:
    pictures(root)
    table = {}
    for stem, (x0, y0, x1, y1) in BOXES.items():
        shape: dict[str, Any] = {
            "name": "rect", "x": x0, "y": y0, "width": x1 - x0, "height": y1 - y0,
        }  # fmt: skip
        if ellipse:
            half = {"rx": (x1 - x0) / 2, "ry": (y1 - y0) / 2}
            shape = {"name": "ellipse", "cx": (x0 + x1) / 2, "cy": (y0 + y1) / 2, **half}
        region = {"shape_attributes": shape, "region_attributes": said(stem)}
        table[f"{stem}.png9"] = {"filename": f"{stem}.png", "regions": [region]}
    (root / "via.json").write_text(json.dumps(table))


def samples(root: Path) -> None:
    """FiftyOne's, with what a model said beside what people did, and splits as tags."""
    pictures(root / "data")
    held = []
    for number, (stem, (x0, y0, x1, y1)) in enumerate(BOXES.items()):
        box = [x0 / WIDTH, y0 / HEIGHT, (x1 - x0) / WIDTH, (y1 - y0) / HEIGHT]
        held.append({
            "filepath": f"data/{stem}.png", "tags": ["train" if number < 3 else "validation"],
            "predictions": {"detections": [{"label": "cow", "bounding_box": [0, 0, 1, 1]}]},
            "ground_truth": {"detections": [{"label": name_of(stem), "bounding_box": box}]},
        })  # fmt: skip
    (root / "samples.json").write_text(json.dumps({"samples": held}))


def coco(root: Path, encoding: str = "utf-8", *, outlined: bool = False) -> None:
    pictures(root / "images")
    table: dict[str, Any] = {
        "images": [], "annotations": [],
        "categories": [{"id": number, "name": name} for number, name in enumerate(CLASSES)],
    }  # fmt: skip
    for number, (stem, (x0, y0, x1, y1)) in enumerate(BOXES.items()):
        table["images"].append(
            {"id": number, "file_name": f"{stem}.png", "width": WIDTH, "height": HEIGHT}
        )
        place: dict[str, Any] = {"bbox": [x0, y0, x1 - x0, y1 - y0]}
        if outlined:
            place = {"segmentation": [[x0, y0, x1, y0, x1, y1], [x0, y1, x1, y1, x0, y0]]}
        table["annotations"].append(
            {"id": number, "image_id": number, "category_id": number % 2, **place}
        )
    (root / "labels.json").write_text(json.dumps(table), encoding)


def corners(root: Path) -> None:
    pictures(root)
    lines = [
        f"{stem}.png,{x0},{y0},{x1 - x0},{y1 - y0},{name_of(stem)}\n"
        for stem, (x0, y0, x1, y1) in BOXES.items()
    ]
    (root / "boxes.csv").write_text("image,x,y,width,height,label\n" + "".join(lines))


SETS: dict[str, Callable[[Path], None]] = {
    "YOLO with a byte order mark": lambda root: yolo(root, encoding="utf-8-sig"),
    "YOLO from PowerShell": lambda root: yolo(root, encoding="utf-16"),
    "YOLO with classes as floats": lambda root: yolo(root, lambda line: f"{line[0]}.0{line[1:]}"),
    "YOLO in capitals": lambda root: yolo(root, folders=("Images", "Labels")),
    "YOLO with key points": lambda root: yolo(
        root, lambda line: f"{line.strip()} 0.1 0.2 2 0.9 0.9 2\n",
        about="names: [red, blue]\nkpt_shape: [2, 3]\n",
    ),
    "darknet": darknet,
    "CVAT's shapes": cvat,
    "Label Studio's outlines": lambda root: label_studio(root, outline),
    "Label Studio, turned": lambda root: label_studio(root, turned),
    "VIA, ticked": lambda root: via(root, lambda stem: {"color": {name_of(stem): True}}),
    "VIA, numbered": lambda root: via(root, lambda stem: {"no": stem, "class": name_of(stem)}),
    "VIA, ellipses": lambda root: via(root, lambda stem: {"x": name_of(stem)}, ellipse=True),
    "FiftyOne's samples": samples,
    "COCO from PowerShell": lambda root: coco(root, "utf-16"),
    "COCO's outlines alone": lambda root: coco(root, outlined=True),
    "corners and sides": corners,
}  # fmt: skip


@pytest.mark.parametrize("name", SETS)
def test_every_box_where_it_was_drawn(tmp_path: Path, name: str) -> None:
    SETS[name](tmp_path)
    data = striate.data.open(tmp_path)
    assert data.left_out == ()
    found = {}
    for row in range(len(data)):
        marked = data.targets.objects[row]
        ((number, box),) = zip(marked.classes, marked.boxes, strict=True)
        found[Path(data.inputs.name(row)).stem] = data.classes[number], tuple(np.rint(box))
    assert found == {stem: (name_of(stem), box) for stem, box in BOXES.items()}
    splits = {"darknet", "FiftyOne's samples"}
    assert ("validation" in data.drawn) == (name not in splits)


def test_what_has_no_box_is_named(tmp_path: Path) -> None:
    cvat(tmp_path)
    path = tmp_path / "annotations.xml"
    path.write_text(path.read_text().replace("<ellipse", '<points points="1,2"/><ellipse', 1))
    (one,) = striate.data.open(tmp_path).left_out
    assert (one.name, one.reason) == ("p0.png, object 1", "has no box that can be read: <points>")


def test_several_attributes_of_which_none_is_the_class(tmp_path: Path) -> None:
    via(tmp_path, lambda stem: {"color": name_of(stem), "age": stem})
    with pytest.raises(DataError, match="'age', 'color'"):
        striate.data.open(tmp_path)


def test_around_a_turned_box() -> None:
    side = math.sqrt(2)
    assert around_turned((-1, -1, 1, 1), 45, (0, 0)) == pytest.approx((-side, -side, side, side))


def classes(root: Path) -> list[tuple[str, str]]:
    pictures(root)
    return [(stem, name_of(stem)) for stem in BOXES]


@pytest.mark.parametrize(
    ("head", "line"),
    [
        ("id_code,diagnosis", "{0},{1}"),
        ("Finding Labels;Patient ID;Image Index", "{1};7;{0}.png"),
        ("Datei;Sorte", "bilder\\{0}.png;{1} "),
    ],
)
def test_headings_that_nobody_knows(tmp_path: Path, head: str, line: str) -> None:
    lines = [line.format(*each) for each in classes(tmp_path)]
    (tmp_path / "list.csv").write_text("\n".join([head, *lines]))
    data = striate.data.open(tmp_path / "list.csv")
    assert (len(data), data.classes, data.left_out) == (6, ("blue", "red"), ())
    assert any("is taken for the images" in note for note in data.notes)


def test_classes_are_called_as_their_columns(tmp_path: Path) -> None:
    lines = [f"{stem},{float(name == 'red')},{float(name == 'blue')}"
             for stem, name in classes(tmp_path)]  # fmt: skip
    (tmp_path / "list.csv").write_text("\n".join(["image,RED,Blue_2", *lines]))
    assert striate.data.open(tmp_path / "list.csv").classes == ("Blue_2", "RED")


def test_a_folder_with_a_list_beside_names_the_list(tmp_path: Path) -> None:
    classes(tmp_path / "images")
    (tmp_path / "train.csv").write_text("id_code,diagnosis\np0,1\n")
    with pytest.raises(DataError, match=r"no class folders.*open the list: 'train.csv'"):
        striate.data.open(tmp_path)


def idx(root: Path, prefix: str, count: int) -> None:
    root.mkdir(parents=True, exist_ok=True)
    pixels = struct.pack(">IIII", 0x803, count, 4, 4) + bytes(range(16)) * count
    (root / f"{prefix}-images-idx3-ubyte").write_bytes(pixels)
    labels = struct.pack(">II", 0x801, count) + bytes(number % 2 for number in range(count))
    (root / f"{prefix}-labels-idx1-ubyte").write_bytes(labels)


def test_idx_files_in_folders_of_their_names(tmp_path: Path) -> None:
    idx(tmp_path / "plain", "train", 20)
    for path in list((tmp_path / "plain").iterdir()):
        (tmp_path / "nested" / path.name).mkdir(parents=True)
        path.rename(tmp_path / "nested" / path.name / path.name)
    assert len(striate.data.open(tmp_path / "nested")) == 20


def test_several_sets_in_one_folder_are_asked_about(tmp_path: Path) -> None:
    for prefix in ("letters-train", "letters-test", "digits-train"):
        idx(tmp_path, prefix, 20)
    with pytest.raises(DataError, match="holds 2 sets \\('digits', 'letters'\\)"):
        striate.data.open(tmp_path)


def test_a_table_of_boxes_beside_pictures_is_no_set_of_texts(tmp_path):
    pictures(tmp_path / "train")
    rows = [f'{stem},60,40,"{list(BOXES[stem])}",{name_of(stem)}' for stem in BOXES]
    (tmp_path / "train.csv").write_text("\n".join(["image_id,width,height,bbox,source", *rows]))
    with pytest.raises(DataError, match="6 images, but no class folders"):
        striate.data.open(tmp_path)
    with pytest.raises(DataError, match=r"no label column \('image id', 'width'"):
        striate.data.open(tmp_path / "train.csv")
