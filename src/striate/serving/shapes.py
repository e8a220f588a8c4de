"""What comes in and what goes out, as the OpenAPI document has it.

Requests are checked against these; answers are built as plain dictionaries of the same shape, which
costs a tenth of the time. Unknown entries of a request are ignored, as Clarifai's clients send more
than is needed here. Every list and every text has a maximum.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from striate.serving.names import LANGUAGE


def whole(number: Any) -> bool:
    """Whether it is a float without a fraction: JSON does not tell 3.0 from 3."""
    return isinstance(number, float) and number.is_integer()


Language = Annotated[str, Field(pattern=f"^{LANGUAGE}$", examples=["de"])]
Share = Annotated[float, Field(ge=0, le=1)]
Whole = BeforeValidator(lambda n: int(n) if whole(n) else n)
Size = Annotated[int, Field(ge=0, le=2**31), Whole]
File = Annotated[str, Field(max_length=180_000_000)]  # as base64: the largest body is smaller


class Asked(BaseModel):
    """Anything a caller sends: of exactly these types."""

    model_config = ConfigDict(strict=True)


MEDIA = ("image", "video", "audio", "text")
KINDS = {  # by what an input is
    "image": "image",
    "question": "question",
    "recording": "audio",
    "text": "text",
}
ASKED = frozenset(("image", "text"))  # together: a picture, and what is asked about it


class Source(Asked):
    """Where a picture or a video is: exactly one of the two."""

    model_config = ConfigDict(
        strict=True,
        json_schema_extra={"oneOf": [{"required": ["url"]}, {"required": ["base64"]}]},
    )
    url: Annotated[str, Field(max_length=4096, examples=["https://example.org/cat.jpg"])] = ""
    base64: Annotated[
        File, Field(examples=["R0lGODlhAQABAIAAAP///wAAACwAAAAAAQABAAACAkQBADs="])
    ] = ""

    @model_validator(mode="after")
    def _one(self) -> "Source":
        if len(self.model_fields_set & {"url", "base64"}) != 1:
            raise ValueError("give either url or base64")
        return self


class Raw(Asked):
    """A text as it is."""

    raw: Annotated[str, Field(max_length=2**20, examples=["a stirring, funny film"])]


class Medium(Asked):
    """A picture, a video, a recording or a text: exactly one of them; or a picture and a text, the
    question about it."""

    model_config = ConfigDict(
        strict=True,
        json_schema_extra={
            "oneOf": [
                {"required": ["video"]},
                {"required": ["audio"]},
                {"required": ["image"], "not": {"required": ["text"]}},
                {"required": ["text"], "not": {"required": ["image"]}},
                {"required": ["image", "text"]},
            ]
        },
    )
    image: Source = None  # type: ignore[assignment]
    video: Source = None  # type: ignore[assignment]
    audio: Source = None  # type: ignore[assignment]
    text: Raw = None  # type: ignore[assignment]

    @model_validator(mode="after")
    def _one(self) -> "Medium":
        if len(self.given) != 1 and self.given != ASKED:
            raise ValueError(f"give either {', '.join(MEDIA[:-1])} or {MEDIA[-1]}")
        return self

    @property
    def given(self) -> set[str]:
        """Which of them there are."""
        return self.model_fields_set & set(MEDIA)

    @property
    def kind(self) -> str:
        """Which of them it is."""
        return "question" if self.given == ASKED else next(iter(self.given))

    @property
    def source(self) -> Source | None:
        """Where it is; None of a text, which is there."""
        if self.kind == "question":
            return self.image
        return None if self.kind == "text" else getattr(self, self.kind)


class Input(Asked):
    id: Annotated[str, Field(max_length=256)] = ""
    data: Medium


class Selected(Asked):
    """A class, by its id or by its name in the language asked for."""

    id: Annotated[str, Field(max_length=1000)] = ""
    name: Annotated[str, Field(max_length=1000)] = ""


class OutputConfig(Asked):
    max_concepts: Annotated[int, Field(ge=1, le=1000), Whole] = 20
    min_value: Share = 0.0
    language: Language | None = None
    sample_ms: Annotated[int, Field(ge=100, le=60_000), Whole] = 1000
    thumbnails: bool = False
    select_concepts: Annotated[list[Selected], Field(max_length=1000)] = []


class OutputInfo(Asked):
    output_config: OutputConfig = OutputConfig()


class VersionAsked(Asked):
    output_info: OutputInfo = OutputInfo()


class ModelAsked(Asked):
    output_info: OutputInfo = OutputInfo()
    model_version: VersionAsked = VersionAsked()

    @property
    def config(self) -> OutputConfig:
        """The one that was given."""
        if "output_info" in self.model_fields_set:
            return self.output_info.output_config
        return self.model_version.output_info.output_config


class OutputsAsked(Asked):
    """Clarifai's PostModelOutputs."""

    inputs: Annotated[list[Input], Field(min_length=1, max_length=128)]
    model: ModelAsked = ModelAsked()


class ImagesAsked(Asked):
    """Files, as base64."""

    name: Literal["images"]
    shape: Annotated[list[Size], Field(min_length=1, max_length=1)]
    datatype: Literal["BYTES"]
    data: Annotated[list[File], Field(max_length=128)]


