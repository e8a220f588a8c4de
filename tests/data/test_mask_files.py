"""Pictures with masks in the forms in which people have them."""

import json

import numpy as np
import pytest
from PIL import Image

from striate.data import VOID, Masks
from striate.data import open as open_data
from striate.data.mask_pairs import is_masked, is_masked_only
from striate.errors import DataError

HALF = np.repeat(np.array([[0, 1]], np.uint8), 8, 1).repeat(12, 0)  # (12, 16)


def picture(path, height=12, width=16):
    path.parent.mkdir(parents=True, exist_ok=True)
    shade = abs(hash(path.name)) % 200
    Image.fromarray(np.full((height, width, 3), shade, np.uint8)).save(path)


def mask(path, pixels=HALF, palette=None):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.fromarray(pixels)
    if palette is not None:
        image = Image.fromarray(pixels, "P")
        image.putpalette(palette)
    image.save(path)


def opened(root, **options):
    return open_data(root, kinds=["masks"], **options)


def test_images_and_masks(tmp_path):
    for k in range(6):
        picture(tmp_path / "images" / f"{k}.jpg")
        mask(tmp_path / "masks" / f"{k}.png", HALF * 255)
    data = open_data(tmp_path)
    assert data.targets.kind == "masks"
    assert len(data) == 6
    assert data.classes == ("background", "foreground")
    assert data.targets.maps[0].read().tolist() == HALF.tolist()
    assert data.targets.areas[0].tolist() == [96, 96, 0]
    assert data.targets.words(0) == "background 50 %, foreground 50 %"
    assert data.drawn == {"test", "validation"}


def test_splits_are_folders_and_names_a_list(tmp_path):
    (tmp_path / "classes.txt").write_text("0 sky\n1 road\n2 void\n")
    for split in ("train", "val", "test"):
        for k in range(3):
            picture(tmp_path / split / f"{split}{k}.webp")
            pixels = HALF.copy()
            pixels[0] = 2
            mask(tmp_path / split / f"{split}{k}.png", pixels)
    data = open_data(tmp_path)
    assert data.classes == ("sky", "road")
    assert np.bincount(data.split).tolist() == [3, 3, 3]
    assert data.targets.maps[0].read()[0].tolist() == [VOID] * 16
    assert data.targets.facts(data.split).values["void"] == pytest.approx(1 / 12)


def test_voc(tmp_path):
    for k in range(6):
        picture(tmp_path / "JPEGImages" / f"2007_{k}.jpg")
        pixels = HALF * 15
        pixels[0, 0] = 255
        mask(tmp_path / "SegmentationClass" / f"2007_{k}.png", pixels, list(range(256)) * 3)
        mask(tmp_path / "SegmentationObject" / f"2007_{k}.png", HALF)
    lists = tmp_path / "ImageSets" / "Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("2007_0\n2007_1\n2007_2\n")
    (lists / "val.txt").write_text("2007_3\n2007_4\n2007_5\n")
    data = open_data(tmp_path)
    assert data.classes == ("background", "person")
    assert (data.split == 1).sum() == 3
    assert data.targets.maps[0].read()[0, 0] == VOID


def test_colors_with_a_table(tmp_path):
    (tmp_path / "label_colors.txt").write_text("64 128 64\tAnimal\n192 0 128\tArchway\n0 0 0\tVoid")
    colors = np.array([[64, 128, 64], [192, 0, 128], [0, 0, 0]], np.uint8)
    numbers = np.minimum(HALF + (np.arange(12)[:, None] == 0), 2)
    for k in range(5):
        picture(tmp_path / "images" / f"{k}.png")
        mask(tmp_path / "labels" / f"{k}_L.png", colors[numbers])
    data = open_data(tmp_path)
    assert data.classes == ("Animal", "Archway")
    assert data.targets.maps[0].read().tolist() == np.where(numbers == 2, VOID, numbers).tolist()


def test_trimaps(tmp_path):
    for k in range(5):
        picture(tmp_path / "images" / f"cat_{k}.jpg")
        mask(tmp_path / "annotations" / "trimaps" / f"cat_{k}.png", HALF + 1)
    data = opened(tmp_path)
    assert data.targets.maps[0].read()[0, 0] == 1  # 1 is the animal, 2 the background


def test_class_folders_stay_class_folders_unless_masks_are_asked_for(tmp_path):
    for k in range(8):
        picture(tmp_path / "train" / "ab"[k % 2] / f"{k}.jpg")
        mask(tmp_path / "masks" / "train" / f"{k}.png")
    assert is_masked(tmp_path)
    assert not is_masked_only(tmp_path)
    assert open_data(tmp_path).targets.kind == "labels"
    assert len(opened(tmp_path)) == 8


