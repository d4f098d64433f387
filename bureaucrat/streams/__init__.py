"""Stream agents: an agent is an ``async for`` over typed events that others cast to, ask and map over.

A program of Faust's guide to agents runs with ``from bureaucrat import streams as faust`` and ``amqp://`` or
``memory://`` as the broker. ``docs/howto/streams.rst`` begins at the beginning.
"""

from .agents import Agent
from .app import App
from .channels import Channel, RecordMetadata
from .codecs import Codec
from .current import current_agent, current_event
from .envelopes import ReqRepRequest, ReqRepResponse
from .events import Event
from .failures import AgentError, ImproperlyConfigured, Malformed, NoReply
from .policies import Retry
from .records import Record
from .replies import BarrierState, ReplyPromise
from .streams import Stream
from .supervisors import (
    CrashingSupervisor,
    ForfeitOneForAllSupervisor,
    ForfeitOneForOneSupervisor,
    OneForAllSupervisor,
    OneForOneSupervisor,
    Supervisor,
)
from .topics import Topic

StreamT = Stream  #: the name by which the guide's programs annotate it

__all__ = [
    "App",
    "Record",
    "Codec",
    # what is read and written
    "Topic",
    "Channel",
    "Event",
    "RecordMetadata",
    "Stream",
    "StreamT",
    # agents
    "Agent",
    "Retry",
    "Supervisor",
    "OneForOneSupervisor",
    "OneForAllSupervisor",
    "ForfeitOneForOneSupervisor",
    "ForfeitOneForAllSupervisor",
    "CrashingSupervisor",
    "current_agent",
    "current_event",
    # replies
    "ReplyPromise",
    "BarrierState",
    "ReqRepRequest",
    "ReqRepResponse",
    # what goes wrong
    "ImproperlyConfigured",
    "AgentError",
    "NoReply",
    "Malformed",
]
