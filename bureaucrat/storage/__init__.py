"""Where instances are kept: one adapter per technology behind :class:`bureaucrat.ports.Storage`."""
