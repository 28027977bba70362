"""`gator ...`: what each command is called, takes and says. What it does is imported late."""

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from gator import __version__
from gator.settings import SettingsError, describe, load

app = typer.Typer(
    name="gator",
    help="Gator Chat: a real-time chat server for people and AI personas.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)

models = typer.Typer(help="The language model that runs beside the server.", no_args_is_help=True)
app.add_typer(models, name="models")

Host = Annotated[str | None, typer.Option(help="Address to listen on. [GATOR_HOST]")]
Port = Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one. [GATOR_PORT]")]
Workers = Annotated[int, typer.Option(help="Processes that serve together: 1.", hidden=True)]
Data = Annotated[Path | None, typer.Option(help="Directory of the database. [GATOR_DATA]")]


def main() -> None:
    """Run the command line."""
    try:
        app()
    except SettingsError as error:
        _fail(*(f"settings: {problem}" for problem in error.problems))


@app.command()
def serve(host: Host = None, port: Port = None, data: Data = None, workers: Workers = 1) -> None:
    """Serve chats until told to stop (SIGTERM or Ctrl-C drains, a second one does not wait)."""
    from gator.cli.serve import ServeError, run

    if workers != 1:
        _fail("one process serves one database; several need a broker between them, which there is not yet.")
    try:
        run(load(host=host, port=port, data=data))
    except ServeError as error:
        _fail(str(error))


@app.command()
def migrate(
    data: Data = None,
    restored: Annotated[
        bool, typer.Option(help="The database was restored from a backup: clients are told to reload.")
    ] = False,
    origin: Annotated[
        Path | None,
        typer.Option("--from", help="Move the SQLite database of this directory into the PostgreSQL database."),
    ] = None,
) -> None:
    """Bring the database up to date, as `serve` does by itself."""
    from gator.cli.migrate import run

    run(load(data=data), restored=restored, origin=origin)


@app.command()
def backup(
    target: Annotated[Path, typer.Argument(help="File to make; nothing may be there yet.")], data: Data = None
) -> None:
    """Copy the SQLite database while the server runs, and check the copy."""
    from gator.cli.backup import BackupError, make

    try:
        typer.echo(make(load(data=data), target))
    except BackupError as error:
        _fail(str(error))


@app.command()
def token(
    user: Annotated[str, typer.Argument(help="Id of the user whom the token names.")],
    name: Annotated[str | None, typer.Option(help="Name that others see.")] = None,
    expires: Annotated[str, typer.Option(help="Until then it is valid: 90s, 15m, 12h, 30d.")] = "12h",
    role: Annotated[list[str] | None, typer.Option(help="Right over the installation; repeatable.")] = None,
) -> None:
    """Print a token signed with GATOR_JWT_SECRET, for trying out and for scripts."""
    from gator.cli.token import TokenError, make

    try:
        typer.echo(make(load(), user, name=name, expires=expires, roles=role or []))
    except TokenError as error:
        _fail(str(error))


@app.command()
def chat(
    user: Annotated[str, typer.Argument(help="Who you are.")],
    conversation: Annotated[str | None, typer.Argument(help="Id of the conversation to begin with.")] = None,
    url: Annotated[str | None, typer.Option(help="Server. [default: this machine's, ws://127.0.0.1:8000]")] = None,
    token: Annotated[str | None, typer.Option(help="Token that proves who you are.", envvar="CHAT_TOKEN")] = None,
    plain: Annotated[bool, typer.Option("--plain", help="A line a message, as pipes and files get it.")] = False,
) -> None:
    """Chat in the terminal."""
    from gator.cli.chat.start import own_url, run

    if url is None:
        settings = load()
        url = own_url(settings.host, settings.port)
    sys.exit(run(user, conversation, url=url, token=token, plain=plain))


@app.command()
def verify(
    url: Annotated[str, typer.Argument(help="Deployment, as clients reach it: wss://chat.example.org")],
    token: Annotated[str | None, typer.Option(help="Token of one user.")] = None,
    token_file: Annotated[Path | None, typer.Option(help="File with one token a line, one for each user.")] = None,
    secret: Annotated[bool, typer.Option("--secret", help="Make tokens with GATOR_JWT_SECRET.")] = False,
    clients: Annotated[int, typer.Option(min=1, max=1_000, help="Clients that talk at once.")] = 20,
    conversations: Annotated[int, typer.Option(min=1, max=100, help="Conversations that they are in.")] = 4,
    messages: Annotated[int, typer.Option(min=1, max=100_000, help="Messages in all.")] = 1000,
    seconds: Annotated[float, typer.Option(min=5, max=86_400, help="How long that takes, more or less.")] = 30,
    idle_seconds: Annotated[float, typer.Option(min=0, max=86_400, help="Then leave a connection idle.")] = 0,
    restart_command: Annotated[
        str | None, typer.Option(help="Run every few seconds by the shell: kills the server and starts it again.")
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Repeats the decisions of an earlier run.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Report as JSON.")] = False,
) -> None:
    """Check a deployment against the promises of the protocol, while making trouble.

    Exit status 0: all that was checked held. 1: something is broken. 2: it could not run.
    """
    from gator.cli.verify import CannotRun, Options, minted, new_name, new_seed, run, tokens_of

    name = new_name()
    try:
        if secret and (token is not None or token_file is not None):
            raise CannotRun("Give --secret or tokens, not both.")
        tokens = minted(load(), name, clients) if secret else tokens_of(token, token_file)
    except CannotRun as error:
        _fail(str(error))
    options = Options(
        url=url,
        name=name,
        seed=new_seed() if seed is None else seed,
        tokens=tokens,
        clients=clients,
        conversations=conversations,
        messages=messages,
        seconds=seconds,
        idle_seconds=idle_seconds,
        restart_command=restart_command,
    )
    sys.exit(run(options, json=as_json))


@app.command()
def doctor(host: Host = None, port: Port = None, data: Data = None) -> None:
    """Say what is wrong with the settings, the database, the ports; exit 1 if anything is."""
    from gator.cli.doctor import examine

    sys.exit(0 if examine({"host": host, "port": port, "data": data}, typer.echo) else 1)


@models.command("install")
def models_install() -> None:
    """Bring a small model (SmolLM2, 135M) and what runs it: about 130 MB."""
    from gator.cli.models import install
    from gator.personas.model_files import ModelError

    try:
        install(typer.echo)
    except ModelError as error:
        _fail(str(error))


@models.command("list")
def models_list() -> None:
    """List the models that are here, the one that is used first."""
    from gator.cli.models import listing
    from gator.personas.model_files import ModelError

    try:
        for line in listing(load().embedded_model):
            typer.echo(line)
    except ModelError as error:
        _fail(str(error))


@models.command("path")
def models_path() -> None:
    """Print the path of the model that is used."""
    from gator.cli.models import path
    from gator.personas.model_files import ModelError

    try:
        typer.echo(path(load().embedded_model))
    except ModelError as error:
        _fail(str(error))


@app.command()
def settings() -> None:
    """Print every setting: name, default, unit, what it is for."""
    for name, default, unit, text in describe():
        value = f"{default} {unit}".strip() or "(not set)"
        typer.echo(f"{name}\n    {text}\n    default: {value}")


@app.command()
def reference(
    check: Annotated[bool, typer.Option(help="Write nothing; exit 1 if something is stale.")] = False,
) -> None:
    """Write docs/reference/ and the generated tables of docs/ from the code."""
    from gator.cli.reference import write_reference

    changed = write_reference(Path.cwd(), check)
    for path in changed:
        typer.echo(f"{'stale' if check else 'written'}: {path}")
    if check and changed:
        sys.exit(1)


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def _fail(*lines: str) -> NoReturn:
    for line in lines:
        typer.echo(f"gator: {line}", err=True)
    sys.exit(2)
