"""Run processes in a test, with virtual time."""

from .desk import OpenAttempt
from .happened import told
from .simulation import DEFAULT_SETTINGS, START, Simulation

__all__ = ["DEFAULT_SETTINGS", "START", "OpenAttempt", "Simulation", "told"]
