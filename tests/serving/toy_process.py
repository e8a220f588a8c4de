"""A program that a front takes for one of its processes, and that is there at once.

It answers with its number and what its model's file held when it began; it is killed by a body with
`die`, by one with `die once` only where the file beside the model is not there yet.
"""

import asyncio
import json
import os
import signal
import sys
from pathlib import Path


async def answer(reader, writer):
    head = await reader.readuntil(b"\r\n\r\n")
    words = [line.split(b": ") for line in head.lower().split(b"\r\n")[1:-2]]
    body = await reader.readexactly(int(dict(words).get(b"content-length", 0)))
    if b"die once" in body and not mark.exists():
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    if b"die" in body and b"once" not in body:
        os.kill(os.getpid(), signal.SIGKILL)
    while b"wait" in body and not mark.with_name("go").exists():
        await asyncio.sleep(0.01)
    await asyncio.sleep(0.002)
    text = json.dumps({"process": os.getpid(), "model": model, "size": len(body)}).encode()
    if b"half" in body and not mark.exists():
        mark.touch()
        writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 1000\r\n\r\n" + text)
        await writer.drain()
        os.kill(os.getpid(), signal.SIGKILL)
    writer.write(
        b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\nx-striate-images: 1\r\n"
        b"content-length: %d\r\n\r\n" % len(text) + text
    )
    await writer.drain()
    writer.close()


async def main():
    server = await asyncio.start_unix_server(answer, asked["place"])
    print(json.dumps({"error": ""}), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    server.close()


asked = json.loads(sys.stdin.readline())
path = Path(asked["models"][0])
model, mark = path.read_text(), path.with_name("mark")
if model == "broken":
    print(json.dumps({"error": "the model is broken"}), flush=True)
    sys.exit(1)
asyncio.run(main())
