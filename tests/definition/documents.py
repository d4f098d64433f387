"""Documents that several tests read."""

from __future__ import annotations

from bureaucrat.core.table import Definition
from bureaucrat.definition import InvalidDefinition, ReadLimits, read

#: Every element and attribute that this version supports, at least once.
EVERYTHING = """<?xml version="1.0" encoding="UTF-8"?>
<!-- everything there is -->
<process xmlns="urn:bureaucrat:process:1" name="everything" id="root" key="order_id" unique="yes" timeout="30d" due="2d"
         parent="1234_0">
  <context>
    <property name="order_id" type="str" required="yes"/>
    <property name="amount" type="int"> 12 </property>
    <property name="rate" type="float">0.5</property>
    <property name="open" type="bool">1</property>
    <property name="lines" type="json">[{"price": 1}, {"price": 2}]</property>
    <property name="note" type="str"> two words </property>
    <faults>
      <default id="sorry"><fault/></default>
      <case code="Timeout, ActionError" name="late">
        <context><property name="inner" type="int"/></context>
        <sequence><exit scope="root" outcome="=note"/></sequence>
      </case>
    </faults>
  </context>
  <sequence id="first" name="First of all" timeout="PT1H" due="=rate * 60">
    <action id="charge" participant="celery:shop.tasks.charge" retries="3" delay="2s" backoff="1.5" max_delay="1m"
            jitter="no" timeout="=amount" exhausted="fault" arguments="kwargs" result="receipt" priority="9">
      <input all="yes"><field name="total">amount * 2</field></input>
      <output><field name="amount">answer["amount"]</field></output>
      <reminder after="1d" every="=rate" id="nag" name="Nag"><signal event="late"/></reminder>
      <reminder after="2d"/>
      <faults><case code="Refused"><assign property="open">False</assign></case></faults>
    </action>
    <action participant="=note" priority="=amount">
      <form>
        <field name="answer_text"/>
        <field name="colour" type="text" label="Which colour?" required="yes" choices="red, green"/>
      </form>
    </action>
  </sequence>
  <switch>
    <case id="many"><condition>amount &lt; 100</condition><condition>open is True</condition>
      <delay duration="90s"/></case>
    <default><delay until="2026-11-21T10:00Z"/></default>
  </switch>
  <while due="1h">
    <condition>context["amount"] &lt; 4</condition>
    <condition>workitem.fields["open"] is True</condition>
    <assign property="amount">amount + 1</assign>
  </while>
  <foreach select="lines" as="line" parallel="no" collect="prices" value="line['price']">
    <condition>this is ( not looked at</condition>
    <context><property name="price" type="float"/></context>
    <all>
      <delay duration="=1"/>
      <any winner="won">
        <await id="paid" event="paid" key="order.id" equals="order_id" property="body">
          <condition>event["amount"] > 0</condition>
        </await>
        <await event="=note" since="turn"/>
        <delay until="=now()"/>
      </any>
    </all>
  </foreach>
  <foreach select="=lines[:1]"/>
  <call process="$text" timeout="1h">
    <input><field name="order_id">order_id</field></input>
    <output><field name="amount">answer["amount"]</field></output>
  </call>
  <signal event="=note"><field name="status">amount</field></signal>
  <fault code="=note" message="because"/>
  <exit/>
  <call process="part@2"/>
  <call process="=note"/>
  <sequence id="packed">
    <context><compensation id="unpack" name="Unpack"><context><property name="box" type="int"/></context>
      <faults><default/></faults><exit scope="unpack"/></compensation></context>
    <delay duration="1"><compensation/></delay>
  </sequence>
  <compensate timeout="1h"><compensation><delay duration="1"/></compensation></compensate>
  <compensate scope="packed"/>
</process>
"""

LIMITS = ReadLimits()

#: What the original's users have (parity, B-056 to B-075).
ORIGINAL = """
<process name="legacy" parent="4f0c_2">
    <context>
        <property name="counter" type="int">0</property>
        <property name="ready" type="bool">0</property>
        <property name="price" type="float">1.5</property>
        <property name="title" type="str">hello</property>
        <property name="prop" type="json">{"subkey": [1, 2]}</property>
        <faults>
            <case code="GenericError, ActionError"><action participant="cleanup"></action></case>
            <default></default>
        </faults>
    </context>
    <sequence>
        <context><property name="counter" type="int">1</property></context>
        <action participant="webhook_launcher.tasks.handle_webhook"></action>
    </sequence>
    <switch>
        <case>
            <condition>workitem.fields["ready"] is True</condition>
            <condition>context["counter"] == 1</condition>
            <action participant="p1"></action>
        </case>
    </switch>
    <while>
        <condition>context["counter"] &lt; 4</condition>
        <condition>workitem.fields["ready"] is True</condition>
        <assign property="counter">context["counter"] + 1</assign>
    </while>
    <all><action participant="p1"></action><delay duration="120"></delay></all>
    <call process="$proc"></call>
    <await event="fake_event_name"><condition>context["ready"] is True</condition></await>
    <foreach select="prop.subkey"><action participant="p1"></action></foreach>
    <fault code="GenericError" message="no reason"></fault>
    <fault></fault>
</process>
"""


def process(inside: str, attributes: str = "") -> str:
    """A process around `inside`."""
    return f"<process{attributes}>{inside}</process>"


def refused(source: bytes | str, limits: ReadLimits = LIMITS) -> list[str]:
    """``line:column code message`` of all problems; the test fails if there is none."""
    try:
        definition = read(source, limits=limits)
    except InvalidDefinition as error:
        return [f"{one.line}:{one.column} {one.code} {one.message}" for one in error.problems]
    raise AssertionError(f"{definition.name} was accepted")


def accepted(inside: str, attributes: str = "") -> Definition:
    """A definition with `inside`, which must be valid."""
    return read(process(inside, attributes))