def test_names_that_end_in_mask(tmp_path):
    for k in range(4):
        picture(tmp_path / f"{k}.png")
        mask(tmp_path / f"{k}_mask.png")
    assert len(open_data(tmp_path)) == 4


def test_a_column_names_the_split(tmp_path):
    lines = ["id,split"]
    for k in range(6):
        picture(tmp_path / "photos" / f"{k}.jpg")
        mask(tmp_path / "labels" / f"{k}.png")
        lines.append(f"{k},{'test' if k > 3 else 'train'}")
    (tmp_path / "tags.csv").write_text("\n".join(lines))
    data = open_data(tmp_path)
    names = [data.inputs.name(row) for row in np.flatnonzero(data.split == 2).tolist()]
    assert names == ["photos/4.jpg", "photos/5.jpg"]


def whole(root, count=4):
    for k in range(count):
        picture(root / "images" / f"{k}.jpg")
        mask(root / "masks" / f"{k}.png")


def reason(data, name):
    return next(each.reason for each in data.left_out if name in each.name)


def test_what_does_not_belong_together_is_left_out_by_name(tmp_path):
    whole(tmp_path)
    picture(tmp_path / "images" / "bare.jpg")
    mask(tmp_path / "masks" / "lone.png")
    picture(tmp_path / "images" / "large.jpg", 24, 32)
    mask(tmp_path / "masks" / "large.png")
    picture(tmp_path / "images" / "deep.jpg")
    mask(tmp_path / "masks" / "deep.png", HALF.astype(np.uint16) * 700)
    picture(tmp_path / "images" / "text.jpg")
    (tmp_path / "masks" / "text.png").write_text("no picture")
    data = open_data(tmp_path)
    assert len(data) == 4
    assert reason(data, "bare") == "has no mask"
    assert reason(data, "lone") == "has no picture of its name"
    assert "16 x 12 pixels and the picture 32 x 24" in reason(data, "large")
    assert "more than 8 bits" in reason(data, "deep")
    assert "not an image" in reason(data, "text")


def test_unknown_numbers_are_void_and_named(tmp_path):
    (tmp_path / "classes.txt").write_text("sky\nroad")
    whole(tmp_path)
    pixels = HALF.copy()
    pixels[0, :2] = 9
    mask(tmp_path / "masks" / "3.png", pixels)
    data = open_data(tmp_path)
    (doubt,) = data.targets.doubts
    assert doubt.image == "images/3.jpg"
    assert "1 % of its mask" in doubt.text
    assert data.targets.areas[3].tolist() == [94, 96, 2]
    assert "1 mask with pixels of a number" in data.targets.facts(data.split).faults[0]


def test_masks_of_one_value_are_refused(tmp_path):
    for k in range(4):
        picture(tmp_path / "images" / f"{k}.jpg")
        mask(tmp_path / "masks" / f"{k}.png", HALF * 0)
    with pytest.raises(DataError, match="every pixel of its masks is 0"):
        open_data(tmp_path)


def test_tiny_and_long_pictures_are_read(tmp_path):
    whole(tmp_path)
    picture(tmp_path / "images" / "one.png", 1, 1)
    mask(tmp_path / "masks" / "one.png", np.ones((1, 1), np.uint8))
    picture(tmp_path / "images" / "long.png", 1, 2000)
    mask(tmp_path / "masks" / "long.png", np.ones((1, 2000), np.uint8))
    assert len(open_data(tmp_path)) == 6


def coco(root, segmentation, count=4):
    images = [{"id": k, "file_name": f"{k}.png", "height": 12, "width": 16} for k in range(count)]
    objects = [
        {"id": k, "image_id": k, "category_id": 1, "bbox": [0, 0, 8, 12],
         "segmentation": segmentation} for k in range(count)
    ]  # fmt: skip
    table = {"images": images, "annotations": objects, "categories": [{"id": 1, "name": "cat"}]}
    for k in range(count):
        picture(root / f"{k}.png")
    (root / "labels.json").write_text(json.dumps(table))


@pytest.mark.parametrize(
    "segmentation",
    [
        [[0, 0, 8, 0, 8, 12, 0, 12]],
        {"size": [12, 16], "counts": [0, 96, 96]},
        {"size": [12, 16], "counts": "0P3P3"},
    ],
)
def test_outlines_of_coco(tmp_path, segmentation):
    coco(tmp_path, segmentation)
    assert open_data(tmp_path).targets.kind == "boxes"
    data = opened(tmp_path)
    assert data.classes == ("background", "cat")
    assert data.targets.maps[0].read().tolist() == (1 - HALF).tolist()


