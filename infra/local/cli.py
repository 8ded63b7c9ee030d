"""The `roost` command: the stack on one machine, its parts one by one, and a client of the API."""

from __future__ import annotations

import asyncio
import runpy
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.table import Table

from infra.local.demo import DemoError, run_demo
from infra.local.folder import DEFAULT_FOLDER, CannotStartError, DataFolder
from infra.local.gateway import Gateway, GatewayError
from infra.local.linking import link_by_code, link_by_qr
from infra.local.programs import ProgramEndedError
from infra.local.stack_programs import LOOPBACK, Options
from infra.local.up import run_until_stopped

if TYPE_CHECKING:
    from collections.abc import Coroutine

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="A WhatsApp gateway on this machine, and in the cloud.\n\n"
    "[bold]roost demo[/bold] shows it in a minute, without a phone. [bold]roost up[/bold] runs it; then "
    "[bold]roost link NAME[/bold] links a phone and [bold]roost send NAME NUMBER TEXT[/bold] sends.",
)
keys_app = typer.Typer(no_args_is_help=True, help="API keys.")
sessions_app = typer.Typer(no_args_is_help=True, help="Sessions: the WhatsApp accounts that are linked.")
app.add_typer(keys_app, name="keys", rich_help_panel="Use a gateway")
app.add_typer(sessions_app, name="sessions", rich_help_panel="Use a gateway")

_RUN, _USE, _PARTS = "Run it on this machine", "Use a gateway", "Its parts, one by one"
console = Console(highlight=False)
errors = Console(stderr=True, highlight=False)

Data = Annotated[Path, typer.Option("--data", help="The folder in which everything is kept.")]
Url = Annotated[str | None, typer.Option("--url", envvar="ROOST_URL", help="Where the API is.")]
Key = Annotated[
    str | None,
    typer.Option(
        "--key", envvar="ROOST_KEY", help="An API key; else the admin key of --data.", show_envvar=True
    ),
]
SessionName = Annotated[str, typer.Argument(metavar="SESSION", help="The session's id.")]


@app.command(rich_help_panel=_RUN)
def up(
    *,
    data: Data = DEFAULT_FOLDER,
    host: Annotated[str, typer.Option(help="Where the API listens; 0.0.0.0 for every interface.")] = LOOPBACK,
    port: Annotated[int, typer.Option(min=0, max=65535, help="The API's port; 0 for a free one.")] = 8080,
    connectors: Annotated[int, typer.Option(min=1, max=64, help="How many connectors hold the sockets.")] = 1,
    sandbox: Annotated[
        bool, typer.Option("--sandbox", help="Use the WhatsApp stand-in, not WhatsApp.")
    ] = False,
) -> None:
    """Run the whole stack until Ctrl-C: AWS (embedded), the API, the events' consumer, connectors.

    State stays in --data: linked sessions connect again at the next start. The first start makes an admin key
    there; ROOST_ADMIN_KEY sets one of your own.
    """
    options = Options(host=host, port=port, connectors=connectors, sandbox=sandbox)
    _run(run_until_stopped(DataFolder(data), options))


@app.command(rich_help_panel=_RUN)
def demo() -> None:
    """Show a link, a conversation and a restart, with simulated phones: a minute, no phone, no internet."""
    _run(run_demo(console))


@app.command(rich_help_panel=_USE)
def link(
    session: SessionName,
    *,
    code: Annotated[str | None, typer.Option(metavar="NUMBER", help="By a code for this number.")] = None,
    data: Data = DEFAULT_FOLDER,
    url: Url = None,
    key: Key = None,
) -> None:
    """Link a phone: draws a QR, renews it, and waits. Creates and starts the session if need be."""

    async def act() -> None:
        async with Gateway.find(url, key, DataFolder(data)) as gateway:
            if code:
                linked = await link_by_code(gateway, session, code, console)
            else:
                linked = await link_by_qr(gateway, session, console)
            console.print(f"[green]{session} is connected[/green] as +{linked['phone_number']}.")

    _run(act())


@app.command(rich_help_panel=_USE)
def send(
    session: SessionName,
    to: Annotated[str, typer.Argument(metavar="TO", help="A phone number with its country code, or a JID.")],
    text: Annotated[str, typer.Argument(metavar="TEXT", help="What to say.")],
    *,
    data: Data = DEFAULT_FOLDER,
    url: Url = None,
    key: Key = None,
) -> None:
    """Send a text, and wait up to 20 seconds until WhatsApp has it. Later is sent all the same."""

    async def act() -> None:
        async with Gateway.find(url, key, DataFolder(data)) as gateway:
            message = await gateway.send(session, to, text, wait=20)
            console.print(f"{message['id']} is {message['status']}")

    _run(act())


@sessions_app.command("list")
def list_sessions(*, data: Data = DEFAULT_FOLDER, url: Url = None, key: Key = None) -> None:
    """List all sessions."""

    async def act() -> None:
        async with Gateway.find(url, key, DataFolder(data)) as gateway:
            console.print(_as_table(await gateway.sessions()))

    _run(act())


@keys_app.command("create")
def create_key(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What it is for.")],
    *,
    scope: Annotated[list[str], typer.Option(help="What it may do; may be given again.")],
    session: Annotated[list[str] | None, typer.Option(help="Only this session; may be given again.")] = None,
    data: Data = DEFAULT_FOLDER,
    url: Url = None,
    key: Key = None,
) -> None:
    """Create an API key and print its secret, which is shown this once.

    Scopes: sessions:read, sessions:write, messages:read, messages:send, admin.
    """

    async def act() -> None:
        async with Gateway.find(url, key, DataFolder(data)) as gateway:
            created = await gateway.create_key(name, scope, session)
            typer.echo(created["secret"])

    _run(act())


@app.command(
    rich_help_panel=_PARTS, context_settings={"allow_extra_args": True, "ignore_unknown_options": True}
)
def api(context: typer.Context) -> None:
    """Serve the API alone; the environment names the AWS stack (ROOST_STACK, AWS_ENDPOINT_URL, …)."""
    _become("infra.local.api", context.args)


@app.command(rich_help_panel=_PARTS)
def connector() -> None:
    """Run one connector alone; the environment names the AWS stack and the settings (ROOST_…)."""
    _become("connector", [])


@app.command(
    rich_help_panel=_PARTS,
    add_help_option=False,
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True},
)
def sandbox(context: typer.Context) -> None:
    """Run the WhatsApp stand-in alone: roost sandbox --dir DIR."""
    _become("infra.sandbox", context.args)


def _become(module: str, arguments: list[str]) -> None:
    sys.argv = [f"roost {module.rpartition('.')[2]}", *arguments]
    runpy.run_module(module, run_name="__main__")


def _as_table(sessions: list[dict[str, Any]]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("id", "status", "number", "name", "last disconnect"):
        table.add_column(heading, no_wrap=True)
    for session in sessions:
        number = f"+{session['phone_number']}" if session["phone_number"] else ""
        ended = session["last_disconnect"] or {}
        table.add_row(
            session["id"], session["status"], number, session["name"] or "", ended.get("reason", "")
        )
    return table


def _run(work: Coroutine[Any, Any, None]) -> None:
    """Do it; what is wrong is one line, and exit code 1."""
    try:
        asyncio.run(work)
    except (CannotStartError, DemoError, GatewayError, ProgramEndedError) as error:
        errors.print(f"[red]roost:[/red] {error}", soft_wrap=True)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


def main() -> None:
    """Run the command line."""
    app(prog_name="roost")


if __name__ == "__main__":
    main()
