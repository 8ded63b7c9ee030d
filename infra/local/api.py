"""`python -m infra.local.api`: the API by uvicorn, on the AWS stack that the environment names."""

from __future__ import annotations

import socket
from typing import Annotated

import typer
import uvicorn

from control_plane.app import create_app
from control_plane.parts import Parts
from control_plane.settings import Settings
from infra.aws.clients import AwsSettings, Clients

_ANSWERS_FINISH_WITHIN_SECONDS = 5
_IDLE_CONNECTIONS_STAY_SECONDS = 75
"""Longer than clients keep idle connections (5 s in httpx): else one is closed just when it is used again."""


def main(
    fd: Annotated[
        int | None, typer.Option(help="A listening socket, inherited, instead of the next two.")
    ] = None,
    host: Annotated[str, typer.Option(help="Where to listen.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="The port.")] = 8080,
) -> None:
    """Serve the API until SIGTERM."""
    parts = Parts.on(Clients(AwsSettings.from_environment()), settings=Settings.from_environment())
    config = uvicorn.Config(
        create_app(parts),
        host=host,
        port=port,
        http="h11",  # unlike httptools it bounds the size of headers
        access_log=False,
        log_level="warning",
        server_header=False,
        timeout_keep_alive=_IDLE_CONNECTIONS_STAY_SECONDS,
        timeout_graceful_shutdown=_ANSWERS_FINISH_WITHIN_SECONDS,
    )
    sockets = None if fd is None else [socket.socket(fileno=fd)]
    uvicorn.Server(config).run(sockets=sockets)


if __name__ == "__main__":
    typer.run(main)
