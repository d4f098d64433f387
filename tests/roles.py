"""The users of RabbitMQ and their rights, as ``docs/operations.rst`` gives them: the tests use no others."""

from __future__ import annotations

import shlex
from pathlib import Path

from rabbit import Role

PAGE = Path(__file__).parent.parent / "docs" / "operations.rst"


def documented() -> list[Role]:
    """What the commands ``rabbitmqctl set_…permissions`` of the page say, of users called ``bureaucrat-…``."""
    text = PAGE.read_text(encoding="utf-8").replace("\\\n", " ")
    found = []
    for line in text.splitlines():
        words = shlex.split(line) if line.strip().startswith("rabbitmqctl set_") and "permissions" in line else []
        if words:
            _, function, option, vhost, user, *rights = words
            assert (option, vhost, len(rights)) == ("-p", "bureaucrat", 3), line
            found.append(Role(function, user, tuple(rights)))
    return found
