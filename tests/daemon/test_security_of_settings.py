"""What the settings of security become."""

from __future__ import annotations

from pathlib import Path

from bureaucrat.config import load
from bureaucrat.daemon.root import courier_of, names_of, settings_of
from bureaucrat.engine.bounds import Bound, Bounds
from bureaucrat.engine.users import Users

TEXT = """
[amqp]
url = amqps://daemon@mq1/v
auth = external
ssl_cert = /a.pem
[bureaucrat]
exchange = bureaucrat.in
[security]
signing_key = {key}
strict = yes
[participant:charge]
user = charge-worker
[participant:mail]
max_in_flight = 3
"""


def test_keys_users_and_the_exchange_reach_the_engine_and_the_courier(tmp_path: Path) -> None:
    """A section that gives a user bounds nothing, and one that bounds gives no user."""
    file = tmp_path / "config.ini"
    file.write_text(TEXT.format(key="k" * 32))
    config = load(file, {}, search=())

    settings = settings_of(config)

    assert (settings.signing_keys, settings.accept_untokened) == (("k" * 32,), False)
    assert settings.users == Users((("charge", "charge-worker"),), "worker:", True)
    assert settings.bounds == Bounds((("mail", Bound(3, None, f"{file}:13  [participant:mail]")),), "worker:")
    assert names_of(config.bureaucrat).exchange == "bureaucrat.in"
    assert courier_of(config).serves("charge")
