"""Processes that start with what Django commits, and never without it.

``INSTALLED_APPS`` has ``bureaucrat.django``; the setting ``BUREAUCRAT`` says where the daemons are:

``{"database": "default"}``
    They work on the PostgreSQL that Django calls so. A start or an event is a row of the same transaction.
``{"amqp": "amqp://…"}``
    They are reached through RabbitMQ: it is published when the transaction has been committed.

With both, what happens in that database goes by its transaction, and what happens in others through RabbitMQ.
"""

from __future__ import annotations

from .calls import aevent, alaunch, event, launch

__all__ = ["aevent", "alaunch", "event", "launch"]