def test_an_outline_of_another_size_is_left_out(tmp_path):
    coco(tmp_path, {"size": [12, 17], "counts": [0, 96, 108]})
    with pytest.raises(DataError, match="outline that cannot be drawn"):
        opened(tmp_path)


def test_a_category_called_background_is_the_background(tmp_path):
    coco(tmp_path, [[0, 0, 8, 0, 8, 12, 0, 12]])
    table = json.loads((tmp_path / "labels.json").read_text())
    table["categories"].append({"id": 2, "name": "Background"})
    ground = {"category_id": 2, "segmentation": [[0, 0, 16, 0, 16, 12, 0, 12]]}
    boxed = {"category_id": 1, "segmentation": [], "bbox": [6, 2, 4, 4]}  # as void on no outline
    table["annotations"] += [
        {"id": 9, "image_id": 0, "bbox": [0, 0, 16, 12], **ground},
        {"id": 10, "image_id": 0, **boxed},
    ]
    (tmp_path / "labels.json").write_text(json.dumps(table))
    data = opened(tmp_path)
    assert data.classes == ("background", "cat")
    found = data.targets.maps[data.inputs.paths.index("0.png")].read()
    assert found.tolist() == (1 - HALF).tolist()  # the ground lies below the cat, above the box
    table["annotations"].pop(-2)
    (tmp_path / "labels.json").write_text(json.dumps(table))
    data = opened(tmp_path)
    expected = 1 - HALF
    expected[2:6, 8:10] = VOID
    place = data.inputs.paths.index("0.png")
    assert data.targets.maps[place].read().tolist() == expected.tolist()
    assert data.targets.areas[place].tolist() == [88, 96, 8]
    assert "1 mask with objects of which a box" in data.targets.facts(data.split).faults[0]


@pytest.mark.parametrize(
    ("segmentation", "reason"),
    [
        ([[1, 2, 3]], "a polygon of 3 numbers"),
        ({"counts": [1]}, "no size"),
        ({"size": [12, 16], "counts": [10**30]}, "too large"),
    ],
)
def test_outlines_that_cannot_be_drawn(tmp_path, segmentation, reason):
    coco(tmp_path, segmentation)
    with pytest.raises(DataError, match=f"outline that cannot be drawn: .*{reason}"):
        opened(tmp_path)


def test_more_categories_than_numbers(tmp_path):
    coco(tmp_path, [[0, 0, 8, 0, 8, 12]])
    table = json.loads((tmp_path / "labels.json").read_text())
    table["categories"] += [{"id": k, "name": f"c{k}"} for k in range(2, 300)]
    table["annotations"] += [
        {**table["annotations"][0], "id": k + 9, "category_id": k} for k in range(2, 300)
    ]
    (tmp_path / "labels.json").write_text(json.dumps(table))
    with pytest.raises(DataError, match="299 categories; at most 253 fit beside the background"):
        opened(tmp_path)


@pytest.mark.parametrize(
    ("renamed", "why"),
    [
        ("masks/x{}.png", "masks/x0.png has no picture of its name"),
        ("masks/{0}_mask.png", None),
        ("masks/{}.npy", "4 pictures and no mask"),
    ],
)
def test_masks_that_meet_no_picture_are_not_taken_for_a_class(tmp_path, renamed, why):
    whole(tmp_path, 4)
    for k in range(4):
        (tmp_path / "masks" / f"{k}.png").rename(tmp_path / renamed.format(k))
    if why is None:
        assert open_data(tmp_path).targets.kind == "masks"
        return
    for kinds in (None, ["masks"]):
        with pytest.raises(DataError, match=f"no picture with a mask: {why}; expected"):
            open_data(tmp_path, kinds=kinds)


def test_a_list_in_a_form_that_is_not_read_is_told(tmp_path):
    whole(tmp_path, 4)
    (tmp_path / "classes.json").write_text('["ground", "cat"]')
    data = open_data(tmp_path)
    assert data.targets.kind == "masks"
    assert any("'classes.json' not read" in note for note in data.notes)