class PixelsAsked(Asked):
    """Prepared pixels, (N, S, S, C), flat or nested."""

    name: Literal["pixels"]
    shape: Annotated[list[Size], Field(min_length=4, max_length=4)]
    datatype: Literal["UINT8"]
    data: Annotated[list[Any], Field(max_length=2_000_000)]


class TextsAsked(Asked):
    """Texts as they are."""

    name: Literal["texts"]
    shape: Annotated[list[Size], Field(min_length=1, max_length=1)]
    datatype: Literal["BYTES"]
    data: Annotated[list[Annotated[str, Field(max_length=2**20)]], Field(max_length=128)]


TensorAsked = Annotated[ImagesAsked | PixelsAsked | TextsAsked, Field(discriminator="name")]


class OutputAsked(Asked):
    """One of the model's outputs."""

    name: Annotated[str, Field(max_length=100)]


class InferAsked(Asked):
    """Open Inference's ModelInferRequest."""

    id: Annotated[str, Field(max_length=256)] = ""
    inputs: Annotated[list[TensorAsked], Field(min_length=1, max_length=1)]
    outputs: Annotated[list[OutputAsked], Field(max_length=32)] = []


class Status(BaseModel):
    code: int
    description: str
    details: str = ""
    req_id: str = ""


class Failed(BaseModel):
    """The body wherever a call is not answered."""

    status: Status


class Error(BaseModel):
    """The same for Open Inference."""

    error: str


class Concept(BaseModel):
    id: str
    name: str
    value: Share
    app_id: str


class FrameInfo(BaseModel):
    index: int
    time: int


class Box(BaseModel):
    """In shares of the upright picture's height and width."""

    top_row: Share
    left_col: Share
    bottom_row: Share
    right_col: Share


class Mask(BaseModel):
    """The pixels of a region in the upright picture of that size.

    `counts`: lengths of runs, column by column, zeros first, compressed as COCO's tools do.
    `image`: the same as a PNG of one bit, in base 64.
    """

    size: tuple[int, int]
    counts: str
    image: str


class Point(BaseModel):
    """Where a part is, in shares of the picture's sides, and the parts that it is joined to."""

    row: Share
    col: Share
    joined: list[str] = []


class RegionInfo(BaseModel):
    bounding_box: Box
    mask: Mask | None = None
    point: Point | None = None


class Concepts(BaseModel):
    concepts: list[Concept]


class Region(BaseModel):
    id: str
    region_info: RegionInfo
    data: Concepts


class Drawn(BaseModel):
    """A picture that a model made of another: a PNG in base 64."""

    base64: str
    width: int
    height: int


class Answer(BaseModel):
    """What is said of a picture: `known` and `concepts` of the whole, `regions` of its parts; or
    `image`, what was made of it."""

    known: bool = True
    concepts: list[Concept] = []
    regions: list[Region] = []
    image: Drawn | None = None


class Frame(BaseModel):
    frame_info: FrameInfo
    data: Answer
    thumbnail: str = ""


class Data(Answer):
    frames: list[Frame] = []


class Like(BaseModel):
    """A picture of the index, and the cosine of its description with the one that was sent."""

    name: str
    score: float


class Likes(BaseModel):
    id: str
    status: Status
    found: list[Like]


class Searched(BaseModel):
    status: Status
    index: str
    pictures: int
    outputs: list[Likes]


class Version(BaseModel):
    id: str


class Model(BaseModel):
    id: str
    name: str
    model_version: Version


class Output(BaseModel):
    id: str
    status: Status
    created_at: str
    model: Model
    input: dict[str, Any]
    data: Data


class Outputs(BaseModel):
    status: Status
    outputs: list[Output]


class Explanation(BaseModel):
    """`class` is a word of Python's, so the field has another name here."""

    model: Model
    class_: Annotated[str, Field(alias="class")]
    name: str
    probability: Share
    box: Annotated[list[float], Field(min_length=4, max_length=4)]
    map: list[list[float]]
    largest: float


class Listed(BaseModel):
    name: str
    version: str
    task: str
    thing: str
    kinds: list[str]
    together: int
    classes: list[str]
    languages: list[str]
    size: int | None
    none_of_these: bool
    explains: bool


class Limited(BaseModel):
    image_bytes: int
    video_bytes: int
    text_bytes: int
    json_bytes: int
    body_bytes: int
    pixels: int
    inputs: int
    frames: int
    video_seconds: float


class Models(BaseModel):
    models: list[Listed]
    links: bool
    videos: bool
    limits: Limited


class Names(BaseModel):
    name: str
    language: str
    names: dict[str, str]


class Tensor(BaseModel):
    name: str
    datatype: str
    shape: list[int]


class Metadata(BaseModel):
    name: str
    versions: list[str]
    platform: str
    inputs: list[Tensor]
    outputs: list[Tensor]


class Answered(Tensor):
    data: list[Any]


class Inferred(BaseModel):
    model_name: str
    model_version: str
    id: str = ""
    outputs: list[Answered]


class Server(BaseModel):
    name: str
    version: str
    extensions: list[str]


class Live(BaseModel):
    live: bool


class Ready(BaseModel):
    ready: bool


class ModelReady(BaseModel):
    name: str
    ready: bool
