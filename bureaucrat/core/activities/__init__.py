"""The activities, one file each, and the table of their tags."""

from ..activity import Activity
from .action import Action
from .alternatives import Any
from .assign import Assign
from .await_ import Await
from .call import Call
from .compensate import Compensate
from .delay import Delay
from .exit import Exit
from .fault import Throw
from .foreach import Foreach
from .items import ParallelForeach
from .parallel import All
from .sequence import Block, Compensation, Process, Sequence
from .signal import Signal
from .switch import Case, Switch
from .while_ import While

#: tag -> class, for the elements that authors write as activities
ACTIVITIES: dict[str, type[Activity]] = {
    cls.tag: cls
    for cls in (
        Action,
        All,
        Any,
        Assign,
        Await,
        Call,
        Compensate,
        Delay,
        Exit,
        Throw,
        Foreach,
        Sequence,
        Signal,
        Switch,
        While,
    )
}

__all__ = [
    "ACTIVITIES",
    "Action",
    "All",
    "Any",
    "Assign",
    "Await",
    "Block",
    "Call",
    "Case",
    "Compensate",
    "Compensation",
    "Delay",
    "Exit",
    "Foreach",
    "ParallelForeach",
    "Process",
    "Sequence",
    "Signal",
    "Switch",
    "Throw",
    "While",
]
