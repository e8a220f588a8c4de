"""What a caller is told when something is not done: Clarifai's codes, and never what was sent."""

from typing import Any, NamedTuple


class Code(NamedTuple):
    """A number that programs read, and its words."""

    number: int
    words: str


OK = Code(10000, "Ok")
MIXED = Code(10010, "Mixed success")
FAILURE = Code(10020, "Failure")
THROTTLED = Code(11005, "Too many requests")
KEY_INVALID = Code(11008, "A valid key is needed")
BAD_FORMAT = Code(11100, "Bad request format")
NO_SUCH_PATH = Code(11101, "Resource does not exist")
INVALID_REQUEST = Code(11102, "Invalid request")
WRONG_METHOD = Code(11103, "Method not allowed")
NO_SUCH_MODEL = Code(21200, "Model does not exist")
NOT_FETCHED = Code(30002, "The link could not be fetched")
UNREADABLE = Code(30101, "Unsupported input")
TOO_LARGE = Code(30105, "Input over the limit")
BAD_LINK = Code(30106, "The link may not be followed")
VIDEO_NOT_FETCHED = Code(31002, "The link could not be fetched")
VIDEO_UNREADABLE = Code(31101, "Unsupported video")
VIDEO_TOO_LARGE = Code(31105, "Video over the limit")
INTERNAL = Code(98004, "Internal error")
LATE = Code(98009, "No time was left")
EXHAUSTED = Code(98014, "The service is at its limit")


class Refused(Exception):
    """A call that is not answered as asked: the HTTP status, and what is said."""

    def __init__(
        self, http: int, code: Code, details: str = "", *, headers: dict[str, str] | None = None
    ):
        super().__init__(details or code.words)
        self.http, self.code, self.details, self.headers = http, code, details, headers or {}

    def to_json(self, request: str = "") -> dict[str, Any]:
        """The body of the answer."""
        return {"status": status(self.code, self.details, request)}


class Unanswered(Exception):
    """One input of several that gets no answer; the others go on."""

    def __init__(self, code: Code, details: str = ""):
        super().__init__(details or code.words)
        self.code, self.details = code, details


def status(code: Code, details: str = "", request: str = "") -> dict[str, Any]:
    """`{"code", "description"}`, with details and the request's number where there are any."""
    found: dict[str, Any] = {"code": code.number, "description": code.words}
    if details:
        found["details"] = details
    if request:
        found["req_id"] = request
    return found


def full(seconds: float) -> Refused:
    """Too much is waiting; come again when about that is done."""
    wait = str(max(1, round(seconds)))
    return Refused(429, THROTTLED, "too much is waiting", headers={"Retry-After": wait})


def exhausted(details: str = "too much is held in memory") -> Refused:
    """There is no room for it now."""
    return Refused(503, EXHAUSTED, details, headers={"Retry-After": "5"})
