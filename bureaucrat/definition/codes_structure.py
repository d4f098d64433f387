"""Explanations of BX3xx, how elements and attributes fit together."""

from __future__ import annotations

from typing import Final

from .explanation import Explanation

CODES: Final = {
    "BX301": Explanation(
        "The element is unknown",
        "No element of the language has this name. What it holds is checked only if it is clear what was meant.",
        '<actoin participant="a"/>',
        '<action participant="a"/>',
    ),
    "BX302": Explanation(
        "The attribute is unknown",
        "This element has no such attribute. Nothing is ignored: a misspelt timeout would be none at all.",
        '<action participant="a" timout="5m"/>',
        '<action participant="a" timeout="5m"/>',
    ),
    "BX303": Explanation(
        "The element stands in the wrong place",
        "The element is known but has no meaning here; the message says where it belongs. Simple activities (action, "
        "delay, call, await …) hold no activities and no <context>: put a <sequence> around them.",
        "<sequence><case><condition>paid</condition></case></sequence>",
        "<switch><case><condition>paid</condition></case></switch>",
    ),
    "BX304": Explanation(
        "An activity that never waits takes no timeout",
        "assign, signal, exit and fault are over in the step they start in, so nothing can run out. Put the timeout on "
        "what waits, or on the <sequence> around.",
        '<signal event="paid" timeout="5m"/>',
        '<sequence timeout="5m"><signal event="paid"/><await event="sent"/></sequence>',
    ),
    "BX305": Explanation(
        "An attribute is missing",
        "The element means nothing without it. The message names it, with the choices if there are few.",
        "<action/>",
        '<action participant="worker:charge"/>',
    ),
    "BX306": Explanation(
        "An id is used twice",
        "Ids name activities in the history, in diagrams and for migration, so each is unique in the whole definition. "
        "For text that people read use name, which may repeat.",
        '<delay id="wait" duration="1"/><delay id="wait" duration="2"/>',
        '<delay id="wait" duration="1"/><delay id="wait-again" duration="2"/>',
    ),
    "BX307": Explanation(
        "Something that must be inside is missing",
        "The case of a switch and a while need at least one <condition>; what is to run otherwise stands in <default>. "
        "A form needs a <field>.",
        '<case><action participant="a"/></case>',
        '<case><condition>paid</condition><action participant="a"/></case>',
    ),
    "BX308": Explanation(
        "A case after the default never runs",
        "A switch takes the first branch that fits, and <default> always fits. Put it last.",
        "<switch><default/><case><condition>paid</condition></case></switch>",
        "<switch><case><condition>paid</condition></case><default/></switch>",
    ),
    "BX309": Explanation(
        "There is one too many of an element",
        "The element may be there once, and it would not be clear which of them counts. Join them into one.",
        "<switch><default/><default/></switch>",
        "<switch><default/></switch>",
    ),
    "BX310": Explanation(
        "Faults are handled, or a compensation stands, in two places",
        "Handlers and the compensation stand in the <context> or directly in the activity, but not in both: their "
        "order would be unclear.",
        "<sequence><context><faults/></context><faults/></sequence>",
        "<sequence><context><faults/></context></sequence>",
    ),
    "BX311": Explanation(
        "A delay needs exactly one of duration, until and cron",
        "duration counts from the moment the delay starts, until names an instant, cron waits for its next tick.",
        "<delay/>",
        '<delay duration="2h"/>',
    ),
    "BX312": Explanation(
        "Only one of collect and value is there",
        "value is evaluated after each item, and collect names the property that takes the list of these values.",
        '<foreach select="lines" collect="prices"/>',
        '<foreach select="lines" as="line" collect="prices" value="line[\'price\']"/>',
    ),
    "BX313": Explanation(
        "An await with equals needs a key",
        "equals is what the event's value under key is compared with; without a key there is nothing to compare.",
        '<await event="paid" equals="number"/>',
        '<await event="paid" key="order.id" equals="number"/>',
    ),
    "BX314": Explanation(
        "A unique process needs a key",
        "unique says that no two unfinished instances have the same business key, which key names.",
        '<process unique="yes"/>',
        '<process key="order_id" unique="yes"/>',
    ),
    "BX315": Explanation(
        "A repeated reminder needs every",
        "A reminder without every comes once, after the time that after gives. To repeat it, say how often.",
        '<reminder after="1d" times="3"/>',
        '<reminder after="1d" every="1d" times="3"/>',
    ),
    "BX316": Explanation(
        "A name is there twice",
        "A context declares each property once, and an input, output, form or signal gives each field once.",
        '<input><field name="a">1</field><field name="a">2</field></input>',
        '<input><field name="a">2</field></input>',
    ),
    "BX317": Explanation(
        "A required property must come with the start",
        'required="yes": the start must give the value. So it stands in the context of <process>, with no text.',
        '<property name="order" type="str" required="yes">none</property>',
        '<property name="order" type="str" required="yes"/>',
    ),
    "BX318": Explanation(
        "The scope of an exit is not around it",
        "exit ends an activity that it is inside of, named by its id. Without scope it ends the instance.",
        '<sequence id="a"/><exit scope="a"/>',
        '<sequence id="a"><exit scope="a"/></sequence>',
    ),
    "BX319": Explanation(
        "Text where none is meant",
        "This element takes elements, no text. Conditions stand in <condition>, remarks in <!-- comments -->.",
        '<while>count > 0 <delay duration="1"/></while>',
        '<while><condition>count > 0</condition><delay duration="1"/></while>',
    ),
    "BX320": Explanation(
        "The root is not <process>",
        "A definition is one <process>; everything else stands inside it.",
        "<sequence/>",
        "<process><sequence/></process>",
    ),
    "BX321": Explanation(
        "What compensate names cannot be compensated",
        "scope names an activity by its id, one that has completed when the <compensate> runs: it has a "
        "<compensation>, or something inside it does. An activity that is still around the <compensate> has not "
        "completed; without scope everything done in it so far is compensated.",
        '<action id="charge" participant="charge"/><compensate scope="charge"/>',
        '<action id="charge" participant="charge"><compensation><action participant="refund"/></compensation></action>'
        '<compensate scope="charge"/>',
    ),
    "BX322": Explanation(
        "A process has no compensation",
        "A compensation runs when an activity has completed and the process around it goes back. When the process "
        "itself has completed, nothing is left that could. A caller puts a <compensation> on its <call>.",
        '<process><compensation><action participant="undo"/></compensation></process>',
        '<process><sequence><compensation><action participant="undo"/></compensation></sequence></process>',
    ),
    "BX323": Explanation(
        "This has no place in a compensation",
        "A compensation runs after its activity has ended, when what was remembered inside that activity is forgotten. "
        "What it does is not compensated in its turn, and it cannot end the instance; it may throw a fault.",
        '<sequence><compensation><compensate/></compensation><action participant="a"/></sequence>',
        '<sequence><compensation><action participant="undo"/></compensation><action participant="a"/></sequence>',
    ),
    "BX324": Explanation(
        "A time zone for which there is no time",
        "timezone says whose clocks the times of cron are, or a timestamp in until that says no zone itself. A "
        "duration is the same everywhere.",
        '<delay duration="2h" timezone="Europe/Berlin"/>',
        '<delay until="2026-11-21T10:00" timezone="Europe/Berlin"/>',
    ),
    "BX325": Explanation(
        "A start needs a schedule or an event",
        "An instance is started by the ticks of cron, to which timezone, overlap and missed belong, or by each event "
        "of a name, which <condition>s may look at. For both write two <start>s.",
        '<start event="order_placed" overlap="skip"/>',
        '<start event="order_placed"/>\n<start cron="0 2 * * *" timezone="Europe/Berlin" overlap="skip"/>',
    ),
    "BX326": Explanation(
        "A start stands after an activity",
        "What starts a process stands at its beginning, before the activities, where a reader looks for it.",
        '<process name="p"><action participant="a"/><start cron="0 2 * * *"/></process>',
        '<process name="p"><start cron="0 2 * * *"/><action participant="a"/></process>',
    ),
    "BX327": Explanation(
        "A process that is started by cron requires a property",
        "A tick brings no fields, so a required property would never be there and no instance could start. Give the "
        "property an initial value; inst:tick is the scheduled time.",
        '<start cron="0 2 * * *"/>\n<context><property name="day" type="str" required="yes"/></context>',
        '<start cron="0 2 * * *"/>\n<context><property name="day" type="str">today</property></context>',
    ),
}