def test_few_pictures_of_many_classes_are_drawn_all_the_same(tmp_path):
    for k in range(4):
        picture(tmp_path / "images" / f"{k}.png")
        mask(tmp_path / "masks" / f"{k}.png", HALF * (k // 2 + 1))
    assert sorted(opened(tmp_path).split.tolist()) == [0, 0, 1, 2]


def test_pictures_that_exif_turns(tmp_path):
    whole(tmp_path, 5)
    for k, size in enumerate([(12, 16), (16, 12)]):
        image = Image.new("RGB", (size[1], size[0]))
        exif = image.getexif()
        exif[0x0112] = 6
        image.save(tmp_path / "images" / f"{k}.jpg", exif=exif)
    data = opened(tmp_path)
    (left,) = data.left_out
    assert left.name == "images/0.jpg"
    assert left.reason.endswith("turned upright, as EXIF says; turn the mask, too")
    assert any("1 picture turned upright" in note for note in data.notes)


def test_webp_with_loss_is_refused(tmp_path):
    whole(tmp_path, 4)
    pixels = np.random.default_rng(0).integers(0, 255, (12, 16, 3)).astype(np.uint8)
    for k in range(4):
        (tmp_path / "masks" / f"{k}.png").unlink()
        Image.fromarray(pixels // 128).save(tmp_path / "masks" / f"{k}.webp", quality=50)
    with pytest.raises(DataError, match="WebP with loss"):
        opened(tmp_path)


def test_masks_in_memory():
    maps = [np.array([[0, 1, VOID]], np.uint8), np.array([[2, 2, 2]], np.uint8)]
    targets = Masks.of(("a", "b", "c"), maps)
    assert targets.areas.tolist() == [[1, 1, 0, 1], [0, 0, 3, 0]]
    assert targets.counts(np.array([0, 2], np.int8)).tolist() == [[1, 0, 0], [1, 0, 0], [0, 0, 1]]
    assert targets.strata().tolist() == [0, 2]
    assert targets.take([1]).words(0) == "c 100 %"
    assert targets.facts(np.array([0, 2], np.int8)).faults == (
        "c is in test masks, and in no training mask",
    )
    with pytest.raises(ValueError, match="mask 1 holds 2, and there are 2 classes"):
        Masks.of(("a", "b"), maps)


def test_all_void_is_a_stratum_of_its_own():
    targets = Masks.of(("a",), [np.full((2, 2), VOID, np.uint8)])
    assert targets.strata().tolist() == [1]
    assert targets.words(0) == "void"


def test_pictures_in_class_folders_need_no_mask_to_be_learned_from(tmp_path):
    for split in ("train", "test"):
        for k in range(10):
            picture(tmp_path / split / ("cat", "dog")[k % 2] / f"{split}{k}.jpg")
            if k < 5:
                mask(tmp_path / "masks" / split / f"{split}{k}.png")
    data = opened(tmp_path)
    bare = data.targets.unmarked
    rows = np.flatnonzero(bare).tolist()
    assert sorted(data.inputs.name(row)[-5] for row in rows) == list("56789")
    assert (data.split[bare] == 0).all()  # validation is drawn from the others
    assert (data.split == 1).sum() == 1
    assert data.targets.maps[rows[0]].read().tolist() == [[VOID] * 16] * 12
    assert any("5 training images without mask" in note for note in data.notes)
    assert sum(each.reason == "has no mask" for each in data.left_out) == 5  # of the test
    assert "5 images have no mask." in data.targets.facts(data.split).remarks
    assert data.targets.words(rows[0]) == "no mask"
    data.learnable("set")
    assert (opened(tmp_path, seed=1).split[bare] == 0).all()


def test_pictures_with_points_need_no_mask(tmp_path):
    whole(tmp_path, 5)
    picture(tmp_path / "images" / "bare.jpg")
    (tmp_path / "points.csv").write_text("image,x,y,class\nbare.jpg,1,2,background\n")
    data = opened(tmp_path)
    assert len(data) == 6
    assert data.targets.unmarked.sum() == 1


@pytest.mark.parametrize("levels", [(0, 128, 255), (0, 60, 120, 180, 255)])
def test_smoothed_edges_are_no_classes(tmp_path, levels):
    whole(tmp_path)
    pixels = np.zeros((12, 16), np.uint8)
    for step, level in enumerate(levels):
        pixels[step:, step:] = level
    for k in range(4):
        mask(tmp_path / "masks" / f"{k}.png", pixels)
    data = opened(tmp_path)
    assert data.classes == ("background", "foreground")
    assert data.targets.maps[0].read().tolist() == (pixels >= 128).astype(int).tolist()
    assert any("smoothed edges" in note for note in data.notes)


def test_areas_of_gray_are_classes(tmp_path):
    whole(tmp_path)
    pixels = np.repeat(np.array([0, 100, 200, 255], np.uint8), 4)[None].repeat(12, 0)
    for k in range(4):
        mask(tmp_path / "masks" / f"{k}.png", pixels)
    assert opened(tmp_path).classes == ("0", "100", "200")
