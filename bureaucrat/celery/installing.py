"""``install``: one line in the module of a Celery app.

Rules: it may be called before the tasks are defined, and in programs that are no workers, where nothing comes of it;
settings that lose work are named when a worker starts, and never changed.
"""

from __future__ import annotations

import logging
import ssl
from pathlib import Path
from typing import Any

from celery import signals
from celery.utils.imports import symbol_by_name

from ..amqp.settings import AmqpSettings, Auth
from ..amqp.tls import Tls
from ..config import without_password
from ..errors import ConfigurationError
from ..launcher.settings import Config, Settings, settings_of
from .answers import Faults
from .sending import Sender
from .watching import Watch

log = logging.getLogger(__name__)

_MARK = "__bureaucrat_watch__"
_SCHEMES = {"amqp": "amqp", "pyamqp": "amqp", "librabbitmq": "amqp", "amqps": "amqps"}
_REQUEST = "celery.worker.request:Request"


def install(app: Any, amqp: Config = None, *, faults: Faults | None = None) -> None:
    """Let the tasks of an app answer the processes that ask for them.

    :param amqp: where the daemon's RabbitMQ is: a URL, the path of its config.ini, or a dict as that of ``Launcher``;
        None: it is the app's own broker.
    :param faults: exceptions that are faults, and their codes: ``{Declined: "CardRefused"}``.
    :raises ConfigurationError: that is no RabbitMQ.
    """
    app = app._get_current_object() if hasattr(app, "_get_current_object") else app
    if hasattr(app, _MARK):
        return
    sender = Sender(_settings(app, amqp))
    watch = Watch(app, sender.send, sender.send_soon, dict(faults or {}))
    setattr(app, _MARK, watch)
    watch.connect()

    def begin(sender: Any = None, **_: Any) -> None:
        if sender.app is app:
            for task in app.tasks.values():
                task.Request = watch.wrap(symbol_by_name(task.Request or _REQUEST))
            for problem in dangers(app):
                log.warning(problem)

    signals.worker_init.connect(begin, weak=False)


def _settings(app: Any, amqp: Config) -> Settings:
    if amqp is not None and not (isinstance(amqp, str) and "://" in amqp):
        return settings_of(amqp)
    url = str(amqp or app.conf.broker_write_url or app.conf.broker_url or "amqp://")
    scheme = _SCHEMES.get(url.partition(":")[0])
    if scheme is None:
        shown, remedy = without_password(url), "say where the daemon's is: install(app, amqp='amqp://…')"
        raise ConfigurationError(f"the broker {shown} is no RabbitMQ; {remedy}")
    if amqp is None:
        url = app.connection_for_write().as_uri(include_password=True)
    url = f"{scheme}:{url.partition(':')[2]}"
    settings = Settings(_as_celery_does(app, url) if amqp is None else AmqpSettings(url))
    settings.amqp.parameters("")  # says what is wrong with the URL
    return settings


def _as_celery_does(app: Any, url: str) -> AmqpSettings:
    """With what Celery's own settings say of TLS, ``broker_use_ssl`` and ``broker_login_method``."""
    given = app.conf.broker_use_ssl or {}
    auth: Auth = "external" if str(app.conf.broker_login_method or "").upper() == "EXTERNAL" else "password"
    if not given:
        return AmqpSettings(url, auth=auth)
    options = given if isinstance(given, dict) else {}
    ca, cert, key = (Path(options[name]) if options.get(name) else None for name in ("ca_certs", "certfile", "keyfile"))
    is_verified = options.get("cert_reqs", ssl.CERT_REQUIRED) != ssl.CERT_NONE
    tls = Tls(ca, cert, key, is_verified, str(options.get("server_hostname") or ""))
    return AmqpSettings(f"amqps:{url.partition(':')[2]}", tls=tls, auth=auth)


def dangers(app: Any) -> list[str]:
    """The settings with which work can be lost, each with the remedy."""
    own = [task for name, task in sorted(app.tasks.items()) if not name.startswith("celery.")]
    early = [task.name for task in own if not task.acks_late]
    lost = [task.name for task in own if task.acks_late and not task.reject_on_worker_lost]
    found = []
    if early:
        found.append(
            f"acks_late is off ({_some(early)}): what a killed worker was doing is lost until the action's timeout; "
            "set task_acks_late = True where doing it twice does no harm"
        )
    if lost:
        found.append(
            f"reject_on_worker_lost is off ({_some(lost)}): a Celery task whose process is killed is an error instead "
            "of being done again; set task_reject_on_worker_lost = True where doing it twice does no harm"
        )
    options = app.conf.broker_transport_options or {}
    if not options.get("confirm_publish"):
        found.append(
            "confirm_publish is off: Celery's own retries may be lost on their way to RabbitMQ; "
            "set broker_transport_options = {'confirm_publish': True, 'confirm_timeout': 10}"
        )
    elif not options.get("confirm_timeout"):
        found.append(
            "confirm_publish has no confirm_timeout: a retry may wait for ever; add 'confirm_timeout': 10 to "
            "broker_transport_options"
        )
    if "json" not in app.conf.accept_content and "application/json" not in app.conf.accept_content:
        found.append("accept_content has no json: what processes ask for is refused; add 'json' to accept_content")
    return found


def _some(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
