"""The few fields of an .onnx file that are read without a runtime, by pencil and beside onnx."""

import io
import math

import pytest

from striate.inference.onnx_file import DEEPEST, fields, parameters, properties, whole


def listed(message: bytes) -> list:
    file = io.BytesIO(message)
    return list(fields(file, whole(file)))


def field(number: int, content: bytes) -> bytes:
    """A field of bytes, of fewer than 128."""
    return bytes([number << 3 | 2, len(content)]) + content


def test_fields_by_pencil() -> None:
    """Field 1, a number of two bytes; field 14, three bytes; field 7, two; field 2, four bytes."""
    message = b"\x08\x96\x01" + field(14, b"abc") + field(7, b"xy") + b"\x15" + b"\0" * 4
    assert listed(message) == [(1, 150), (14, range(5, 8)), (7, range(10, 12)), (2, None)]
    assert listed(b"\x11" + b"\0" * 8) == [(2, None)]
    assert listed(b"") == []


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"\x0b", "wire type 3"), (b"\x08\x96", "ends within a number"),
        (b"\x3a\x05abc", "ends within a field"),
        (b"\x3a" + b"\xff" * 9 + b"\x7f", "ends within a field"),
        (b"\x08" + b"\xff" * 11, "more than ten bytes"), (b"\x15\0\0", "ends within a field"),
    ],
)  # fmt: skip
def test_what_is_not_a_message(message: bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        listed(message)


def test_properties_by_pencil() -> None:
    some = field(14, field(1, b"striate") + field(2, b"{}")) + field(7, b"\xff" * 20)
    assert properties(io.BytesIO(some)) == {"striate": "{}"}
    with pytest.raises(ValueError, match="metadata are not text"):
        properties(io.BytesIO(field(14, field(1, b"striate"))))
    with pytest.raises(ValueError, match="decode"):
        properties(io.BytesIO(field(14, field(1, b"\xff") + field(2, b"x"))))
    long = b"\x72\xff\xff\xff\x7f" + b"x" * 10
    with pytest.raises(ValueError, match="within a field"):
        properties(io.BytesIO(long))


def test_weights_are_counted_wherever_they_lie() -> None:
    onnx = pytest.importorskip("onnx")
    inner = onnx.helper.make_graph([], "inner", [], [])
    inner.initializer.append(onnx.helper.make_tensor("a", 1, (3, 4), [0.0] * 12))
    node = onnx.helper.make_node("If", ["x"], ["y"], then_branch=inner)
    constant = onnx.helper.make_node(
        "Constant", [], ["z"], value=onnx.helper.make_tensor("v", 3, (5,), [1] * 5)
    )
    sizes = onnx.helper.make_node(
        "Constant", [], ["s"], value=onnx.helper.make_tensor("s", 7, (9,), [1] * 9)
    )
    graph = onnx.helper.make_graph([node, constant, sizes], "graph", [], [])
    graph.initializer.append(onnx.helper.make_tensor("b", 1, (7,), [0.0] * 7))
    model = onnx.helper.make_model(graph)
    assert parameters(io.BytesIO(model.SerializeToString())) == 12 + 5 + 7  # sizes are not weights
    packed = field(7, field(5, field(1, b"\x03\x04") + b"\x10\x01"))
    assert parameters(io.BytesIO(packed)) == math.prod((3, 4))


def test_graphs_within_graphs_without_end() -> None:
    onnx = pytest.importorskip("onnx")
    graph = onnx.helper.make_graph([], "innermost", [], [])
    for _ in range(DEEPEST // 2):
        node = onnx.helper.make_node("If", ["x"], ["y"], then_branch=graph)
        graph = onnx.helper.make_graph([node], "graph", [], [])
    with pytest.raises(ValueError, match="nested too deep"):
        parameters(io.BytesIO(onnx.helper.make_model(graph).SerializeToString()))


def test_weights_in_other_files() -> None:
    """Marked as external, or with a place alone: neither is opened."""
    outside = field(13, field(1, b"location") + field(2, b"../secret"))
    for tensor in (b"\x70\x01", outside, b"\x70\x01" + outside):
        graph = field(7, field(5, b"\x08\x03" + tensor))
        within = field(7, field(1, field(5, field(5, tensor))))
        sparse = field(7, field(15, field(1, tensor)))
        for message in (graph, within, sparse):
            with pytest.raises(ValueError, match="other files"):
                parameters(io.BytesIO(message))
    for number in (20, 25):
        with pytest.raises(ValueError, match="more than a graph"):
            parameters(io.BytesIO(bytes([number << 3 & 127 | 130, number >> 4, 0])))
