"""What goes into a Celery app whose tasks are steps of processes.

.. code-block:: python

    app = Celery("proj", broker="amqp://…")
    bureaucrat.celery.install(app)

Rules: nothing of the app is changed, and no setting of it; a task that no process has asked for is not touched. What a
task answers is confirmed by RabbitMQ before Celery acknowledges the task, if it acknowledges late.
"""

from .functions import workitem_task
from .installing import install

__all__ = ["install", "workitem_task"]
