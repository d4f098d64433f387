"""The words of an instance's history, and how much of it a history level keeps."""

from __future__ import annotations

#: word -> whether the level ``activity`` keeps it (``full`` keeps every one, and every input besides)
WORDS: dict[str, bool] = {
    "launched": True,  #: the instance exists
    "started": False,  #: an activity was started
    "dispatched": False,  #: an attempt was handed out
    "answered": False,  #: a participant did its work; with the fields it changed
    "failed": True,  #: an attempt failed and there will be another
    "completed": True,
    "canceled": True,  #: an activity was ended from outside
    "caught": True,  #: a fault handler begins
    "incident": True,
    "resolved": True,
    "remembered": False,  #: a completed activity can be compensated
    "compensating": True,  #: the compensation of an activity begins
    "reminded": True,
    "overdue": True,
    "late": False,  #: an answer that changes nothing any more
    "condition": False,  #: a condition of an await could not be evaluated
    "warning": True,
    "suspended": True,
    "resumed": True,
    "changed": True,  #: a person set fields
    "migrated": True,  #: it goes on by another definition
    "mended": True,  #: a person had derived anew what was damaged; the engine writes it, no step does
    "moved": True,  #: a person ended an activity and started another in its place
    "ended": True,  #: the instance has ended
}
