"""The application that ``INSTALLED_APPS`` names."""

from __future__ import annotations

from django.apps import AppConfig
from django.core import checks


class BureaucratConfig(AppConfig):  # type: ignore[misc] # Django has no types
    """Brings the checks of the setting and of the database."""

    name = "bureaucrat.django"
    label = "bureaucrat"
    verbose_name = "Bureaucrat"

    def ready(self) -> None:
        from .checks import check_database, check_setting

        checks.register(check_setting)
        checks.register(check_database, checks.Tags.database)
