"""A proxy as it is usually written, with FastAPI and httpx: what the passthrough is measured beside.

python benchmarks/fastapi_proxy.py UPSTREAM_PORT        # prints its port, serves until it is stopped
"""

from __future__ import annotations

import asyncio
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import uvicorn
from fastapi import FastAPI, Request, Response

UPSTREAM = f"http://127.0.0.1:{sys.argv[1]}"
KEPT = ("content-type", "x-amzn-requestid", "x-amzn-ratelimit-limit")


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[None]:
    async with httpx.AsyncClient(limits=httpx.Limits(max_connections=256)) as client:
        app.state.client = client
        yield


app = FastAPI(lifespan=lifespan)


@app.get("/passthrough-api/{path:path}")
async def passed(path: str, request: Request) -> Response:
    answer = await app.state.client.get(
        f"{UPSTREAM}/sellingpartnerapi-na.amazon.com/{path}",
        params=request.query_params,
        headers={"x-amz-access-token": "Atza|bench", "accept": request.headers.get("accept", "*/*")},
    )
    kept = {name: answer.headers[name] for name in KEPT if name in answer.headers}
    return Response(answer.content, answer.status_code, kept)


async def main() -> None:
    listener = socket.create_server(("127.0.0.1", 0), backlog=1024)
    print(listener.getsockname()[1], flush=True)
    await uvicorn.Server(uvicorn.Config(app, access_log=False, log_level="error")).serve(sockets=[listener])


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvicorn.Config(app).get_loop_factory()) as runner:
        runner.run(main())
