"""Settings: a file, the environment and defaults, read into frozen dataclasses that know where each value comes from.

Rules: this package is a leaf. Nothing below the composition roots reads a file of settings or the environment; what it
needs of them is handed to it.
"""

from .keys import (
    KEYS,
    SECTIONS,
    Amqp,
    Bureaucrat,
    Celery,
    Health,
    Key,
    LimitSettings,
    Log,
    Participant,
    Security,
    Service,
    ServiceSettings,
    SignalSettings,
    Storage,
    participant_keys,
    service_keys,
)
from .kinds import Address, Hosts, Routing, without_password
from .reading import SEARCH, load
from .settings import Config, Origin, Setting

__all__ = [
    "KEYS",
    "SEARCH",
    "SECTIONS",
    "Address",
    "Amqp",
    "LimitSettings",
    "Bureaucrat",
    "Celery",
    "Config",
    "Health",
    "Hosts",
    "Key",
    "Log",
    "Origin",
    "Participant",
    "Routing",
    "Security",
    "Service",
    "ServiceSettings",
    "SignalSettings",
    "Setting",
    "Storage",
    "load",
    "participant_keys",
    "service_keys",
    "without_password",
]
