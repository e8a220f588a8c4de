"""The tree of errors and its lines."""

import pytest

from striate import errors
from striate.errors import MissingExtra, StriateError, UnknownName, UserError


def tree(root: type, depth: int = 0) -> list[tuple[int, str]]:
    below = (line for child in root.__subclasses__() for line in tree(child, depth + 1))
    return [(depth, root.__name__), *below]


def test_the_drawing_is_the_tree() -> None:
    drawing = (errors.__doc__ or "").splitlines()
    drawn = [line.lstrip(" │").split()[:2] for line in drawing if "├" in line or "└" in line]
    names = [name for depth, name in tree(StriateError) if depth]
    ours = [name for name in names if hasattr(errors, name)]
    assert sorted(name for _, name in drawn) == sorted(ours)
    for name in ours:
        (line,) = [line for line in drawing if f"─ {name} " in line]
        assert issubclass(getattr(errors, name), UserError) == (
            line.startswith("        ") or name == "UserError"
        )


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("lenet", "no network is called 'lenet'; did you mean lenet5?"),
        ("zzz", "no network is called 'zzz'; known: lenet5, vgg16"),
        ("a\nb", r"no network is called 'a\nb'; known: lenet5, vgg16"),
    ],
)
def test_an_unknown_name_is_one_line(name: str, line: str) -> None:
    assert str(UnknownName("network", name, iter(["lenet5", "vgg16"]))) == line


def test_of_many_names_only_a_few_are_told() -> None:
    known = [f"{number}.jpg" for number in range(1_105)]
    assert str(UnknownName("picture", "zzz", known)) == (
        "no picture is called 'zzz'; known: 0.jpg, 1.jpg, 2.jpg, 3.jpg, 4.jpg and 1,100 more"
    )


def test_a_missing_extra_says_what_to_type() -> None:
    assert str(MissingExtra("fine-tuning", "pretrained")) == (
        "fine-tuning needs an optional part: pip install 'striate[pretrained]'"
    )
