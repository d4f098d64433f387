"""Explanations of BX2xx, values that are none of their kind, and BX4xx, expressions."""

from __future__ import annotations

from typing import Final

from .explanation import Explanation

CODES: Final = {
    "BX201": Explanation(
        "A name is not usable",
        "Ids, participants, events and names of fields are not empty, have at most 200 characters and no control "
        "characters; ids, participants and names of processes have no white space either. Line ends that an editor put "
        "into an attribute count as white space.",
        '<action participant="celery: shop.tasks.charge"/>',
        '<action participant="celery:shop.tasks.charge"/>',
    ),
    "BX202": Explanation(
        "This is neither yes nor no",
        "Attributes that are on or off take yes and no, true and false, 1 and 0, in small letters.",
        '<property name="order" type="str" required="True"/>',
        '<property name="order" type="str" required="yes"/>',
    ),
    "BX203": Explanation(
        "This is no number in its range",
        "Counts and priorities are whole numbers written in digits; backoff may have a fraction. The message gives the "
        "range.",
        '<action participant="a" retries="three"/>',
        '<action participant="a" retries="3"/>',
    ),
    "BX204": Explanation(
        "This is no duration",
        "A duration is a number of seconds (120, 0.5), short (90s, 1h30m, 2d) or ISO 8601 (PT1H30M), from 0 to 10 "
        "years. Where the language allows an expression, it begins with =.",
        '<delay duration="30 min"/>',
        '<delay duration="30m"/>\n<delay duration="=patience * 60"/>',
    ),
    "BX205": Explanation(
        "This is not one of the choices",
        "The attribute takes one of a few words, written exactly so; the message lists them.",
        '<property name="amount" type="integer">5</property>',
        '<property name="amount" type="int">5</property>',
    ),
    "BX206": Explanation(
        "The text of a property does not fit its type",
        "The text is parsed when the definition is read: int and float take a number, bool takes 0, 1, true or false, "
        "json takes JSON without NaN, without integers beyond 64 bits and without the same key twice. Empty text is "
        "null, for str the empty string.",
        '<property name="amount" type="int">ten</property>',
        '<property name="amount" type="int">10</property>',
    ),
    "BX207": Explanation(
        "This is no dotted path",
        "A path names a property and, with dots, what is inside it: order.lines. Brackets, spaces and operators belong "
        "in an expression; select takes one after =.",
        "<foreach select=\"order['lines']\"/>",
        "<foreach select=\"order.lines\"/>\n<foreach select=\"=context['order']['lines'][:10]\"/>",
    ),
    "BX208": Explanation(
        "The name is reserved",
        "Names that begin with inst: and the name status belong to the engine: inst:fault in handlers, inst:current in "
        "loops, status in answers. A definition may read the first but declares and writes neither.",
        '<assign property="status">1</assign>',
        '<assign property="order_status">1</assign>',
    ),
    "BX209": Explanation(
        "A property is named like a function",
        "In expressions a bare name is a property unless it is a function, so a property called sum could be declared "
        "but never read that way. Choose another name.",
        '<property name="sum" type="int"/>',
        '<property name="total" type="int"/>',
    ),
    "BX210": Explanation(
        "This is no instant",
        "An instant is a date and time in ISO 8601, with its zone, or a number of seconds since 1970. The zone is Z "
        "for UTC, an offset such as +01:00, or given by timezone beside it. For an instant that the process knows, "
        "write an expression after =.",
        '<delay until="tomorrow"/>',
        '<delay until="2026-11-21T10:00Z"/>\n<delay until="2026-11-21T10:00" timezone="Europe/Berlin"/>\n'
        "<delay until=\"=now() + seconds('1d')\"/>",
    ),
    "BX211": Explanation(
        "This is no version of a process",
        "A registered process is called by its name, in its newest version, or by its name, an @ and a version, which "
        "is a whole number. A process whose definition stands in a property is called by $ and the property's name.",
        '<call process="invoice@latest"/>',
        '<call process="invoice"/>\n<call process="invoice@3"/>',
    ),
    "BX212": Explanation(
        "This is no list of fault codes",
        "A case names the codes it handles, with commas between. For all that no case names there is <default>.",
        '<case code="Timeout,"/>',
        '<case code="Timeout, ActionError"/>',
    ),
    "BX213": Explanation(
        "This is no cron expression",
        "A cron expression has five fields with spaces between: minute, hour, day, month and day of the week. A field "
        "is * or numbers: 5, 1-5, */15, 0,30. Where both a day and a day of the week are given, either is enough.",
        '<delay cron="9:00 * * 1-5"/>',
        '<delay cron="0 9 * * 1-5" timezone="Europe/Berlin"/>',
    ),
    "BX214": Explanation(
        "The time zone is unknown",
        "A zone has a name in the IANA database, such as Europe/Berlin, America/New_York or UTC. Names of offsets, "
        "such as CEST, are none: they do not say when the clocks are set.",
        '<delay cron="0 9 * * *" timezone="Berlin"/>',
        '<delay cron="0 9 * * *" timezone="Europe/Berlin"/>',
    ),
    "BX401": Explanation(
        "The expression is not valid",
        "Expressions have Python's syntax, a subset without side effects: literals, names of properties, arithmetic, "
        "comparisons, and/or/not, comprehensions and some functions. The place is that of the part that does not fit.",
        "<condition>amount = 100</condition>",
        "<condition>amount == 100</condition>",
    ),
    "BX402": Explanation(
        "The expression is empty",
        "The element or attribute must say what to evaluate.",
        '<assign property="total"/>',
        '<assign property="total">price * count</assign>',
    ),
    "BX403": Explanation(
        "An expression begins with =",
        "Only attributes that take a literal as well as an expression, such as duration, need the =. Conditions, "
        "assign, fields, value and equals are always expressions and have none.",
        '<await event="paid" key="order" equals="=number"/>',
        '<await event="paid" key="order" equals="number"/>',
    ),
}
