"""What every call goes through before and after the application (ASGI).

Before: does it match a route, is it one of ours (host, origin, key), and is there room for its
body? The body is counted while it comes. After: headers that tell browsers what the page may do, a
line in the log without content, the counters, and the usage of the key, written before the answer
goes out. When its caller leaves, the work on a call ends.
"""

import asyncio
import logging
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send

from striate.serving import refusals
from striate.serving.refusals import Refused
from striate.serving.service import Service
from striate.serving.visits import Unpaid, Visit

log = logging.getLogger("striate.serving.access")


class Door:
    """The application behind the door.

    Args:
        visit: what a call is there.
    """

    def __init__(self, app: ASGIApp, service: Service, visit: type[Visit] = Visit):
        self.app, self.service, self.visit = app, service, visit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        visit = self.visit(self.service, scope, receive, send)
        try:
            await visit.admit()
            await self._answer(visit)
        except Refused as refused:
            await visit.refuse(refused)
        except Unpaid:
            await visit.refuse(refusals.exhausted("usage cannot be written"))
        except (ClientDisconnect, asyncio.CancelledError):
            if not self.service.stopping.begun and not visit.gone.is_set():
                raise
            if not visit.started and not visit.gone.is_set():
                await visit.refuse(refusals.exhausted("the service stops"))
        except Exception:  # a mistake of ours: the log has it, the caller does not
            log.exception("%s failed", scope["method"])
            await visit.refuse(Refused(500, refusals.INTERNAL))
        finally:
            visit.share.close()
            visit.note()

    async def _answer(self, visit: Visit) -> None:
        """Runs the application until it is done, or its caller has left, or the service ends."""
        answering: Any = self.app(visit.scope, visit.receive, visit.send)
        working: asyncio.Task[None] = asyncio.create_task(answering)
        leaving, calls = asyncio.create_task(visit.left()), self.service.stopping.calls
        calls.add(working)
        try:
            await asyncio.wait((working, leaving), return_when=asyncio.FIRST_COMPLETED)
        finally:
            calls.discard(working)
            leaving.cancel()
            if not working.done():
                working.cancel()
                await asyncio.wait((working,))
        await working
