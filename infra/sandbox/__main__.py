"""`python -m infra.sandbox --dir DIR`: a sandbox of its own, until Ctrl-C or SIGTERM."""

from __future__ import annotations

import asyncio
import logging
import signal
import sys
from pathlib import Path

import click
import uvloop

from infra.sandbox.server import Sandbox
from infra.sandbox.storage import StorageError

PORT = click.IntRange(0, 65535)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option(
    "--dir", "folder", type=click.Path(path_type=Path), required=True, help="Where its state is kept."
)
@click.option(
    "--port", type=PORT, default=0, help="The proxy's port; the last one used, or any free one, if not given."
)
@click.option("--control-port", type=PORT, default=0, help="The control API's port; likewise.")
@click.option("--verbose", is_flag=True, help="Log every connection that ends badly.")
def main(folder: Path, port: int, control_port: int, *, verbose: bool) -> None:
    """Run the sandbox: a WhatsApp stand-in for neonize, on loopback only.

    DIR/sandbox.json tells clients where it is and which keys to trust.
    """
    logging.basicConfig(
        level=logging.INFO if verbose else logging.WARNING, format="%(levelname)s %(name)s %(message)s"
    )
    try:
        uvloop.run(_serve(Sandbox(folder, port=port, control_port=control_port)))
    except (StorageError, OSError) as error:
        sys.exit(f"sandbox: {error}")


async def _serve(sandbox: Sandbox) -> None:
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    async with sandbox:
        click.echo(f"sandbox: proxy {sandbox.address.proxy}, control API {sandbox.address.control}")
        await stop.wait()


if __name__ == "__main__":
    main()
