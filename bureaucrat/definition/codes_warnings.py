"""Explanations of BX5xx: warnings, what a definition may say and its author has probably not meant."""

from __future__ import annotations

from typing import Final

from .explanation import Explanation

CODES: Final = {
    "BX501": Explanation(
        "Two branches of an all write the same name",
        "Which of them wrote last depends on which participant was faster. A branch that only adds to the value, such "
        "as an <assign> that reads the property it writes, is no problem. Answers of participants are not looked at.",
        '<all><assign property="price">1</assign><assign property="price">2</assign></all>',
        '<all><assign property="net">1</assign><assign property="gross">2</assign></all>',
    ),
    "BX502": Explanation(
        "The items of a parallel foreach write the same property",
        "The property is declared around the foreach, so every item writes over what the others wrote. Have the values "
        "collected, or declare the property in the foreach, where each item has its own.",
        '<process><context><property name="rows" type="int"/></context><foreach select="files" parallel="yes">'
        '<action participant="load" result="rows"/></foreach></process>',
        '<process><context><property name="rows" type="json"/></context><foreach select="files" parallel="yes" '
        'collect="rows" value="count"><action participant="load" result="count"/></foreach></process>',
    ),
    "BX503": Explanation(
        "A property is declared and never read",
        "Nothing reads it: no expression, no key, no action that sends all fields. A property of the process itself is "
        "part of the result, so there it counts as used when anything writes it. Perhaps its name is misspelt.",
        '<sequence><context><property name="amuont" type="int">5</property></context></sequence>',
        '<sequence><context><property name="amount" type="int">5</property></context>'
        '<delay duration="=amount"/></sequence>',
    ),
    "BX504": Explanation(
        "The process calls itself",
        "Such calls may be meant, for a tree for instance. But if no condition ends them, the 65th inside each other "
        "throws LimitExceeded.",
        '<process name="order"><call process="order"/></process>',
        '<process name="order"><call process="invoice"/></process>',
    ),
    "BX505": Explanation(
        "An activity never runs",
        "What stands before it never completes: an <exit>, a <fault> that is handled further out, a loop whose "
        "condition is always true, or something that is made of these. Or a <case> before it always fits.",
        '<exit/><action participant="mail"/>',
        '<action participant="mail"/><exit/>',
    ),
    "BX511": Explanation(
        "A wait may never end",
        "If the event or the person's answer does not come, the instance waits for ever. With a timeout it goes on, "
        "with due or a reminder somebody is told. One of these around it will do, and so will a branch beside it in an "
        "<any> that ends by itself. An action for a program has a time of its own, answer_timeout.",
        '<await event="paid"/>',
        '<await event="paid" timeout="30d"/>',
    ),
    "BX512": Explanation(
        "A fault is handled nowhere",
        "No <case> around it names its code, and there is no <default>; or there is one, and a case has a name so near "
        "that one of the two is probably misspelt. A fault that nobody handles is no loss: the instance is faulted "
        "until a person decides, and a called one throws it at its caller. If that is meant, say so in a comment.",
        '<fault code="Unpaid"/>',
        '<sequence><faults><case code="Unpaid"/></faults><fault code="Unpaid"/></sequence>\n'
        '<!-- lint: off BX512 a person decides --><fault code="Unpaid"/>',
    ),
    "BX513": Explanation(
        "A race goes on after its wait",
        "The first branch of an <any> that has completed as a whole ends the others. While a branch works on after its "
        "wait, the others may still win, and end that work. Put only the waits into the race.",
        '<any><sequence><await event="paid"/><action participant="ship"/></sequence><delay duration="1d"/></any>',
        '<any winner="first"><await event="paid"/><delay duration="1d"/></any><action participant="ship"/>',
    ),
    "BX514": Explanation(
        "Every item of a parallel foreach sends all fields",
        "An action without <input> sends every field that it sees. Of the items of a parallel foreach each does, so a "
        "large field goes out many times. Only the property that the list comes from is left out, if it is a plain "
        "name.",
        '<process><context><property name="book" type="json"/></context><foreach select="=range(9)" parallel="yes" '
        'as="page"><action participant="print"/></foreach></process>',
        '<process><context><property name="book" type="json"/></context><foreach select="=range(9)" parallel="yes" '
        'as="page"><action participant="print"><input><field name="text">book[page]</field></input></action></foreach>'
        "</process>",
    ),
    "BX517": Explanation(
        "No timeout comes to a handler of Timeout",
        "Nothing that the handler is for has a timeout, or what has one is handled further inside. An action has a "
        'time even without the attribute, but with exhausted="incident" its end is an incident, no fault.',
        '<sequence><faults><case code="Timeout"/></faults><await event="paid" due="1d"/></sequence>',
        '<sequence><faults><case code="Timeout"/></faults><await event="paid" timeout="1d"/></sequence>',
    ),
    "BX519": Explanation(
        "A name is gone after its foreach",
        "A name that is declared nowhere and written inside a foreach stays with the item, for items would write over "
        "each other. What leaves a foreach is declared outside it, or collected.",
        '<foreach select="lines" as="line"><assign property="last">line</assign></foreach>'
        '<assign property="text">last</assign>',
        '<process><context><property name="last" type="str"/></context>'
        '<foreach select="lines" as="line"><assign property="last">line</assign></foreach>'
        '<assign property="text">last</assign></process>',
    ),
    "BX520": Explanation(
        "A literal of another language is read as a property",
        "Literals are written as in Python: True, False and None. true, null and the like are names of properties, and "
        "nobody declares or writes this one, so that reading it throws UndefinedProperty.",
        '<while><condition>paid == false</condition><delay duration="1s"/></while>',
        '<while><condition>paid is False</condition><delay duration="1s"/></while>',
    ),
    "BX590": Explanation(
        "A comment silences nothing",
        "A warning is silenced by a comment right before the element that it is at, which names the code and the "
        "reason. This one names a warning that is not there, or no reason, or stands before something else. Errors "
        "cannot be silenced.",
        "<!-- lint: off BX512 --><exit/>",
        '<!-- lint: off BX512 a person decides --><fault code="Unpaid"/>',
    ),
}
