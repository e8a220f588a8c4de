"""A call that the front has let in and hands to a process behind it; see `front`.

The front has seen the key and the body, and it writes usage and the log. Here a call has its turn
and its bytes, and its answer tells the front how many pictures it took.
"""

from starlette.types import Message

from striate.serving.routes import route_of
from striate.serving.visits import Visit

CALLER, REQUEST, IMAGES = b"x-striate-caller", b"x-striate-request", b"x-striate-images"


class Passed(Visit):
    """One call between the front and the application."""

    async def admit(self) -> None:
        self.state["route"] = route_of(self.scope["app"].routes, self.scope)
        self.state["caller"] = self.headers.get(CALLER, "")
        self.state["request"] = self.headers.get(REQUEST, self.state["request"])

    async def send(self, message: Message) -> None:
        """A piece of the answer; before the first, what is left of the body is taken and dropped,
        for who writes into a connection that is closed may not read what came before."""
        if message["type"] == "http.response.start":
            while not self.whole.is_set() and not self.gone.is_set():
                piece = await self._receive()
                if piece["type"] == "http.disconnect":
                    self.gone.set()
                elif not piece.get("more_body", False):
                    self.whole.set()
            self.status, self.started = message["status"], True
            count = str(self.state["images"]).encode()
            message["headers"] = [*message["headers"], (IMAGES, count)]
        await self._send(message)

    def note(self) -> None:
        """The front has counted it."""
