"""``bureaucrat web``: the HTTP door beside a daemon.

Rules: it reads the daemon's database and writes nothing there but mail; events are launched over RabbitMQ.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import click

from ..clock import SystemClock
from ..config import without_password
from ..errors import BureaucratError
from ..stores import open_storage
from .failure import Exit, Failure
from .options import config_option, settings


@click.command(short_help="Serve the HTTP door: services, workflows, events.")
@config_option
@click.option("--host", default="127.0.0.1", show_default=True, metavar="ADDRESS", help="Where it listens.")
@click.option("--port", type=click.IntRange(0, 65_535), default=8080, show_default=True, metavar="N", help="Its port.")
def web(config: Path | None, host: str, port: int) -> int:
    """Serve POST /s, POST /w and POST /e/WORKFLOW beside the daemon, on its database, until it is stopped.

    It has no users and no passwords, so it listens on this machine only; a proxy in front of it says who may come in.

    \b
      bureaucrat web -c config.ini --port 8080
    """
    if not _is_loopback(host):
        raise Failure(
            Exit.NOT_STARTED,
            f"not started: {host} can be reached from other machines, and everybody there could start workflows",
            "write    --host 127.0.0.1, and put a proxy in front that asks who it is",
        )
    try:
        import uvicorn

        from ..launcher import Launcher
        from ..services.door import Door
    except ImportError as error:
        raise Failure(
            Exit.NOT_STARTED,
            f"not started: the HTTP door needs {error.name}, which is not installed",
            "install  pip install 'bureaucrat-engine[web]'",
        ) from error
    url, launcher = settings(config).storage.url, Launcher(config)

    async def begin(process: str, fields: dict[str, Any], id: str) -> None:
        await asyncio.to_thread(launcher.launch, None, fields, process=process, id=id)

    async def serve() -> None:
        storage = open_storage(url, read_only=True)
        await storage.open()
        try:
            app = Door(storage, SystemClock(), begin).app
            click.echo(f"serving http://{host}:{port} on {without_password(url)}; Ctrl-C stops")
            options = uvicorn.Config(app, host=host, port=port, log_level="warning", server_header=False)
            await uvicorn.Server(options).serve()
        finally:
            await storage.close()
            launcher.close()

    _run(serve(), f"{host}:{port}")
    return Exit.OK


def _run(serving: Coroutine[Any, Any, None], address: str) -> None:
    try:
        asyncio.run(serving)
    except BureaucratError as error:
        raise Failure(Exit.NOT_STARTED, f"not started: {error}", "start    bureaucrat -c config.ini") from error
    except SystemExit as error:  # uvicorn's, which has said why
        raise Failure(Exit.NOT_STARTED, f"not started: nothing can listen on {address}") from error


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False
