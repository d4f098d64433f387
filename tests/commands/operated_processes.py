"""Small processes in every state that an operator meets."""

ORDER = """
<process name="order" key="order_id">
  <context>
    <property name="order_id" type="str" required="yes"/>
    <property name="secret" type="str"/>
  </context>
  <action id="reserve" participant="reserve_stock"/>
  <await id="payment" event="payment.authorized" key="order_id" timeout="30m"/>
  <action id="capture" participant="capture" retries="2" delay="10s" jitter="0"/>
  <exit outcome="shipped"/>
</process>
"""
SHIPPING = """
<process name="shipping">
  <all id="fulfil">
    <action id="ship" participant="ship"/>
    <action id="invoice" participant="invoice"/>
  </all>
</process>
"""
PAGES = """
<process name="pages">
  <foreach id="page" select="=[1, 2, 3]"><action id="load" participant="load"/></foreach>
</process>
"""
PAUSE = '<process name="pause"><delay id="night" duration="8h"/></process>'
CALLING = """
<process name="calling">
  <context><property name="child" type="str"/></context>
  <call id="ask" process="$child"/>
</process>
"""
TWICE = """
<process name="twice">
  <delay id="wait" duration="1h"/>
  <action participant="ask"/>
  <action participant="ask"/>
</process>
"""
WATCHED = """
<process name="watched">
  <sequence id="visit" due="1h" timeout="2h">
    <reminder after="10m"><action participant="nag"/></reminder>
    <await id="guest" event="door.opened"/>
  </sequence>
</process>
"""
FILES = """
<process name="files">
  <foreach id="each" select="=range(1000)" as="n" parallel="yes"><action id="load" participant="load"/></foreach>
</process>
"""
