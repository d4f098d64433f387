BEGIN TRANSACTION;
CREATE TABLE audit (
    number INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    who TEXT NOT NULL,
    command TEXT NOT NULL,
    instance TEXT NOT NULL,
    detail TEXT NOT NULL,
    reason TEXT NOT NULL,
    outcome TEXT NOT NULL,
    answer TEXT NOT NULL
);
CREATE TABLE branches (
    instance TEXT NOT NULL,
    id TEXT NOT NULL,
    due REAL,
    attempt INTEGER,
    state TEXT NOT NULL, participant TEXT NOT NULL DEFAULT '',
    PRIMARY KEY (instance, id)
) WITHOUT ROWID;
INSERT INTO "branches" VALUES('01a21295502894ac44693153266b2107','',1.79563690500013160705e+09,NULL,'[null,-1,0,0.0,[{"activity":0,"activation":1,"since":1795608105.0001316,"state":"active","position":0,"turn":0,"turned":0.0,"mark":0,"kept":0,"undoing":"","tries":0,"open":0,"incident":0,"blocks":false,"own":false,"text":"","timers":{},"reminded":{},"attempts":[],"fault":null},{"activity":1,"activation":2,"since":1795608105.0001316,"state":"waiting","position":-1,"turn":0,"turned":0.0,"mark":0,"kept":0,"undoing":"","tries":0,"open":0,"incident":0,"blocks":false,"own":false,"text":"","timers":{"delay":1795636905.0001316},"reminded":{},"attempts":[],"fault":null}]]','');
INSERT INTO "branches" VALUES('calling-1','',NULL,NULL,'[null,-1,0,0.0,[{"activity":0,"activation":1,"since":1795608105.0001268,"state":"active","position":0,"turn":0,"turned":0.0,"mark":0,"kept":0,"undoing":"","tries":0,"open":0,"incident":0,"blocks":false,"own":false,"text":"","timers":{},"reminded":{},"attempts":[],"fault":null},{"activity":1,"activation":2,"since":1795608105.0001268,"state":"waiting","position":-1,"turn":0,"turned":0.0,"mark":0,"kept":0,"undoing":"","tries":0,"open":0,"incident":0,"blocks":false,"own":false,"text":"01a21295502894ac44693153266b2107","timers":{},"reminded":{},"attempts":[],"fault":null}]]','');
INSERT INTO "branches" VALUES('ended-1','',NULL,NULL,'[null,-1,2,0.0,[]]','');
INSERT INTO "branches" VALUES('ended-2','',NULL,NULL,'[null,-1,2,0.0,[]]','');
INSERT INTO "branches" VALUES('ended-3','',NULL,NULL,'[null,-1,1,0.0,[]]','');
INSERT INTO "branches" VALUES('fb49f84266ff5fc283e46bd25ed315a5','',1.79569451300016784669e+09,1,'[null,-1,0,0.0,[{"activity":0,"activation":1,"since":1795608113.0001678,"state":"active","position":0,"turn":0,"turned":0.0,"mark":0,"kept":0,"undoing":"","tries":0,"open":0,"incident":0,"blocks":false,"own":false,"text":"","timers":{},"reminded":{},"attempts":[],"fault":null},{"activity":1,"activation":2,"since":1795608113.0001678,"state":"waiting","position":-1,"turn":0,"turned":0.0,"mark":0,"kept":0,"undoing":"","tries":1,"open":0,"incident":0,"blocks":false,"own":false,"text":"","timers":{"timeout":1795694513.0001678},"reminded":{},"attempts":[{"number":1,"sent":{"inst:id":"#pQWzeJklsubXQJtLlksDcw","inst:name":"\"greeted\"","whom":"\"ann\""},"to":null}],"fault":null}]]','greet');
INSERT INTO "branches" VALUES('files-1','',NULL,NULL,'[null,-1,0,0.0,[{"activity":0,"activation":1,"since":1795608102.0001087,"state":"active","position":0,"turn":0,"turned":0.0,"mark":0,"kept":0,"undoing":"","tries":0,"open":0,"incident":0,"blocks":false,"own":false,"text":"","timers":{},"reminded":{},"attempts":[],"fault":null},{"activity":1,"activation":2,"since":1795608102.0001087,"state":"active","position":2,"turn":1,"turned":0.0,"mark":0,"kept":0,"undoing":"","tries":0,"open":2,"incident":0,"blocks":false,"own":false,"text":"","timers":{},"reminded":{},"attempts":[],"fault":null}]]','');
INSERT INTO "branches" VALUES('files-1','_0.1',1.79569450200010871879e+09,1,'["",1,0,0.0,[{"activity":1,"activation":3,"since":1795608102.0001087,"state":"active","position":0,"turn":0,"turned":0.0,"mark":0,"kept":0,"undoing":"","tries":0,"open":0,"incident":0,"blocks":false,"own":false,"text":"","timers":{},"reminded":{},"attempts":[],"fault":null},{"activity":2,"activation":4,"since":1795608102.0001087,"state":"waiting","position":-1,"turn":0,"turned":0.0,"mark":0,"kept":0,"undoing":"","tries":1,"open":0,"incident":0,"blocks":false,"own":false,"text":"","timers":{"timeout":1795694502.0001087},"reminded":{},"attempts":[{"number":1,"sent":{"inst:current":"1","inst:id":"\"files-1\"","inst:iteration":"1","inst:name":"\"files\"","n":"1"},"to":null}],"fault":null}]]','load');
INSERT INTO "branches" VALUES('files-1','_0.3',1.79569450300011348728e+09,3,'["",1,0,0.0,[{"activity":1,"activation":7,"since":1795608103.0001135,"state":"active","position":0,"turn":0,"turned":0.0,"mark":0,"kept":0,"undoing":"","tries":0,"open":0,"incident":0,"blocks":false,"own":false,"text":"","timers":{},"reminded":{},"attempts":[],"fault":null},{"activity":2,"activation":8,"since":1795608103.0001135,"state":"waiting","position":-1,"turn":0,"turned":0.0,"mark":0,"kept":0,"undoing":"","tries":1,"open":0,"incident":0,"blocks":false,"own":false,"text":"","timers":{"timeout":1795694503.0001135},"reminded":{},"attempts":[{"number":3,"sent":{"inst:current":"3","inst:id":"\"files-1\"","inst:iteration":"3","inst:name":"\"files\"","n":"3"},"to":null}],"fault":null}]]','load');
INSERT INTO "branches" VALUES('loop-1','',1.79569451200016117096e+09,2,'[null,-1,0,0.0,[{"activity":0,"activation":1,"since":1795608111.0001583,"state":"active","position":0,"turn":0,"turned":0.0,"mark":0,"kept":0,"undoing":"","tries":0,"open":0,"incident":0,"blocks":false,"own":false,"text":"","timers":{},"reminded":{},"attempts":[],"fault":null},{"activity":1,"activation":2,"since":1795608111.0001583,"state":"active","position":0,"turn":2,"turned":1795608112.0001612,"mark":0,"kept":0,"undoing":"","tries":0,"open":0,"incident":0,"blocks":false,"own":false,"text":"","timers":{},"reminded":{},"attempts":[],"fault":null},{"activity":2,"activation":5,"since":1795608112.0001612,"state":"waiting","position":-1,"turn":0,"turned":0.0,"mark":0,"kept":0,"undoing":"","tries":1,"open":0,"incident":0,"blocks":false,"own":false,"text":"","timers":{"timeout":1795694512.0001612},"reminded":{},"attempts":[{"number":2,"sent":{"inst:id":"\"loop-1\"","inst:name":"\"loop\"","n":"1"},"to":null}],"fault":null}]]','count');
INSERT INTO "branches" VALUES('order-1','',1.79569440100001716611e+09,1,'[null,-1,0,0.0,[{"activity":0,"activation":1,"since":1795608001.0000172,"state":"active","position":0,"turn":0,"turned":0.0,"mark":0,"kept":0,"undoing":"","tries":0,"open":0,"incident":0,"blocks":false,"own":false,"text":"","timers":{},"reminded":{},"attempts":[],"fault":null},{"activity":1,"activation":2,"since":1795608001.0000172,"state":"waiting","position":-1,"turn":0,"turned":0.0,"mark":0,"kept":0,"undoing":"","tries":1,"open":0,"incident":0,"blocks":false,"own":false,"text":"","timers":{"timeout":1795694401.0000172},"reminded":{},"attempts":[{"number":1,"sent":{"inst:id":"\"order-1\"","inst:name":"\"order\"","order_id":"\"1\""},"to":null}],"fault":null}]]','reserve');
INSERT INTO "branches" VALUES('order-2','',1.79560980700003910062e+09,NULL,'[null,-1,0,0.0,[{"activity":0,"activation":1,"since":1795608002.000021,"state":"active","position":1,"turn":0,"turned":0.0,"mark":0,"kept":1,"undoing":"","tries":0,"open":0,"incident":0,"blocks":false,"own":false,"text":"","timers":{},"reminded":{},"attempts":[],"fault":null},{"activity":4,"activation":3,"since":1795608007.000039,"state":"waiting","position":-1,"turn":0,"turned":0.0,"mark":0,"kept":0,"undoing":"","tries":0,"open":0,"incident":0,"blocks":false,"own":false,"text":"payment.authorized","timers":{"timeout":1795609807.000039},"reminded":{},"attempts":[],"fault":null}]]','');
INSERT INTO "branches" VALUES('order-3','',1.79569441200005435943e+09,2,'[null,-1,0,0.0,[{"activity":0,"activation":1,"since":1795608003.0000248,"state":"active","position":2,"turn":0,"turned":0.0,"mark":0,"kept":1,"undoing":"","tries":0,"open":0,"incident":0,"blocks":false,"own":false,"text":"","timers":{},"reminded":{},"attempts":[],"fault":null},{"activity":5,"activation":4,"since":1795608012.0000544,"state":"waiting","position":-1,"turn":0,"turned":0.0,"mark":0,"kept":0,"undoing":"","tries":1,"open":0,"incident":0,"blocks":false,"own":false,"text":"","timers":{"timeout":1795694412.0000544},"reminded":{},"attempts":[{"number":2,"sent":{"inst:id":"\"order-3\"","inst:name":"\"order\"","order_id":"\"3\"","stock":"\"S-3\""},"to":null}],"fault":null}]]','capture');
INSERT INTO "branches" VALUES('order-4','',1.79569444300007629395e+09,3,'[null,-1,0,0.0,[{"activity":0,"activation":1,"since":1795608004.0000286,"state":"active","position":2,"turn":0,"turned":0.0,"mark":0,"kept":1,"undoing":"","tries":0,"open":0,"incident":0,"blocks":false,"own":false,"text":"","timers":{},"reminded":{},"attempts":[],"fault":null},{"activity":5,"activation":4,"since":1795608013.0000582,"state":"waiting","position":-1,"turn":0,"turned":0.0,"mark":0,"kept":0,"undoing":"","tries":2,"open":0,"incident":0,"blocks":false,"own":false,"text":"carrier: 503","timers":{"timeout":1795694443.0000763},"reminded":{},"attempts":[{"number":2,"sent":{"inst:id":"\"order-4\"","inst:name":"\"order\"","order_id":"\"4\"","stock":"\"S-4\""},"to":null},{"number":3,"sent":null,"to":null}],"fault":null}]]','capture');
INSERT INTO "branches" VALUES('order-5','',NULL,NULL,'[null,-1,0,0.0,[{"activity":0,"activation":1,"since":1795608005.0000324,"state":"active","position":2,"turn":0,"turned":0.0,"mark":0,"kept":1,"undoing":"","tries":0,"open":0,"incident":0,"blocks":false,"own":false,"text":"","timers":{},"reminded":{},"attempts":[],"fault":null},{"activity":5,"activation":4,"since":1795608014.000062,"state":"incident","position":-1,"turn":0,"turned":0.0,"mark":0,"kept":0,"undoing":"","tries":3,"open":0,"incident":1,"blocks":false,"own":false,"text":"carrier: 503","timers":{},"reminded":{},"attempts":[{"number":2,"sent":{"inst:id":"\"order-5\"","inst:name":"\"order\"","order_id":"\"5\"","stock":"\"S-5\""},"to":null},{"number":3,"sent":null,"to":null},{"number":4,"sent":null,"to":null}],"fault":null}]]','');
INSERT INTO "branches" VALUES('order-6','',NULL,NULL,'[null,-1,0,0.0,[{"activity":0,"activation":1,"since":1795608006.0000362,"state":"active","position":3,"turn":0,"turned":0.0,"mark":0,"kept":1,"undoing":"","tries":0,"open":0,"incident":0,"blocks":false,"own":false,"text":"","timers":{},"reminded":{},"attempts":[],"fault":null},{"activity":6,"activation":5,"since":1795608098.0000944,"state":"active","position":1,"turn":1,"turned":0.0,"mark":0,"kept":0,"undoing":"","tries":0,"open":1,"incident":0,"blocks":false,"own":false,"text":"","timers":{},"reminded":{},"attempts":[],"fault":null}]]','');
INSERT INTO "branches" VALUES('order-6','_3_0',1.79569449800009441377e+09,3,'["",6,0,0.0,[{"activity":7,"activation":6,"since":1795608098.0000944,"state":"waiting","position":-1,"turn":0,"turned":0.0,"mark":0,"kept":0,"undoing":"","tries":1,"open":0,"incident":0,"blocks":false,"own":false,"text":"","timers":{"timeout":1795694498.0000944},"reminded":{},"attempts":[{"number":3,"sent":{"inst:id":"\"order-6\"","inst:name":"\"order\"","order_id":"\"6\"","stock":"\"S-6\""},"to":null}],"fault":null}]]','ship');
INSERT INTO "branches" VALUES('undo-1','',NULL,NULL,'[null,-1,0,0.0,[{"activity":0,"activation":1,"since":1795608106.0001364,"state":"active","position":2,"turn":0,"turned":0.0,"mark":0,"kept":1,"undoing":"","tries":0,"open":0,"incident":0,"blocks":false,"own":false,"text":"","timers":{},"reminded":{},"attempts":[],"fault":null},{"activity":5,"activation":4,"since":1795608110.0001497,"state":"active","position":-1,"turn":1,"turned":0.0,"mark":0,"kept":0,"undoing":"_0_compensation_0.1","tries":0,"open":1,"incident":0,"blocks":false,"own":false,"text":"","timers":{},"reminded":{},"attempts":[],"fault":null}]]','');
INSERT INTO "branches" VALUES('undo-1','_0_compensation_0.1',1.79569451000014972683e+09,2,'["",5,0,0.0,[{"activity":2,"activation":5,"since":1795608110.0001497,"state":"active","position":0,"turn":0,"turned":0.0,"mark":0,"kept":0,"undoing":"","tries":0,"open":0,"incident":0,"blocks":false,"own":false,"text":"","timers":{},"reminded":{},"attempts":[],"fault":null},{"activity":3,"activation":6,"since":1795608110.0001497,"state":"waiting","position":-1,"turn":0,"turned":0.0,"mark":0,"kept":0,"undoing":"","tries":1,"open":0,"incident":0,"blocks":false,"own":false,"text":"","timers":{"timeout":1795694510.0001497},"reminded":{},"attempts":[{"number":2,"sent":{"inst:id":"\"undo-1\"","inst:name":"\"undo\"","ref":"\"B-1\""},"to":null}],"fault":null}]]','unbook');
INSERT INTO "branches" VALUES('undo-2','',NULL,NULL,'[null,-1,0,0.0,[{"activity":0,"activation":1,"since":1795608108.000143,"state":"active","position":2,"turn":0,"turned":0.0,"mark":0,"kept":1,"undoing":"","tries":0,"open":0,"incident":0,"blocks":false,"own":false,"text":"","timers":{},"reminded":{},"attempts":[],"fault":null},{"activity":5,"activation":4,"since":1795608110.0001507,"state":"active","position":-1,"turn":1,"turned":0.0,"mark":0,"kept":0,"undoing":"_0_compensation_0.1","tries":0,"open":1,"incident":0,"blocks":false,"own":false,"text":"","timers":{},"reminded":{},"attempts":[],"fault":null}]]','');
INSERT INTO "branches" VALUES('undo-2','_0_compensation_0.1',1.79569451000015068049e+09,2,'["",5,0,0.0,[{"activity":2,"activation":5,"since":1795608110.0001507,"state":"active","position":0,"turn":0,"turned":0.0,"mark":0,"kept":0,"undoing":"","tries":0,"open":0,"incident":0,"blocks":false,"own":false,"text":"","timers":{},"reminded":{},"attempts":[],"fault":null},{"activity":3,"activation":6,"since":1795608110.0001507,"state":"waiting","position":-1,"turn":0,"turned":0.0,"mark":0,"kept":0,"undoing":"","tries":1,"open":0,"incident":0,"blocks":false,"own":false,"text":"","timers":{"timeout":1795694510.0001507},"reminded":{},"attempts":[{"number":2,"sent":{"inst:id":"\"undo-2\"","inst:name":"\"undo\"","ref":"\"B-2\""},"to":null}],"fault":null}]]','unbook');
INSERT INTO "branches" VALUES('visit-1','',NULL,NULL,'[null,-1,0,0.0,[{"activity":0,"activation":1,"since":1795608104.0001202,"state":"active","position":0,"turn":0,"turned":0.0,"mark":0,"kept":0,"undoing":"","tries":0,"open":0,"incident":0,"blocks":false,"own":false,"text":"","timers":{},"reminded":{},"attempts":[],"fault":null},{"activity":1,"activation":2,"since":1795608104.0001202,"state":"active","position":1,"turn":0,"turned":0.0,"mark":0,"kept":0,"undoing":"","tries":0,"open":2,"incident":0,"blocks":false,"own":false,"text":"","timers":{},"reminded":{},"attempts":[],"fault":null}]]','');
INSERT INTO "branches" VALUES('visit-1','_0_0',NULL,NULL,'["",1,0,0.0,[{"activity":2,"activation":3,"since":1795608104.0001202,"state":"waiting","position":-1,"turn":0,"turned":0.0,"mark":0,"kept":0,"undoing":"","tries":0,"open":0,"incident":0,"blocks":false,"own":false,"text":"door.opened","timers":{},"reminded":{},"attempts":[],"fault":null}]]','');
INSERT INTO "branches" VALUES('visit-1','_0_1',1.79560870400012016299e+09,NULL,'["",1,0,0.0,[{"activity":3,"activation":4,"since":1795608104.0001202,"state":"active","position":0,"turn":0,"turned":0.0,"mark":0,"kept":0,"undoing":"","tries":0,"open":0,"incident":0,"blocks":false,"own":false,"text":"","timers":{"timeout":1795636904.0001202,"due":1795611704.0001202,"reminder 0":1795608704.0001202},"reminded":{},"attempts":[],"fault":null},{"activity":4,"activation":5,"since":1795608104.0001202,"state":"waiting","position":-1,"turn":0,"turned":0.0,"mark":0,"kept":0,"undoing":"","tries":0,"open":0,"incident":0,"blocks":false,"own":false,"text":"","timers":{"delay":1795633304.0001202},"reminded":{},"attempts":[],"fault":null}]]','');
CREATE TABLE consumed (
    instance TEXT NOT NULL,
    event INTEGER NOT NULL,
    branch TEXT NOT NULL,
    activity INTEGER NOT NULL,
    PRIMARY KEY (instance, event, branch, activity)
) WITHOUT ROWID;
INSERT INTO "consumed" VALUES('order-3',3,'',4);
INSERT INTO "consumed" VALUES('order-4',5,'',4);
INSERT INTO "consumed" VALUES('order-5',7,'',4);
INSERT INTO "consumed" VALUES('order-6',9,'',4);
INSERT INTO "consumed" VALUES('undo-1',13,'',4);
INSERT INTO "consumed" VALUES('undo-2',13,'',4);
INSERT INTO "consumed" VALUES('fb49f84266ff5fc283e46bd25ed315a5',15,'',0);
INSERT INTO "consumed" VALUES('ended-3',20,'',4);
CREATE TABLE dead_letters (
    number INTEGER PRIMARY KEY,
    at REAL NOT NULL,
    source TEXT NOT NULL,
    reason TEXT NOT NULL,
    message_id TEXT NOT NULL,
    body BLOB NOT NULL,
    digest TEXT NOT NULL,
    properties TEXT NOT NULL
);
INSERT INTO "dead_letters" VALUES(90,1795608000.0,'bureaucrat_msgs','no instance has this id','m7',X'78','2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881','{}');
CREATE TABLE definitions (
    hash TEXT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL,
    source TEXT NOT NULL,
    stored REAL NOT NULL,
    version INTEGER
);
INSERT INTO "definitions" VALUES('5776243894e606472aa4c607d24c04778b5837abb7f418c33e0e61d0db0a415c','order','
<process name="order" key="order_id" unique="yes">
  <context><property name="order_id" type="str" required="yes"/></context>
  <action id="reserve" participant="reserve"><compensation><action participant="release"/></compensation></action>
  <await id="payment" event="payment.authorized" key="order_id" timeout="30m"/>
  <action id="capture" participant="capture" retries="2" delay="10s" jitter="0"/>
  <all id="fulfil">
    <action id="ship" participant="ship"/>
    <action id="invoice" participant="invoice"/>
  </all>
  <exit outcome="shipped"/>
</process>
',1.79560800000000190734e+09,1);
INSERT INTO "definitions" VALUES('c895845e3307d2f66a26f20c9c6443e8d9900e575f0dd1293bee96f9745f7bb0','pause','<process name="pause"><delay id="night" duration="8h"/></process>',1.79560800000000381467e+09,1);
INSERT INTO "definitions" VALUES('e074454f30d1d034f4721aaa277ad5480bd4d276bb8eafae3963cb169279738b','loop','
<process name="loop">
  <context><property name="n" type="int">0</property></context>
  <while id="turns"><condition>n &lt; 3</condition><action participant="count"/>
    <assign property="n">n + 1</assign></while>
</process>
',1.79560800000000572208e+09,1);
INSERT INTO "definitions" VALUES('eb5a6da1882ba363dd3526618093a17f11e61d3977144971829215d9e06b7483','nightly','<process name="nightly"><start cron="0 3 * * *" overlap="queue"/><action id="load" participant="load"/></process>',1.79560800000000762941e+09,1);
INSERT INTO "definitions" VALUES('f08405f11b08fc4568724e10a78f601520ebdb81a58e1e43bd56f6ac0309f2ef','greeted','<process name="greeted"><start event="hello"/><action participant="greet"/></process>',1.79560800000000953674e+09,1);
INSERT INTO "definitions" VALUES('5fb425db0625c69fa9087beef6ef753ab5d6a49522d563a14efa83cb73d84cd4','order','
<process name="order" key="order_id" unique="yes">
  <context><property name="order_id" type="str" required="yes"/></context>
  <action id="reserve" participant="reserve"><compensation><action participant="release"/></compensation></action>
  <await id="payment" event="payment.authorized" key="order_id" timeout="30m"/>
  <action id="capture" participant="capture" retries="2" delay="10s" jitter="0"/>
  <all id="fulfil">
    <action id="ship" participant="ship"/>
    <action id="invoice" participant="invoice"/>
  </all>
  <action id="thank" participant="thank"/>
  <exit outcome="shipped"/>
</process>
',1.79560800000001239773e+09,2);
INSERT INTO "definitions" VALUES('9ff766e708e6fe0b2145b260688908e91719334a9e571c48f23368768bea0225','files','
<process name="files">
  <foreach id="each" select="=[1, 2, 3, 4]" as="n" parallel="2" collect="sizes" value="size">
    <action id="load" participant="load"/>
  </foreach>
  <foreach id="after" select="=sizes" as="found"><assign property="last">found</assign></foreach>
</process>
',1.79560810200010681153e+09,NULL);
INSERT INTO "definitions" VALUES('6e31c83d1bbc3273a91215aba339f34199e1536c3b6b056c3c4f73e9fe640672','visit','
<process name="visit">
  <any id="race" winner="who">
    <await id="guest" event="door.opened"/>
    <sequence id="watch" due="1h" timeout="8h">
      <reminder after="10m" every="1h" times="2"><action participant="nag"/></reminder>
      <delay id="night" duration="7h"/>
    </sequence>
  </any>
  <faults><case code="Timeout"><assign property="late">True</assign></case></faults>
</process>
',1.79560810400011825558e+09,NULL);
INSERT INTO "definitions" VALUES('58852b0e2b5252c4577b3bd98435dfebaf4c2ba40672f93ea43aa874742a2f08','calling','<process name="calling"><call id="ask" process="pause"/><call id="more" process="loop"/></process>',1.79560810500012493131e+09,NULL);
INSERT INTO "definitions" VALUES('5697d498762e0aef05cc87ebcdbdc06412da4b29c8fe52f9941f792265ff3a6b','undo','
<process name="undo">
  <action id="book" participant="book"><compensation><action participant="unbook"/></compensation></action>
  <await id="wish" event="wish"/>
  <compensate/>
</process>
',1.79560810600013446812e+09,NULL);
CREATE TABLE destinations (
    name TEXT NOT NULL PRIMARY KEY,
    consumers INTEGER NOT NULL,
    ready INTEGER NOT NULL,
    checked REAL NOT NULL,
    silent_since REAL
, participants TEXT NOT NULL DEFAULT '') WITHOUT ROWID;
INSERT INTO "destinations" VALUES('worker_ship',0,1,1795608000.0,1795608000.0,'');
CREATE TABLE event_keys (
    name TEXT NOT NULL,
    digest INTEGER NOT NULL,
    accepted REAL NOT NULL,
    number INTEGER NOT NULL,
    PRIMARY KEY (name, digest, accepted, number)
) WITHOUT ROWID;
INSERT INTO "event_keys" VALUES('payment.authorized',5037989529336447848,1.79560801100005245213e+09,3);
INSERT INTO "event_keys" VALUES('payment.authorized',1346405134010766827,1.79560801200005626682e+09,5);
INSERT INTO "event_keys" VALUES('payment.authorized',6863901994459180183,1795608013.00006,7);
INSERT INTO "event_keys" VALUES('payment.authorized',8497291296537078104,1.79560801400006389613e+09,9);
INSERT INTO "event_keys" VALUES('hello',240171992257261248,1.79560811200016307836e+09,15);
INSERT INTO "event_keys" VALUES('nobody.waits',7704383803643628053,1.795608113000169754e+09,17);
INSERT INTO "event_keys" VALUES('payment.authorized',1586523227584879130,1.79560812800020885467e+09,20);
CREATE TABLE event_starts (
    event TEXT NOT NULL,
    process TEXT NOT NULL,
    PRIMARY KEY (event, process)
) WITHOUT ROWID;
INSERT INTO "event_starts" VALUES('hello','greeted');
CREATE TABLE events (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    name TEXT NOT NULL,
    body TEXT NOT NULL,
    accepted REAL NOT NULL,
    cursor TEXT
);
INSERT INTO "events" VALUES(3,'2','payment.authorized','{"order_id":"3"}',1.79560801100005245213e+09,NULL);
INSERT INTO "events" VALUES(5,'4','payment.authorized','{"order_id":"4"}',1.79560801200005626682e+09,NULL);
INSERT INTO "events" VALUES(7,'6','payment.authorized','{"order_id":"5"}',1795608013.00006,NULL);
INSERT INTO "events" VALUES(9,'8','payment.authorized','{"order_id":"6"}',1.79560801400006389613e+09,NULL);
INSERT INTO "events" VALUES(13,'12','wish','{}',1.79560810900014781957e+09,NULL);
INSERT INTO "events" VALUES(15,'14','hello','{"whom":"ann"}',1.79560811200016307836e+09,NULL);
INSERT INTO "events" VALUES(17,'16','nobody.waits','{"n":1}',1.795608113000169754e+09,NULL);
INSERT INTO "events" VALUES(20,'19','payment.authorized','{"order_id":"99"}',1.79560812800020885467e+09,NULL);
CREATE TABLE history (
    instance TEXT NOT NULL,
    number INTEGER NOT NULL,
    at REAL NOT NULL,
    what TEXT NOT NULL,
    activity INTEGER,
    address TEXT NOT NULL,
    detail TEXT NOT NULL,
    PRIMARY KEY (instance, number)
);
INSERT INTO "history" VALUES('order-1',1,1.79560800100001716618e+09,'input',NULL,'order-1','["Start",{"fields":{"order_id":"1"}}]');
INSERT INTO "history" VALUES('order-1',2,1.79560800100001716618e+09,'launched',NULL,'order-1','{"process":"order"}');
INSERT INTO "history" VALUES('order-1',3,1.79560800100001716618e+09,'started',0,'order-1','{}');
INSERT INTO "history" VALUES('order-1',4,1.79560800100001716618e+09,'started',1,'order-1_0','{}');
INSERT INTO "history" VALUES('order-1',5,1.79560800100001716618e+09,'dispatched',1,'order-1_0','{"participant":"reserve","attempt":1,"number":1}');
INSERT INTO "history" VALUES('order-2',1,1.79560800200002098087e+09,'input',NULL,'order-2','["Start",{"fields":{"order_id":"2"}}]');
INSERT INTO "history" VALUES('order-2',2,1.79560800200002098087e+09,'launched',NULL,'order-2','{"process":"order"}');
INSERT INTO "history" VALUES('order-2',3,1.79560800200002098087e+09,'started',0,'order-2','{}');
INSERT INTO "history" VALUES('order-2',4,1.79560800200002098087e+09,'started',1,'order-2_0','{}');
INSERT INTO "history" VALUES('order-2',5,1.79560800200002098087e+09,'dispatched',1,'order-2_0','{"participant":"reserve","attempt":1,"number":1}');
INSERT INTO "history" VALUES('order-3',1,1.79560800300002479552e+09,'input',NULL,'order-3','["Start",{"fields":{"order_id":"3"}}]');
INSERT INTO "history" VALUES('order-3',2,1.79560800300002479552e+09,'launched',NULL,'order-3','{"process":"order"}');
INSERT INTO "history" VALUES('order-3',3,1.79560800300002479552e+09,'started',0,'order-3','{}');
INSERT INTO "history" VALUES('order-3',4,1.79560800300002479552e+09,'started',1,'order-3_0','{}');
INSERT INTO "history" VALUES('order-3',5,1.79560800300002479552e+09,'dispatched',1,'order-3_0','{"participant":"reserve","attempt":1,"number":1}');
INSERT INTO "history" VALUES('order-4',1,1.79560800400002861017e+09,'input',NULL,'order-4','["Start",{"fields":{"order_id":"4"}}]');
INSERT INTO "history" VALUES('order-4',2,1.79560800400002861017e+09,'launched',NULL,'order-4','{"process":"order"}');
INSERT INTO "history" VALUES('order-4',3,1.79560800400002861017e+09,'started',0,'order-4','{}');
INSERT INTO "history" VALUES('order-4',4,1.79560800400002861017e+09,'started',1,'order-4_0','{}');
INSERT INTO "history" VALUES('order-4',5,1.79560800400002861017e+09,'dispatched',1,'order-4_0','{"participant":"reserve","attempt":1,"number":1}');
INSERT INTO "history" VALUES('order-5',1,1.79560800500003242487e+09,'input',NULL,'order-5','["Start",{"fields":{"order_id":"5"}}]');
INSERT INTO "history" VALUES('order-5',2,1.79560800500003242487e+09,'launched',NULL,'order-5','{"process":"order"}');
INSERT INTO "history" VALUES('order-5',3,1.79560800500003242487e+09,'started',0,'order-5','{}');
INSERT INTO "history" VALUES('order-5',4,1.79560800500003242487e+09,'started',1,'order-5_0','{}');
INSERT INTO "history" VALUES('order-5',5,1.79560800500003242487e+09,'dispatched',1,'order-5_0','{"participant":"reserve","attempt":1,"number":1}');
INSERT INTO "history" VALUES('order-6',1,1.79560800600003623965e+09,'input',NULL,'order-6','["Start",{"fields":{"order_id":"6"}}]');
INSERT INTO "history" VALUES('order-6',2,1.79560800600003623965e+09,'launched',NULL,'order-6','{"process":"order"}');
INSERT INTO "history" VALUES('order-6',3,1.79560800600003623965e+09,'started',0,'order-6','{}');
INSERT INTO "history" VALUES('order-6',4,1.79560800600003623965e+09,'started',1,'order-6_0','{}');
INSERT INTO "history" VALUES('order-6',5,1.79560800600003623965e+09,'dispatched',1,'order-6_0','{"participant":"reserve","attempt":1,"number":1}');
INSERT INTO "history" VALUES('order-2',6,1.79560800700003910064e+09,'input',NULL,'order-2','["Answer",{"branch":"","activity":1,"attempt":1,"fields":{"stock":"S-2"},"definition":""}]');
INSERT INTO "history" VALUES('order-2',7,1.79560800700003910064e+09,'answered',1,'order-2_0','{"attempt":1,"changed":{"stock":"S-2"}}');
INSERT INTO "history" VALUES('order-2',8,1.79560800700003910064e+09,'remembered',1,'order-2_0','{"number":1,"instead":0}');
INSERT INTO "history" VALUES('order-2',9,1.79560800700003910064e+09,'completed',1,'order-2_0','{"since":1795608002.000021,"tries":1,"wrote":["stock"]}');
INSERT INTO "history" VALUES('order-2',10,1.79560800700003910064e+09,'started',4,'order-2_1','{}');
INSERT INTO "history" VALUES('order-3',6,1.79560800800004196167e+09,'input',NULL,'order-3','["Answer",{"branch":"","activity":1,"attempt":1,"fields":{"stock":"S-3"},"definition":""}]');
INSERT INTO "history" VALUES('order-3',7,1.79560800800004196167e+09,'answered',1,'order-3_0','{"attempt":1,"changed":{"stock":"S-3"}}');
INSERT INTO "history" VALUES('order-3',8,1.79560800800004196167e+09,'remembered',1,'order-3_0','{"number":1,"instead":0}');
INSERT INTO "history" VALUES('order-3',9,1.79560800800004196167e+09,'completed',1,'order-3_0','{"since":1795608003.0000248,"tries":1,"wrote":["stock"]}');
INSERT INTO "history" VALUES('order-3',10,1.79560800800004196167e+09,'started',4,'order-3_1','{}');
INSERT INTO "history" VALUES('order-4',6,1.7956080090000448227e+09,'input',NULL,'order-4','["Answer",{"branch":"","activity":1,"attempt":1,"fields":{"stock":"S-4"},"definition":""}]');
INSERT INTO "history" VALUES('order-4',7,1.7956080090000448227e+09,'answered',1,'order-4_0','{"attempt":1,"changed":{"stock":"S-4"}}');
INSERT INTO "history" VALUES('order-4',8,1.7956080090000448227e+09,'remembered',1,'order-4_0','{"number":1,"instead":0}');
INSERT INTO "history" VALUES('order-4',9,1.7956080090000448227e+09,'completed',1,'order-4_0','{"since":1795608004.0000286,"tries":1,"wrote":["stock"]}');
INSERT INTO "history" VALUES('order-4',10,1.7956080090000448227e+09,'started',4,'order-4_1','{}');
INSERT INTO "history" VALUES('order-5',6,1.79560801000004768368e+09,'input',NULL,'order-5','["Answer",{"branch":"","activity":1,"attempt":1,"fields":{"stock":"S-5"},"definition":""}]');
INSERT INTO "history" VALUES('order-5',7,1.79560801000004768368e+09,'answered',1,'order-5_0','{"attempt":1,"changed":{"stock":"S-5"}}');
INSERT INTO "history" VALUES('order-5',8,1.79560801000004768368e+09,'remembered',1,'order-5_0','{"number":1,"instead":0}');
INSERT INTO "history" VALUES('order-5',9,1.79560801000004768368e+09,'completed',1,'order-5_0','{"since":1795608005.0000324,"tries":1,"wrote":["stock"]}');
INSERT INTO "history" VALUES('order-5',10,1.79560801000004768368e+09,'started',4,'order-5_1','{}');
INSERT INTO "history" VALUES('order-6',6,1.79560801100005054467e+09,'input',NULL,'order-6','["Answer",{"branch":"","activity":1,"attempt":1,"fields":{"stock":"S-6"},"definition":""}]');
INSERT INTO "history" VALUES('order-6',7,1.79560801100005054467e+09,'answered',1,'order-6_0','{"attempt":1,"changed":{"stock":"S-6"}}');
INSERT INTO "history" VALUES('order-6',8,1.79560801100005054467e+09,'remembered',1,'order-6_0','{"number":1,"instead":0}');
INSERT INTO "history" VALUES('order-6',9,1.79560801100005054467e+09,'completed',1,'order-6_0','{"since":1795608006.0000362,"tries":1,"wrote":["stock"]}');
INSERT INTO "history" VALUES('order-6',10,1.79560801100005054467e+09,'started',4,'order-6_1','{}');
INSERT INTO "history" VALUES('order-3',11,1.79560801200005435949e+09,'input',NULL,'order-3','["Offer",{"branch":"","activity":4,"activation":3,"event":3,"name":"payment.authorized","body":{"order_id":"3"}}]');
INSERT INTO "history" VALUES('order-3',12,1.79560801200005435949e+09,'completed',4,'order-3_1','{"since":1795608008.000042,"tries":0}');
INSERT INTO "history" VALUES('order-3',13,1.79560801200005435949e+09,'started',5,'order-3_2','{}');
INSERT INTO "history" VALUES('order-3',14,1.79560801200005435949e+09,'dispatched',5,'order-3_2','{"participant":"capture","attempt":1,"number":2}');
INSERT INTO "history" VALUES('order-4',11,1.79560801300005817415e+09,'input',NULL,'order-4','["Offer",{"branch":"","activity":4,"activation":3,"event":5,"name":"payment.authorized","body":{"order_id":"4"}}]');
INSERT INTO "history" VALUES('order-4',12,1.79560801300005817415e+09,'completed',4,'order-4_1','{"since":1795608009.0000448,"tries":0}');
INSERT INTO "history" VALUES('order-4',13,1.79560801300005817415e+09,'started',5,'order-4_2','{}');
INSERT INTO "history" VALUES('order-4',14,1.79560801300005817415e+09,'dispatched',5,'order-4_2','{"participant":"capture","attempt":1,"number":2}');
INSERT INTO "history" VALUES('order-5',11,1.7956080140000619888e+09,'input',NULL,'order-5','["Offer",{"branch":"","activity":4,"activation":3,"event":7,"name":"payment.authorized","body":{"order_id":"5"}}]');
INSERT INTO "history" VALUES('order-5',12,1.7956080140000619888e+09,'completed',4,'order-5_1','{"since":1795608010.0000477,"tries":0}');
INSERT INTO "history" VALUES('order-5',13,1.7956080140000619888e+09,'started',5,'order-5_2','{}');
INSERT INTO "history" VALUES('order-5',14,1.7956080140000619888e+09,'dispatched',5,'order-5_2','{"participant":"capture","attempt":1,"number":2}');
INSERT INTO "history" VALUES('order-6',11,1.79560801500006580349e+09,'input',NULL,'order-6','["Offer",{"branch":"","activity":4,"activation":3,"event":9,"name":"payment.authorized","body":{"order_id":"6"}}]');
INSERT INTO "history" VALUES('order-6',12,1.79560801500006580349e+09,'completed',4,'order-6_1','{"since":1795608011.0000505,"tries":0}');
INSERT INTO "history" VALUES('order-6',13,1.79560801500006580349e+09,'started',5,'order-6_2','{}');
INSERT INTO "history" VALUES('order-6',14,1.79560801500006580349e+09,'dispatched',5,'order-6_2','{"participant":"capture","attempt":1,"number":2}');
INSERT INTO "history" VALUES('order-4',15,1.79560801600006866452e+09,'input',NULL,'order-4','["Answer",{"branch":"","activity":5,"attempt":2,"fields":{"status":"error","error":"carrier: 503"},"definition":""}]');
INSERT INTO "history" VALUES('order-4',16,1.79560801600006866452e+09,'failed',5,'order-4_2','{"attempt":1,"of":3,"error":"carrier: 503","wait":10.0}');
INSERT INTO "history" VALUES('order-5',15,1.79560801700007152559e+09,'input',NULL,'order-5','["Answer",{"branch":"","activity":5,"attempt":2,"fields":{"status":"error","error":"carrier: 503"},"definition":""}]');
INSERT INTO "history" VALUES('order-5',16,1.79560801700007152559e+09,'failed',5,'order-5_2','{"attempt":1,"of":3,"error":"carrier: 503","wait":10.0}');
INSERT INTO "history" VALUES('order-4',17,1.79560804300007629394e+09,'input',NULL,'order-4','["TimerFired",{"branch":"","at":1795608026.0000687,"activation":0}]');
INSERT INTO "history" VALUES('order-4',18,1.79560804300007629394e+09,'dispatched',5,'order-4_2','{"participant":"capture","attempt":2,"number":3}');
INSERT INTO "history" VALUES('order-5',17,1.7956080430000772476e+09,'input',NULL,'order-5','["TimerFired",{"branch":"","at":1795608027.0000715,"activation":0}]');
INSERT INTO "history" VALUES('order-5',18,1.7956080430000772476e+09,'dispatched',5,'order-5_2','{"participant":"capture","attempt":2,"number":3}');
INSERT INTO "history" VALUES('order-5',19,1.79560804400008106234e+09,'input',NULL,'order-5','["Answer",{"branch":"","activity":5,"attempt":3,"fields":{"status":"error","error":"carrier: 503"},"definition":""}]');
INSERT INTO "history" VALUES('order-5',20,1.79560804400008106234e+09,'failed',5,'order-5_2','{"attempt":2,"of":3,"error":"carrier: 503","wait":20.0}');
INSERT INTO "history" VALUES('order-5',21,1.79560807000008583068e+09,'input',NULL,'order-5','["TimerFired",{"branch":"","at":1795608064.000081,"activation":0}]');
INSERT INTO "history" VALUES('order-5',22,1.79560807000008583068e+09,'dispatched',5,'order-5_2','{"participant":"capture","attempt":3,"number":4}');
INSERT INTO "history" VALUES('order-5',23,1.79560807100008869166e+09,'input',NULL,'order-5','["Answer",{"branch":"","activity":5,"attempt":4,"fields":{"status":"error","error":"carrier: 503"},"definition":""}]');
INSERT INTO "history" VALUES('order-5',24,1.79560807100008869166e+09,'incident',5,'order-5_2','{"number":1,"kind":"error","code":"ActionError","message":"carrier: 503"}');
INSERT INTO "history" VALUES('order-6',15,1.79560809800009441375e+09,'input',NULL,'order-6','["Answer",{"branch":"","activity":5,"attempt":2,"fields":{},"definition":""}]');
INSERT INTO "history" VALUES('order-6',16,1.79560809800009441375e+09,'answered',5,'order-6_2','{"attempt":1,"changed":{}}');
INSERT INTO "history" VALUES('order-6',17,1.79560809800009441375e+09,'completed',5,'order-6_2','{"since":1795608015.0000658,"tries":1}');
INSERT INTO "history" VALUES('order-6',18,1.79560809800009441375e+09,'started',6,'order-6_3','{}');
INSERT INTO "history" VALUES('order-6',19,1.79560809800009441375e+09,'started',7,'order-6_3_0','{}');
INSERT INTO "history" VALUES('order-6',20,1.79560809800009441375e+09,'dispatched',7,'order-6_3_0','{"participant":"ship","attempt":1,"number":3}');
INSERT INTO "history" VALUES('order-6',21,1.79560809800009441375e+09,'started',8,'order-6_3_1','{}');
INSERT INTO "history" VALUES('order-6',22,1.79560809800009441375e+09,'dispatched',8,'order-6_3_1','{"participant":"invoice","attempt":1,"number":4}');
INSERT INTO "history" VALUES('order-6',23,1.79560809900009918206e+09,'input',NULL,'order-6','["Answer",{"branch":"_3_1","activity":8,"attempt":4,"fields":{},"definition":""}]');
INSERT INTO "history" VALUES('order-6',24,1.79560809900009918206e+09,'answered',8,'order-6_3_1','{"attempt":1,"changed":{}}');
INSERT INTO "history" VALUES('order-6',25,1.79560809900009918206e+09,'completed',8,'order-6_3_1','{"since":1795608098.0000944,"tries":1}');
INSERT INTO "history" VALUES('order-3',15,1.79560810000010299689e+09,'input',NULL,'order-3','["Suspend",{"reason":"ticket 5521"}]');
INSERT INTO "history" VALUES('order-3',16,1.79560810000010299689e+09,'suspended',NULL,'order-3','{"reason":"ticket 5521"}');
INSERT INTO "history" VALUES('order-3',17,1.79560810100010490421e+09,'input',NULL,'order-3','["Answer",{"branch":"","activity":5,"attempt":2,"fields":{},"definition":""}]');
INSERT INTO "history" VALUES('files-1',1,1.79560810200010871886e+09,'input',NULL,'files-1','["Start",{"fields":{}}]');
INSERT INTO "history" VALUES('files-1',2,1.79560810200010871886e+09,'launched',NULL,'files-1','{"process":"files"}');
INSERT INTO "history" VALUES('files-1',3,1.79560810200010871886e+09,'started',0,'files-1','{}');
INSERT INTO "history" VALUES('files-1',4,1.79560810200010871886e+09,'started',1,'files-1_0','{}');
INSERT INTO "history" VALUES('files-1',5,1.79560810200010871886e+09,'started',1,'files-1_0.1','{}');
INSERT INTO "history" VALUES('files-1',6,1.79560810200010871886e+09,'started',2,'files-1_0.1_0','{}');
INSERT INTO "history" VALUES('files-1',7,1.79560810200010871886e+09,'dispatched',2,'files-1_0.1_0','{"participant":"load","attempt":1,"number":1}');
INSERT INTO "history" VALUES('files-1',8,1.79560810200010871886e+09,'started',1,'files-1_0.2','{}');
INSERT INTO "history" VALUES('files-1',9,1.79560810200010871886e+09,'started',2,'files-1_0.2_0','{}');
INSERT INTO "history" VALUES('files-1',10,1.79560810200010871886e+09,'dispatched',2,'files-1_0.2_0','{"participant":"load","attempt":1,"number":2}');
INSERT INTO "history" VALUES('files-1',11,1.79560810300011348722e+09,'input',NULL,'files-1','["Answer",{"branch":"_0.2","activity":2,"attempt":2,"fields":{"size":17},"definition":""}]');
INSERT INTO "history" VALUES('files-1',12,1.79560810300011348722e+09,'answered',2,'files-1_0.2_0','{"attempt":1,"changed":{"size":17}}');
INSERT INTO "history" VALUES('files-1',13,1.79560810300011348722e+09,'completed',2,'files-1_0.2_0','{"since":1795608102.0001087,"tries":1,"wrote":["size"]}');
INSERT INTO "history" VALUES('files-1',14,1.79560810300011348722e+09,'completed',1,'files-1_0.2','{"since":1795608102.0001087,"tries":0}');
INSERT INTO "history" VALUES('files-1',15,1.79560810300011348722e+09,'started',1,'files-1_0.3','{}');
INSERT INTO "history" VALUES('files-1',16,1.79560810300011348722e+09,'started',2,'files-1_0.3_0','{}');
INSERT INTO "history" VALUES('files-1',17,1.79560810300011348722e+09,'dispatched',2,'files-1_0.3_0','{"participant":"load","attempt":1,"number":3}');
INSERT INTO "history" VALUES('visit-1',1,1.79560810400012016299e+09,'input',NULL,'visit-1','["Start",{"fields":{}}]');
INSERT INTO "history" VALUES('visit-1',2,1.79560810400012016299e+09,'launched',NULL,'visit-1','{"process":"visit"}');
INSERT INTO "history" VALUES('visit-1',3,1.79560810400012016299e+09,'started',0,'visit-1','{}');
INSERT INTO "history" VALUES('visit-1',4,1.79560810400012016299e+09,'started',1,'visit-1_0','{}');
INSERT INTO "history" VALUES('visit-1',5,1.79560810400012016299e+09,'started',2,'visit-1_0_0','{}');
INSERT INTO "history" VALUES('visit-1',6,1.79560810400012016299e+09,'started',3,'visit-1_0_1','{}');
INSERT INTO "history" VALUES('visit-1',7,1.79560810400012016299e+09,'started',4,'visit-1_0_1_0','{}');
INSERT INTO "history" VALUES('calling-1',1,1.79560810500012683864e+09,'input',NULL,'calling-1','["Start",{"fields":{}}]');
INSERT INTO "history" VALUES('calling-1',2,1.79560810500012683864e+09,'launched',NULL,'calling-1','{"process":"calling"}');
INSERT INTO "history" VALUES('calling-1',3,1.79560810500012683864e+09,'started',0,'calling-1','{}');
INSERT INTO "history" VALUES('calling-1',4,1.79560810500012683864e+09,'started',1,'calling-1_0','{}');
INSERT INTO "history" VALUES('01a21295502894ac44693153266b2107',1,1.79560810500013160709e+09,'input',NULL,'01a21295502894ac44693153266b2107','["Start",{"fields":{}}]');
INSERT INTO "history" VALUES('01a21295502894ac44693153266b2107',2,1.79560810500013160709e+09,'launched',NULL,'01a21295502894ac44693153266b2107','{"process":"pause"}');
INSERT INTO "history" VALUES('01a21295502894ac44693153266b2107',3,1.79560810500013160709e+09,'started',0,'01a21295502894ac44693153266b2107','{}');
INSERT INTO "history" VALUES('01a21295502894ac44693153266b2107',4,1.79560810500013160709e+09,'started',1,'01a21295502894ac44693153266b2107_0','{}');
INSERT INTO "history" VALUES('undo-1',1,1.79560810600013637545e+09,'input',NULL,'undo-1','["Start",{"fields":{}}]');
INSERT INTO "history" VALUES('undo-1',2,1.79560810600013637545e+09,'launched',NULL,'undo-1','{"process":"undo"}');
INSERT INTO "history" VALUES('undo-1',3,1.79560810600013637545e+09,'started',0,'undo-1','{}');
INSERT INTO "history" VALUES('undo-1',4,1.79560810600013637545e+09,'started',1,'undo-1_0','{}');
INSERT INTO "history" VALUES('undo-1',5,1.79560810600013637545e+09,'dispatched',1,'undo-1_0','{"participant":"book","attempt":1,"number":1}');
INSERT INTO "history" VALUES('undo-1',6,1.79560810700013923644e+09,'input',NULL,'undo-1','["Answer",{"branch":"","activity":1,"attempt":1,"fields":{"ref":"B-1"},"definition":""}]');
INSERT INTO "history" VALUES('undo-1',7,1.79560810700013923644e+09,'answered',1,'undo-1_0','{"attempt":1,"changed":{"ref":"B-1"}}');
INSERT INTO "history" VALUES('undo-1',8,1.79560810700013923644e+09,'remembered',1,'undo-1_0','{"number":1,"instead":0}');
INSERT INTO "history" VALUES('undo-1',9,1.79560810700013923644e+09,'completed',1,'undo-1_0','{"since":1795608106.0001364,"tries":1,"wrote":["ref"]}');
INSERT INTO "history" VALUES('undo-1',10,1.79560810700013923644e+09,'started',4,'undo-1_1','{}');
INSERT INTO "history" VALUES('undo-2',1,1.79560810800014305109e+09,'input',NULL,'undo-2','["Start",{"fields":{}}]');
INSERT INTO "history" VALUES('undo-2',2,1.79560810800014305109e+09,'launched',NULL,'undo-2','{"process":"undo"}');
INSERT INTO "history" VALUES('undo-2',3,1.79560810800014305109e+09,'started',0,'undo-2','{}');
INSERT INTO "history" VALUES('undo-2',4,1.79560810800014305109e+09,'started',1,'undo-2_0','{}');
INSERT INTO "history" VALUES('undo-2',5,1.79560810800014305109e+09,'dispatched',1,'undo-2_0','{"participant":"book","attempt":1,"number":1}');
INSERT INTO "history" VALUES('undo-2',6,1.79560810900014591212e+09,'input',NULL,'undo-2','["Answer",{"branch":"","activity":1,"attempt":1,"fields":{"ref":"B-2"},"definition":""}]');
INSERT INTO "history" VALUES('undo-2',7,1.79560810900014591212e+09,'answered',1,'undo-2_0','{"attempt":1,"changed":{"ref":"B-2"}}');
INSERT INTO "history" VALUES('undo-2',8,1.79560810900014591212e+09,'remembered',1,'undo-2_0','{"number":1,"instead":0}');
INSERT INTO "history" VALUES('undo-2',9,1.79560810900014591212e+09,'completed',1,'undo-2_0','{"since":1795608108.000143,"tries":1,"wrote":["ref"]}');
INSERT INTO "history" VALUES('undo-2',10,1.79560810900014591212e+09,'started',4,'undo-2_1','{}');
INSERT INTO "history" VALUES('undo-1',11,1.7956081100001497269e+09,'input',NULL,'undo-1','["Offer",{"branch":"","activity":4,"activation":3,"event":13,"name":"wish","body":{}}]');
INSERT INTO "history" VALUES('undo-1',12,1.7956081100001497269e+09,'completed',4,'undo-1_1','{"since":1795608107.0001392,"tries":0}');
INSERT INTO "history" VALUES('undo-1',13,1.7956081100001497269e+09,'started',5,'undo-1_2','{}');
INSERT INTO "history" VALUES('undo-1',14,1.7956081100001497269e+09,'compensating',1,'undo-1_0','{"number":1}');
INSERT INTO "history" VALUES('undo-1',15,1.7956081100001497269e+09,'started',2,'undo-1_0_compensation_0.1','{}');
INSERT INTO "history" VALUES('undo-1',16,1.7956081100001497269e+09,'started',3,'undo-1_0_compensation_0.1_0','{}');
INSERT INTO "history" VALUES('undo-1',17,1.7956081100001497269e+09,'dispatched',3,'undo-1_0_compensation_0.1_0','{"participant":"unbook","attempt":1,"number":2}');
INSERT INTO "history" VALUES('undo-2',11,1.79560811000015068056e+09,'input',NULL,'undo-2','["Offer",{"branch":"","activity":4,"activation":3,"event":13,"name":"wish","body":{}}]');
INSERT INTO "history" VALUES('undo-2',12,1.79560811000015068056e+09,'completed',4,'undo-2_1','{"since":1795608109.000146,"tries":0}');
INSERT INTO "history" VALUES('undo-2',13,1.79560811000015068056e+09,'started',5,'undo-2_2','{}');
INSERT INTO "history" VALUES('undo-2',14,1.79560811000015068056e+09,'compensating',1,'undo-2_0','{"number":1}');
INSERT INTO "history" VALUES('undo-2',15,1.79560811000015068056e+09,'started',2,'undo-2_0_compensation_0.1','{}');
INSERT INTO "history" VALUES('undo-2',16,1.79560811000015068056e+09,'started',3,'undo-2_0_compensation_0.1_0','{}');
INSERT INTO "history" VALUES('undo-2',17,1.79560811000015068056e+09,'dispatched',3,'undo-2_0_compensation_0.1_0','{"participant":"unbook","attempt":1,"number":2}');
INSERT INTO "history" VALUES('loop-1',1,1.79560811100015830987e+09,'input',NULL,'loop-1','["Start",{"fields":{}}]');
INSERT INTO "history" VALUES('loop-1',2,1.79560811100015830987e+09,'launched',NULL,'loop-1','{"process":"loop"}');
INSERT INTO "history" VALUES('loop-1',3,1.79560811100015830987e+09,'started',0,'loop-1','{}');
INSERT INTO "history" VALUES('loop-1',4,1.79560811100015830987e+09,'started',1,'loop-1_0','{}');
INSERT INTO "history" VALUES('loop-1',5,1.79560811100015830987e+09,'started',2,'loop-1_0_0','{}');
INSERT INTO "history" VALUES('loop-1',6,1.79560811100015830987e+09,'dispatched',2,'loop-1_0_0','{"participant":"count","attempt":1,"number":1}');
INSERT INTO "history" VALUES('loop-1',7,1.79560811200016117103e+09,'input',NULL,'loop-1','["Answer",{"branch":"","activity":2,"attempt":1,"fields":{},"definition":""}]');
INSERT INTO "history" VALUES('loop-1',8,1.79560811200016117103e+09,'answered',2,'loop-1_0_0','{"attempt":1,"changed":{}}');
INSERT INTO "history" VALUES('loop-1',9,1.79560811200016117103e+09,'completed',2,'loop-1_0_0','{"since":1795608111.0001583,"tries":1}');
INSERT INTO "history" VALUES('loop-1',10,1.79560811200016117103e+09,'started',3,'loop-1_0_1','{}');
INSERT INTO "history" VALUES('loop-1',11,1.79560811200016117103e+09,'completed',3,'loop-1_0_1','{"since":1795608112.0001612,"tries":0,"wrote":["n"]}');
INSERT INTO "history" VALUES('loop-1',12,1.79560811200016117103e+09,'started',2,'loop-1_0_0','{}');
INSERT INTO "history" VALUES('loop-1',13,1.79560811200016117103e+09,'dispatched',2,'loop-1_0_0','{"participant":"count","attempt":1,"number":2}');
INSERT INTO "history" VALUES('fb49f84266ff5fc283e46bd25ed315a5',1,1.79560811300016784667e+09,'input',NULL,'fb49f84266ff5fc283e46bd25ed315a5','["Start",{"fields":{"whom":"ann"}}]');
INSERT INTO "history" VALUES('fb49f84266ff5fc283e46bd25ed315a5',2,1.79560811300016784667e+09,'launched',NULL,'fb49f84266ff5fc283e46bd25ed315a5','{"process":"greeted"}');
INSERT INTO "history" VALUES('fb49f84266ff5fc283e46bd25ed315a5',3,1.79560811300016784667e+09,'started',0,'fb49f84266ff5fc283e46bd25ed315a5','{}');
INSERT INTO "history" VALUES('fb49f84266ff5fc283e46bd25ed315a5',4,1.79560811300016784667e+09,'started',1,'fb49f84266ff5fc283e46bd25ed315a5_0','{}');
INSERT INTO "history" VALUES('fb49f84266ff5fc283e46bd25ed315a5',5,1.79560811300016784667e+09,'dispatched',1,'fb49f84266ff5fc283e46bd25ed315a5_0','{"participant":"greet","attempt":1,"number":1}');
INSERT INTO "history" VALUES('undo-1',18,1.79560811500017261503e+09,'input',NULL,'undo-1','["Suspend",{"reason":"later"}]');
INSERT INTO "history" VALUES('undo-1',19,1.79560811500017261503e+09,'suspended',NULL,'undo-1','{"reason":"later"}');
INSERT INTO "history" VALUES('undo-1',20,1.79560811600017452239e+09,'input',NULL,'undo-1','["Answer",{"branch":"_0_compensation_0.1","activity":3,"attempt":2,"fields":{},"definition":""}]');
INSERT INTO "history" VALUES('ended-1',1,1.79560811700017738338e+09,'input',NULL,'ended-1','["Start",{"fields":{}}]');
INSERT INTO "history" VALUES('ended-1',2,1.79560811700017738338e+09,'launched',NULL,'ended-1','{"process":"loop"}');
INSERT INTO "history" VALUES('ended-1',3,1.79560811700017738338e+09,'started',0,'ended-1','{}');
INSERT INTO "history" VALUES('ended-1',4,1.79560811700017738338e+09,'started',1,'ended-1_0','{}');
INSERT INTO "history" VALUES('ended-1',5,1.79560811700017738338e+09,'started',2,'ended-1_0_0','{}');
INSERT INTO "history" VALUES('ended-1',6,1.79560811700017738338e+09,'dispatched',2,'ended-1_0_0','{"participant":"count","attempt":1,"number":1}');
INSERT INTO "history" VALUES('ended-1',7,1.79560811800018024437e+09,'input',NULL,'ended-1','["Answer",{"branch":"","activity":2,"attempt":1,"fields":{},"definition":""}]');
INSERT INTO "history" VALUES('ended-1',8,1.79560811800018024437e+09,'answered',2,'ended-1_0_0','{"attempt":1,"changed":{}}');
INSERT INTO "history" VALUES('ended-1',9,1.79560811800018024437e+09,'completed',2,'ended-1_0_0','{"since":1795608117.0001774,"tries":1}');
INSERT INTO "history" VALUES('ended-1',10,1.79560811800018024437e+09,'started',3,'ended-1_0_1','{}');
INSERT INTO "history" VALUES('ended-1',11,1.79560811800018024437e+09,'completed',3,'ended-1_0_1','{"since":1795608118.0001802,"tries":0,"wrote":["n"]}');
INSERT INTO "history" VALUES('ended-1',12,1.79560811800018024437e+09,'started',2,'ended-1_0_0','{}');
INSERT INTO "history" VALUES('ended-1',13,1.79560811800018024437e+09,'dispatched',2,'ended-1_0_0','{"participant":"count","attempt":1,"number":2}');
INSERT INTO "history" VALUES('ended-1',14,1.79560811900018310553e+09,'input',NULL,'ended-1','["Answer",{"branch":"","activity":2,"attempt":2,"fields":{},"definition":""}]');
INSERT INTO "history" VALUES('ended-1',15,1.79560811900018310553e+09,'answered',2,'ended-1_0_0','{"attempt":1,"changed":{}}');
INSERT INTO "history" VALUES('ended-1',16,1.79560811900018310553e+09,'completed',2,'ended-1_0_0','{"since":1795608118.0001802,"tries":1}');
INSERT INTO "history" VALUES('ended-1',17,1.79560811900018310553e+09,'started',3,'ended-1_0_1','{}');
INSERT INTO "history" VALUES('ended-1',18,1.79560811900018310553e+09,'completed',3,'ended-1_0_1','{"since":1795608119.000183,"tries":0,"wrote":["n"]}');
INSERT INTO "history" VALUES('ended-1',19,1.79560811900018310553e+09,'started',2,'ended-1_0_0','{}');
INSERT INTO "history" VALUES('ended-1',20,1.79560811900018310553e+09,'dispatched',2,'ended-1_0_0','{"participant":"count","attempt":1,"number":3}');
INSERT INTO "history" VALUES('ended-1',21,1.79560812000018596651e+09,'input',NULL,'ended-1','["Answer",{"branch":"","activity":2,"attempt":3,"fields":{},"definition":""}]');
INSERT INTO "history" VALUES('ended-1',22,1.79560812000018596651e+09,'answered',2,'ended-1_0_0','{"attempt":1,"changed":{}}');
INSERT INTO "history" VALUES('ended-1',23,1.79560812000018596651e+09,'completed',2,'ended-1_0_0','{"since":1795608119.000183,"tries":1}');
INSERT INTO "history" VALUES('ended-1',24,1.79560812000018596651e+09,'started',3,'ended-1_0_1','{}');
INSERT INTO "history" VALUES('ended-1',25,1.79560812000018596651e+09,'completed',3,'ended-1_0_1','{"since":1795608120.000186,"tries":0,"wrote":["n"]}');
INSERT INTO "history" VALUES('ended-1',26,1.79560812000018596651e+09,'completed',1,'ended-1_0','{"since":1795608117.0001774,"tries":0}');
INSERT INTO "history" VALUES('ended-1',27,1.79560812000018596651e+09,'completed',0,'ended-1','{"since":1795608117.0001774,"tries":0}');
INSERT INTO "history" VALUES('ended-1',28,1.79560812000018596651e+09,'ended',NULL,'ended-1','{"status":"completed","outcome":"completed"}');
INSERT INTO "history" VALUES('ended-2',1,1.79560812200019073486e+09,'input',NULL,'ended-2','["Start",{"fields":{}}]');
INSERT INTO "history" VALUES('ended-2',2,1.79560812200019073486e+09,'launched',NULL,'ended-2','{"process":"loop"}');
INSERT INTO "history" VALUES('ended-2',3,1.79560812200019073486e+09,'started',0,'ended-2','{}');
INSERT INTO "history" VALUES('ended-2',4,1.79560812200019073486e+09,'started',1,'ended-2_0','{}');
INSERT INTO "history" VALUES('ended-2',5,1.79560812200019073486e+09,'started',2,'ended-2_0_0','{}');
INSERT INTO "history" VALUES('ended-2',6,1.79560812200019073486e+09,'dispatched',2,'ended-2_0_0','{"participant":"count","attempt":1,"number":1}');
INSERT INTO "history" VALUES('ended-2',7,1.7956081230001935959e+09,'input',NULL,'ended-2','["Answer",{"branch":"","activity":2,"attempt":1,"fields":{},"definition":""}]');
INSERT INTO "history" VALUES('ended-2',8,1.7956081230001935959e+09,'answered',2,'ended-2_0_0','{"attempt":1,"changed":{}}');
INSERT INTO "history" VALUES('ended-2',9,1.7956081230001935959e+09,'completed',2,'ended-2_0_0','{"since":1795608122.0001907,"tries":1}');
INSERT INTO "history" VALUES('ended-2',10,1.7956081230001935959e+09,'started',3,'ended-2_0_1','{}');
INSERT INTO "history" VALUES('ended-2',11,1.7956081230001935959e+09,'completed',3,'ended-2_0_1','{"since":1795608123.0001936,"tries":0,"wrote":["n"]}');
INSERT INTO "history" VALUES('ended-2',12,1.7956081230001935959e+09,'started',2,'ended-2_0_0','{}');
INSERT INTO "history" VALUES('ended-2',13,1.7956081230001935959e+09,'dispatched',2,'ended-2_0_0','{"participant":"count","attempt":1,"number":2}');
INSERT INTO "history" VALUES('ended-2',14,1.79560812400019645688e+09,'input',NULL,'ended-2','["Answer",{"branch":"","activity":2,"attempt":2,"fields":{},"definition":""}]');
INSERT INTO "history" VALUES('ended-2',15,1.79560812400019645688e+09,'answered',2,'ended-2_0_0','{"attempt":1,"changed":{}}');
INSERT INTO "history" VALUES('ended-2',16,1.79560812400019645688e+09,'completed',2,'ended-2_0_0','{"since":1795608123.0001936,"tries":1}');
INSERT INTO "history" VALUES('ended-2',17,1.79560812400019645688e+09,'started',3,'ended-2_0_1','{}');
INSERT INTO "history" VALUES('ended-2',18,1.79560812400019645688e+09,'completed',3,'ended-2_0_1','{"since":1795608124.0001965,"tries":0,"wrote":["n"]}');
INSERT INTO "history" VALUES('ended-2',19,1.79560812400019645688e+09,'started',2,'ended-2_0_0','{}');
INSERT INTO "history" VALUES('ended-2',20,1.79560812400019645688e+09,'dispatched',2,'ended-2_0_0','{"participant":"count","attempt":1,"number":3}');
INSERT INTO "history" VALUES('ended-2',21,1.79560812500019931787e+09,'input',NULL,'ended-2','["Answer",{"branch":"","activity":2,"attempt":3,"fields":{},"definition":""}]');
INSERT INTO "history" VALUES('ended-2',22,1.79560812500019931787e+09,'answered',2,'ended-2_0_0','{"attempt":1,"changed":{}}');
INSERT INTO "history" VALUES('ended-2',23,1.79560812500019931787e+09,'completed',2,'ended-2_0_0','{"since":1795608124.0001965,"tries":1}');
INSERT INTO "history" VALUES('ended-2',24,1.79560812500019931787e+09,'started',3,'ended-2_0_1','{}');
INSERT INTO "history" VALUES('ended-2',25,1.79560812500019931787e+09,'completed',3,'ended-2_0_1','{"since":1795608125.0001993,"tries":0,"wrote":["n"]}');
INSERT INTO "history" VALUES('ended-2',26,1.79560812500019931787e+09,'completed',1,'ended-2_0','{"since":1795608122.0001907,"tries":0}');
INSERT INTO "history" VALUES('ended-2',27,1.79560812500019931787e+09,'completed',0,'ended-2','{"since":1795608122.0001907,"tries":0}');
INSERT INTO "history" VALUES('ended-2',28,1.79560812500019931787e+09,'ended',NULL,'ended-2','{"status":"completed","outcome":"completed"}');
INSERT INTO "history" VALUES('ended-3',1,1.79560812700020408635e+09,'input',NULL,'ended-3','["Start",{"fields":{"order_id":"99"}}]');
INSERT INTO "history" VALUES('ended-3',2,1.79560812700020408635e+09,'launched',NULL,'ended-3','{"process":"order"}');
INSERT INTO "history" VALUES('ended-3',3,1.79560812700020408635e+09,'started',0,'ended-3','{}');
INSERT INTO "history" VALUES('ended-3',4,1.79560812700020408635e+09,'started',1,'ended-3_0','{}');
INSERT INTO "history" VALUES('ended-3',5,1.79560812700020408635e+09,'dispatched',1,'ended-3_0','{"participant":"reserve","attempt":1,"number":1}');
INSERT INTO "history" VALUES('ended-3',6,1.79560812800020694734e+09,'input',NULL,'ended-3','["Answer",{"branch":"","activity":1,"attempt":1,"fields":{},"definition":""}]');
INSERT INTO "history" VALUES('ended-3',7,1.79560812800020694734e+09,'answered',1,'ended-3_0','{"attempt":1,"changed":{}}');
INSERT INTO "history" VALUES('ended-3',8,1.79560812800020694734e+09,'remembered',1,'ended-3_0','{"number":1,"instead":0}');
INSERT INTO "history" VALUES('ended-3',9,1.79560812800020694734e+09,'completed',1,'ended-3_0','{"since":1795608127.000204,"tries":1}');
INSERT INTO "history" VALUES('ended-3',10,1.79560812800020694734e+09,'started',4,'ended-3_1','{}');
INSERT INTO "history" VALUES('ended-3',11,1.79560812900021076203e+09,'input',NULL,'ended-3','["Offer",{"branch":"","activity":4,"activation":3,"event":20,"name":"payment.authorized","body":{"order_id":"99"}}]');
INSERT INTO "history" VALUES('ended-3',12,1.79560812900021076203e+09,'completed',4,'ended-3_1','{"since":1795608128.000207,"tries":0}');
INSERT INTO "history" VALUES('ended-3',13,1.79560812900021076203e+09,'started',5,'ended-3_2','{}');
INSERT INTO "history" VALUES('ended-3',14,1.79560812900021076203e+09,'dispatched',5,'ended-3_2','{"participant":"capture","attempt":1,"number":2}');
INSERT INTO "history" VALUES('ended-3',15,1.79560813000021362306e+09,'input',NULL,'ended-3','["Answer",{"branch":"","activity":5,"attempt":2,"fields":{},"definition":""}]');
INSERT INTO "history" VALUES('ended-3',16,1.79560813000021362306e+09,'answered',5,'ended-3_2','{"attempt":1,"changed":{}}');
INSERT INTO "history" VALUES('ended-3',17,1.79560813000021362306e+09,'completed',5,'ended-3_2','{"since":1795608129.0002108,"tries":1}');
INSERT INTO "history" VALUES('ended-3',18,1.79560813000021362306e+09,'started',6,'ended-3_3','{}');
INSERT INTO "history" VALUES('ended-3',19,1.79560813000021362306e+09,'started',7,'ended-3_3_0','{}');
INSERT INTO "history" VALUES('ended-3',20,1.79560813000021362306e+09,'dispatched',7,'ended-3_3_0','{"participant":"ship","attempt":1,"number":3}');
INSERT INTO "history" VALUES('ended-3',21,1.79560813000021362306e+09,'started',8,'ended-3_3_1','{}');
INSERT INTO "history" VALUES('ended-3',22,1.79560813000021362306e+09,'dispatched',8,'ended-3_3_1','{"participant":"invoice","attempt":1,"number":4}');
INSERT INTO "history" VALUES('ended-3',23,1.79560813100021839138e+09,'input',NULL,'ended-3','["Answer",{"branch":"_3_1","activity":8,"attempt":4,"fields":{},"definition":""}]');
INSERT INTO "history" VALUES('ended-3',24,1.79560813100021839138e+09,'answered',8,'ended-3_3_1','{"attempt":1,"changed":{}}');
INSERT INTO "history" VALUES('ended-3',25,1.79560813100021839138e+09,'completed',8,'ended-3_3_1','{"since":1795608130.0002136,"tries":1}');
INSERT INTO "history" VALUES('ended-3',26,1.79560813100021934504e+09,'input',NULL,'ended-3','["Answer",{"branch":"_3_0","activity":7,"attempt":3,"fields":{},"definition":""}]');
INSERT INTO "history" VALUES('ended-3',27,1.79560813100021934504e+09,'answered',7,'ended-3_3_0','{"attempt":1,"changed":{}}');
INSERT INTO "history" VALUES('ended-3',28,1.79560813100021934504e+09,'completed',7,'ended-3_3_0','{"since":1795608130.0002136,"tries":1}');
INSERT INTO "history" VALUES('ended-3',29,1.79560813100021934504e+09,'completed',6,'ended-3_3','{"since":1795608130.0002136,"tries":0}');
INSERT INTO "history" VALUES('ended-3',30,1.79560813100021934504e+09,'started',9,'ended-3_4','{}');
INSERT INTO "history" VALUES('ended-3',31,1.79560813100021934504e+09,'completed',9,'ended-3_4','{"since":1795608131.0002193,"tries":0}');
INSERT INTO "history" VALUES('ended-3',32,1.79560813100021934504e+09,'completed',0,'ended-3','{"since":1795608127.000204,"tries":0}');
INSERT INTO "history" VALUES('ended-3',33,1.79560813100021934504e+09,'ended',NULL,'ended-3','{"status":"completed","outcome":"shipped"}');
CREATE TABLE inbox (
    id TEXT NOT NULL PRIMARY KEY,
    at REAL NOT NULL
) WITHOUT ROWID;
CREATE TABLE incidents (
    instance TEXT NOT NULL,
    number INTEGER NOT NULL,
    branch TEXT NOT NULL,
    activity INTEGER NOT NULL,
    address TEXT NOT NULL,
    kind TEXT NOT NULL,
    code TEXT NOT NULL,
    message TEXT NOT NULL,
    opened REAL NOT NULL,
    closed REAL,
    how TEXT,
    PRIMARY KEY (instance, number)
) WITHOUT ROWID;
INSERT INTO "incidents" VALUES('order-5',1,'',5,'order-5_2','error','ActionError','carrier: 503',1.79560807100008869166e+09,NULL,NULL);
CREATE TABLE instances (
    id TEXT NOT NULL PRIMARY KEY,
    process TEXT NOT NULL,
    definition TEXT NOT NULL,
    version INTEGER NOT NULL,
    status TEXT NOT NULL,
    started REAL NOT NULL,
    state TEXT NOT NULL,
    business_key TEXT,
    ended REAL,
    outcome TEXT,
    incidents INTEGER NOT NULL,
    held INTEGER NOT NULL,
    releasable INTEGER NOT NULL
, is_unique INTEGER NOT NULL DEFAULT 0) WITHOUT ROWID;
INSERT INTO "instances" VALUES('01a21295502894ac44693153266b2107','pause','c895845e3307d2f66a26f20c9c6443e8d9900e575f0dd1293bee96f9745f7bb0',1,'running',1.79560810500013065343e+09,'{"id":"01a21295502894ac44693153266b2107","process":"pause","definition":"c895845e3307d2f66a26f20c9c6443e8d9900e575f0dd1293bee96f9745f7bb0","started":1795608105.0001307,"status":"running","suspended":false,"blocking":0,"incidents":0,"held":0,"branches":1,"activations":2,"attempts":0,"opened":0,"recorded":4,"migrations":0,"size":0,"remembered":0,"remembering":0,"remembered_bytes":0,"compensating":false,"depth":1,"caller":{"instance":"calling-1","branch":"","activity":1,"activation":2},"business_key":null,"unique":false,"ended":null,"outcome":null,"fault":null,"tick":null}',NULL,NULL,NULL,0,0,0,0);
INSERT INTO "instances" VALUES('calling-1','calling','58852b0e2b5252c4577b3bd98435dfebaf4c2ba40672f93ea43aa874742a2f08',1,'running',1.79560810500012588497e+09,'{"id":"calling-1","process":"calling","definition":"58852b0e2b5252c4577b3bd98435dfebaf4c2ba40672f93ea43aa874742a2f08","started":1795608105.000126,"status":"running","suspended":false,"blocking":0,"incidents":0,"held":0,"branches":1,"activations":2,"attempts":0,"opened":0,"recorded":4,"migrations":0,"size":0,"remembered":0,"remembering":0,"remembered_bytes":0,"compensating":false,"depth":0,"caller":null,"business_key":null,"unique":false,"ended":null,"outcome":null,"fault":null,"tick":null}',NULL,NULL,NULL,0,0,0,0);
INSERT INTO "instances" VALUES('ended-1','loop','e074454f30d1d034f4721aaa277ad5480bd4d276bb8eafae3963cb169279738b',4,'completed',1.79560811700017642971e+09,'{"id":"ended-1","process":"loop","definition":"e074454f30d1d034f4721aaa277ad5480bd4d276bb8eafae3963cb169279738b","started":1795608117.0001764,"status":"completed","suspended":false,"blocking":0,"incidents":0,"held":0,"branches":1,"activations":8,"attempts":3,"opened":0,"recorded":28,"migrations":0,"size":1,"remembered":0,"remembering":0,"remembered_bytes":0,"compensating":false,"depth":0,"caller":null,"business_key":null,"unique":false,"ended":1795608120.000186,"outcome":"completed","fault":null,"tick":null}',NULL,1.79560812000018596651e+09,'completed',0,0,0,0);
INSERT INTO "instances" VALUES('ended-2','loop','e074454f30d1d034f4721aaa277ad5480bd4d276bb8eafae3963cb169279738b',4,'completed',1.7956081220001897812e+09,'{"id":"ended-2","process":"loop","definition":"e074454f30d1d034f4721aaa277ad5480bd4d276bb8eafae3963cb169279738b","started":1795608122.0001898,"status":"completed","suspended":false,"blocking":0,"incidents":0,"held":0,"branches":1,"activations":8,"attempts":3,"opened":0,"recorded":28,"migrations":0,"size":1,"remembered":0,"remembering":0,"remembered_bytes":0,"compensating":false,"depth":0,"caller":null,"business_key":null,"unique":false,"ended":1795608125.0001993,"outcome":"completed","fault":null,"tick":null}',NULL,1.79560812500019931787e+09,'completed',0,0,0,0);
INSERT INTO "instances" VALUES('ended-3','order','5776243894e606472aa4c607d24c04778b5837abb7f418c33e0e61d0db0a415c',5,'completed',1.7956081270002031326e+09,'{"id":"ended-3","process":"order","definition":"5776243894e606472aa4c607d24c04778b5837abb7f418c33e0e61d0db0a415c","started":1795608127.0002031,"status":"completed","suspended":false,"blocking":0,"incidents":0,"held":0,"branches":1,"activations":8,"attempts":4,"opened":0,"recorded":33,"migrations":0,"size":4,"remembered":1,"remembering":0,"remembered_bytes":0,"compensating":false,"depth":0,"caller":null,"business_key":"99","unique":true,"ended":1795608131.0002193,"outcome":"shipped","fault":null,"tick":null}','99',1.79560813100021934504e+09,'shipped',0,0,0,1);
INSERT INTO "instances" VALUES('fb49f84266ff5fc283e46bd25ed315a5','greeted','f08405f11b08fc4568724e10a78f601520ebdb81a58e1e43bd56f6ac0309f2ef',1,'running',1.79560811300016689301e+09,'{"id":"fb49f84266ff5fc283e46bd25ed315a5","process":"greeted","definition":"f08405f11b08fc4568724e10a78f601520ebdb81a58e1e43bd56f6ac0309f2ef","started":1795608113.000167,"status":"running","suspended":false,"blocking":0,"incidents":0,"held":0,"branches":1,"activations":2,"attempts":1,"opened":0,"recorded":5,"migrations":0,"size":5,"remembered":0,"remembering":0,"remembered_bytes":0,"compensating":false,"depth":0,"caller":null,"business_key":null,"unique":false,"ended":null,"outcome":null,"fault":null,"tick":null}',NULL,NULL,NULL,0,0,0,0);
INSERT INTO "instances" VALUES('files-1','files','9ff766e708e6fe0b2145b260688908e91719334a9e571c48f23368768bea0225',2,'running',1.7956081020001077652e+09,'{"id":"files-1","process":"files","definition":"9ff766e708e6fe0b2145b260688908e91719334a9e571c48f23368768bea0225","started":1795608102.0001078,"status":"running","suspended":false,"blocking":0,"incidents":0,"held":0,"branches":3,"activations":8,"attempts":3,"opened":0,"recorded":17,"migrations":0,"size":17,"remembered":0,"remembering":0,"remembered_bytes":0,"compensating":false,"depth":0,"caller":null,"business_key":null,"unique":false,"ended":null,"outcome":null,"fault":null,"tick":null}',NULL,NULL,NULL,0,0,0,0);
INSERT INTO "instances" VALUES('loop-1','loop','e074454f30d1d034f4721aaa277ad5480bd4d276bb8eafae3963cb169279738b',2,'running',1.79560811100015735621e+09,'{"id":"loop-1","process":"loop","definition":"e074454f30d1d034f4721aaa277ad5480bd4d276bb8eafae3963cb169279738b","started":1795608111.0001574,"status":"running","suspended":false,"blocking":0,"incidents":0,"held":0,"branches":1,"activations":5,"attempts":2,"opened":0,"recorded":13,"migrations":0,"size":1,"remembered":0,"remembering":0,"remembered_bytes":0,"compensating":false,"depth":0,"caller":null,"business_key":null,"unique":false,"ended":null,"outcome":null,"fault":null,"tick":null}',NULL,NULL,NULL,0,0,0,0);
INSERT INTO "instances" VALUES('order-1','order','5776243894e606472aa4c607d24c04778b5837abb7f418c33e0e61d0db0a415c',1,'running',1.79560800100001621238e+09,'{"id":"order-1","process":"order","definition":"5776243894e606472aa4c607d24c04778b5837abb7f418c33e0e61d0db0a415c","started":1795608001.0000162,"status":"running","suspended":false,"blocking":0,"incidents":0,"held":0,"branches":1,"activations":2,"attempts":1,"opened":0,"recorded":5,"migrations":0,"size":3,"remembered":0,"remembering":0,"remembered_bytes":0,"compensating":false,"depth":0,"caller":null,"business_key":"1","unique":true,"ended":null,"outcome":null,"fault":null,"tick":null}','1',NULL,NULL,0,0,0,1);
INSERT INTO "instances" VALUES('order-2','order','5776243894e606472aa4c607d24c04778b5837abb7f418c33e0e61d0db0a415c',2,'running',1795608002.00002,'{"id":"order-2","process":"order","definition":"5776243894e606472aa4c607d24c04778b5837abb7f418c33e0e61d0db0a415c","started":1795608002.00002,"status":"running","suspended":false,"blocking":0,"incidents":0,"held":0,"branches":1,"activations":3,"attempts":1,"opened":0,"recorded":10,"migrations":0,"size":8,"remembered":1,"remembering":1,"remembered_bytes":0,"compensating":false,"depth":0,"caller":null,"business_key":"2","unique":true,"ended":null,"outcome":null,"fault":null,"tick":null}','2',NULL,NULL,0,0,0,1);
INSERT INTO "instances" VALUES('order-3','order','5776243894e606472aa4c607d24c04778b5837abb7f418c33e0e61d0db0a415c',5,'suspended',1.79560800300002384186e+09,'{"id":"order-3","process":"order","definition":"5776243894e606472aa4c607d24c04778b5837abb7f418c33e0e61d0db0a415c","started":1795608003.0000238,"status":"suspended","suspended":true,"blocking":0,"incidents":0,"held":1,"branches":1,"activations":4,"attempts":2,"opened":0,"recorded":17,"migrations":0,"size":8,"remembered":1,"remembering":1,"remembered_bytes":0,"compensating":false,"depth":0,"caller":null,"business_key":"3","unique":true,"ended":null,"outcome":null,"fault":null,"tick":null}','3',NULL,NULL,0,1,0,1);
INSERT INTO "instances" VALUES('order-4','order','5776243894e606472aa4c607d24c04778b5837abb7f418c33e0e61d0db0a415c',5,'running',1.79560800400002765651e+09,'{"id":"order-4","process":"order","definition":"5776243894e606472aa4c607d24c04778b5837abb7f418c33e0e61d0db0a415c","started":1795608004.0000277,"status":"running","suspended":false,"blocking":0,"incidents":0,"held":0,"branches":1,"activations":4,"attempts":3,"opened":0,"recorded":18,"migrations":0,"size":8,"remembered":1,"remembering":1,"remembered_bytes":0,"compensating":false,"depth":0,"caller":null,"business_key":"4","unique":true,"ended":null,"outcome":null,"fault":null,"tick":null}','4',NULL,NULL,0,0,0,1);
INSERT INTO "instances" VALUES('order-5','order','5776243894e606472aa4c607d24c04778b5837abb7f418c33e0e61d0db0a415c',8,'running',1.7956080050000314712e+09,'{"id":"order-5","process":"order","definition":"5776243894e606472aa4c607d24c04778b5837abb7f418c33e0e61d0db0a415c","started":1795608005.0000315,"status":"running","suspended":false,"blocking":0,"incidents":1,"held":0,"branches":1,"activations":4,"attempts":4,"opened":1,"recorded":24,"migrations":0,"size":8,"remembered":1,"remembering":1,"remembered_bytes":0,"compensating":false,"depth":0,"caller":null,"business_key":"5","unique":true,"ended":null,"outcome":null,"fault":null,"tick":null}','5',NULL,NULL,1,0,0,1);
INSERT INTO "instances" VALUES('order-6','order','5776243894e606472aa4c607d24c04778b5837abb7f418c33e0e61d0db0a415c',5,'running',1.79560800600003528599e+09,'{"id":"order-6","process":"order","definition":"5776243894e606472aa4c607d24c04778b5837abb7f418c33e0e61d0db0a415c","started":1795608006.0000353,"status":"running","suspended":false,"blocking":0,"incidents":0,"held":0,"branches":2,"activations":7,"attempts":4,"opened":0,"recorded":25,"migrations":0,"size":8,"remembered":1,"remembering":1,"remembered_bytes":0,"compensating":false,"depth":0,"caller":null,"business_key":"6","unique":true,"ended":null,"outcome":null,"fault":null,"tick":null}','6',NULL,NULL,0,0,0,1);
INSERT INTO "instances" VALUES('undo-1','undo','5697d498762e0aef05cc87ebcdbdc06412da4b29c8fe52f9941f792265ff3a6b',5,'suspended',1.79560810600013542178e+09,'{"id":"undo-1","process":"undo","definition":"5697d498762e0aef05cc87ebcdbdc06412da4b29c8fe52f9941f792265ff3a6b","started":1795608106.0001354,"status":"suspended","suspended":true,"blocking":0,"incidents":0,"held":1,"branches":2,"activations":6,"attempts":2,"opened":0,"recorded":20,"migrations":0,"size":5,"remembered":1,"remembering":0,"remembered_bytes":0,"compensating":false,"depth":0,"caller":null,"business_key":null,"unique":false,"ended":null,"outcome":null,"fault":null,"tick":null}',NULL,NULL,NULL,0,1,0,0);
INSERT INTO "instances" VALUES('undo-2','undo','5697d498762e0aef05cc87ebcdbdc06412da4b29c8fe52f9941f792265ff3a6b',3,'running',1.79560810800014209742e+09,'{"id":"undo-2","process":"undo","definition":"5697d498762e0aef05cc87ebcdbdc06412da4b29c8fe52f9941f792265ff3a6b","started":1795608108.000142,"status":"running","suspended":false,"blocking":0,"incidents":0,"held":0,"branches":2,"activations":6,"attempts":2,"opened":0,"recorded":17,"migrations":0,"size":5,"remembered":1,"remembering":0,"remembered_bytes":0,"compensating":false,"depth":0,"caller":null,"business_key":null,"unique":false,"ended":null,"outcome":null,"fault":null,"tick":null}',NULL,NULL,NULL,0,0,0,0);
INSERT INTO "instances" VALUES('visit-1','visit','6e31c83d1bbc3273a91215aba339f34199e1536c3b6b056c3c4f73e9fe640672',1,'running',1.79560810400011920933e+09,'{"id":"visit-1","process":"visit","definition":"6e31c83d1bbc3273a91215aba339f34199e1536c3b6b056c3c4f73e9fe640672","started":1795608104.0001192,"status":"running","suspended":false,"blocking":0,"incidents":0,"held":0,"branches":3,"activations":5,"attempts":0,"opened":0,"recorded":7,"migrations":0,"size":0,"remembered":0,"remembering":0,"remembered_bytes":0,"compensating":false,"depth":0,"caller":null,"business_key":null,"unique":false,"ended":null,"outcome":null,"fault":null,"tick":null}',NULL,NULL,NULL,0,0,0,0);
CREATE TABLE mailbox (
    number INTEGER PRIMARY KEY,
    instance TEXT NOT NULL,
    message TEXT NOT NULL,
    at REAL NOT NULL,
    held INTEGER NOT NULL
);
INSERT INTO "mailbox" VALUES(10,'order-3','["Answer",{"branch":"","activity":5,"attempt":2,"fields":{},"definition":""}]',1.79560810100010490421e+09,1);
INSERT INTO "mailbox" VALUES(18,'undo-1','["Answer",{"branch":"_0_compensation_0.1","activity":3,"attempt":2,"fields":{},"definition":""}]',1.79560811600017452239e+09,1);
CREATE TABLE outbox (
    number INTEGER PRIMARY KEY,
    destination TEXT NOT NULL,
    body BLOB NOT NULL,
    at REAL NOT NULL,
    instance TEXT NOT NULL,
    attempt INTEGER,
    priority INTEGER,
    properties TEXT NOT NULL
, branch TEXT NOT NULL DEFAULT '', participant TEXT NOT NULL DEFAULT '');
CREATE TABLE pauses (
    participant TEXT PRIMARY KEY,
    since REAL NOT NULL,
    who TEXT NOT NULL,
    reason TEXT NOT NULL
) WITHOUT ROWID;
INSERT INTO "pauses" VALUES('nag',1795608000.0,'bea@desk','nobody is there');
CREATE TABLE remembered (
    instance TEXT NOT NULL,
    number INTEGER NOT NULL,
    branch TEXT NOT NULL,
    activity INTEGER NOT NULL,
    activation INTEGER NOT NULL,
    at REAL NOT NULL,
    size INTEGER NOT NULL,
    levels TEXT NOT NULL,
    PRIMARY KEY (instance, number)
) WITHOUT ROWID;
INSERT INTO "remembered" VALUES('order-2',1,'',1,2,1.79560800700003910064e+09,0,'[]');
INSERT INTO "remembered" VALUES('order-3',1,'',1,2,1.79560800800004196167e+09,0,'[]');
INSERT INTO "remembered" VALUES('order-4',1,'',1,2,1.7956080090000448227e+09,0,'[]');
INSERT INTO "remembered" VALUES('order-5',1,'',1,2,1.79560801000004768368e+09,0,'[]');
INSERT INTO "remembered" VALUES('order-6',1,'',1,2,1.79560801100005054467e+09,0,'[]');
CREATE TABLE schedules (
    process TEXT NOT NULL,
    number INTEGER NOT NULL,
    changes INTEGER NOT NULL,
    version INTEGER NOT NULL,
    definition TEXT NOT NULL,
    cron TEXT NOT NULL,
    timezone TEXT NOT NULL,
    overlap TEXT NOT NULL,
    missed TEXT NOT NULL,
    due REAL,
    paused INTEGER NOT NULL,
    queued TEXT NOT NULL,
    asked TEXT NOT NULL,
    unfinished TEXT NOT NULL,
    started REAL,
    instance TEXT,
    skipped INTEGER NOT NULL,
    PRIMARY KEY (process, number)
) WITHOUT ROWID;
INSERT INTO "schedules" VALUES('nightly',0,1,1,'eb5a6da1882ba363dd3526618093a17f11e61d3977144971829215d9e06b7483','0 3 * * *','UTC','queue','once',1795662000.0,0,'[]','[]','[]',NULL,NULL,0);
CREATE TABLE settings (
    name TEXT NOT NULL PRIMARY KEY,
    value TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE "values" (
    instance TEXT NOT NULL,
    branch TEXT NOT NULL,
    scope INTEGER NOT NULL,
    name TEXT NOT NULL,
    value TEXT NOT NULL,
    PRIMARY KEY (instance, branch, scope, name)
) WITHOUT ROWID;
INSERT INTO "values" VALUES('01a21295502894ac44693153266b2107','',0,'','{}');
INSERT INTO "values" VALUES('calling-1','',0,'','{}');
INSERT INTO "values" VALUES('ended-1','',0,'','{"n":0}');
INSERT INTO "values" VALUES('ended-1','',0,'n','3');
INSERT INTO "values" VALUES('ended-2','',0,'','{"n":0}');
INSERT INTO "values" VALUES('ended-2','',0,'n','3');
INSERT INTO "values" VALUES('ended-3','',0,'','{"order_id":"99"}');
INSERT INTO "values" VALUES('fb49f84266ff5fc283e46bd25ed315a5','',0,'','{"whom":"ann"}');
INSERT INTO "values" VALUES('files-1','',-2,'','{"inst:selection":[1,2,3,4]}');
INSERT INTO "values" VALUES('files-1','',-2,'2','17');
INSERT INTO "values" VALUES('files-1','',0,'','{}');
INSERT INTO "values" VALUES('files-1','_0.1',1,'','{"inst:current":1,"inst:iteration":1,"n":1}');
INSERT INTO "values" VALUES('files-1','_0.3',1,'','{"inst:current":3,"inst:iteration":3,"n":3}');
INSERT INTO "values" VALUES('loop-1','',0,'','{"n":0}');
INSERT INTO "values" VALUES('loop-1','',0,'n','1');
INSERT INTO "values" VALUES('order-1','',0,'','{"order_id":"1"}');
INSERT INTO "values" VALUES('order-2','',0,'','{"order_id":"2"}');
INSERT INTO "values" VALUES('order-2','',0,'stock','"S-2"');
INSERT INTO "values" VALUES('order-3','',0,'','{"order_id":"3"}');
INSERT INTO "values" VALUES('order-3','',0,'stock','"S-3"');
INSERT INTO "values" VALUES('order-4','',0,'','{"order_id":"4"}');
INSERT INTO "values" VALUES('order-4','',0,'stock','"S-4"');
INSERT INTO "values" VALUES('order-5','',0,'','{"order_id":"5"}');
INSERT INTO "values" VALUES('order-5','',0,'stock','"S-5"');
INSERT INTO "values" VALUES('order-6','',0,'','{"order_id":"6"}');
INSERT INTO "values" VALUES('order-6','',0,'stock','"S-6"');
INSERT INTO "values" VALUES('undo-1','',0,'','{}');
INSERT INTO "values" VALUES('undo-1','',0,'ref','"B-1"');
INSERT INTO "values" VALUES('undo-1','_0_compensation_0.1',2,'','{}');
INSERT INTO "values" VALUES('undo-2','',0,'','{}');
INSERT INTO "values" VALUES('undo-2','',0,'ref','"B-2"');
INSERT INTO "values" VALUES('undo-2','_0_compensation_0.1',2,'','{}');
INSERT INTO "values" VALUES('visit-1','',0,'','{}');
CREATE TABLE versions (
    name TEXT NOT NULL,
    version INTEGER NOT NULL,
    definition TEXT NOT NULL,
    deployed REAL NOT NULL,
    who TEXT NOT NULL,
    retired INTEGER NOT NULL,
    PRIMARY KEY (name, version)
) WITHOUT ROWID;
INSERT INTO "versions" VALUES('greeted',1,'f08405f11b08fc4568724e10a78f601520ebdb81a58e1e43bd56f6ac0309f2ef',1.79560800000000953674e+09,'bea',0);
INSERT INTO "versions" VALUES('loop',1,'e074454f30d1d034f4721aaa277ad5480bd4d276bb8eafae3963cb169279738b',1.79560800000000572208e+09,'bea',0);
INSERT INTO "versions" VALUES('nightly',1,'eb5a6da1882ba363dd3526618093a17f11e61d3977144971829215d9e06b7483',1.79560800000000762941e+09,'bea',0);
INSERT INTO "versions" VALUES('order',1,'5776243894e606472aa4c607d24c04778b5837abb7f418c33e0e61d0db0a415c',1.79560800000000190734e+09,'bea',0);
INSERT INTO "versions" VALUES('order',2,'5fb425db0625c69fa9087beef6ef753ab5d6a49522d563a14efa83cb73d84cd4',1.79560800000001239773e+09,'bea',0);
INSERT INTO "versions" VALUES('pause',1,'c895845e3307d2f66a26f20c9c6443e8d9900e575f0dd1293bee96f9745f7bb0',1.79560800000000381467e+09,'bea',0);
CREATE TABLE waits (
    instance TEXT NOT NULL,
    branch TEXT NOT NULL,
    activity INTEGER NOT NULL,
    activation INTEGER NOT NULL,
    event TEXT NOT NULL,
    path TEXT NOT NULL,
    value TEXT NOT NULL,
    since REAL NOT NULL,
    fresh INTEGER NOT NULL,
    PRIMARY KEY (instance, branch, activity)
) WITHOUT ROWID;
INSERT INTO "waits" VALUES('order-2','',4,3,'payment.authorized','order_id','2',1795608002.00002,0);
INSERT INTO "waits" VALUES('visit-1','_0_0',2,3,'door.opened','','',1.79560810400012016299e+09,0);
CREATE INDEX instances_process ON instances (process, id);
CREATE INDEX instances_status ON instances (status, id);
CREATE INDEX instances_unfinished ON instances (id) WHERE ended IS NULL;
CREATE INDEX instances_business_key ON instances (business_key, id) WHERE business_key IS NOT NULL;
CREATE INDEX instances_incidents ON instances (id) WHERE incidents > 0;
CREATE INDEX instances_ended ON instances (ended) WHERE ended IS NOT NULL;
CREATE INDEX instances_releasable ON instances (id) WHERE releasable = 1;
CREATE INDEX branches_due ON branches (due, instance, id) WHERE due IS NOT NULL;
CREATE INDEX waits_event ON waits (event, path, value, instance);
CREATE INDEX waits_fresh ON waits (instance, branch, activity) WHERE fresh = 1;
CREATE INDEX events_name ON events (name, accepted);
CREATE INDEX events_pending ON events (number) WHERE cursor IS NOT NULL;
CREATE INDEX events_old ON events (accepted) WHERE cursor IS NULL;
CREATE INDEX consumed_event ON consumed (event);
CREATE INDEX mailbox_free ON mailbox (number) WHERE held = 0;
CREATE INDEX mailbox_held ON mailbox (instance, number) WHERE held = 1;
CREATE INDEX outbox_attempt ON outbox (instance, attempt) WHERE attempt IS NOT NULL;
CREATE INDEX inbox_at ON inbox (at);
CREATE UNIQUE INDEX dead_letters_message ON dead_letters (source, message_id, digest);
CREATE INDEX history_at ON history (at);
CREATE INDEX incidents_open ON incidents (opened, instance, number) WHERE closed IS NULL;
CREATE INDEX audit_instance ON audit (instance);
CREATE INDEX dead_letters_id ON dead_letters (message_id);
CREATE INDEX dead_letters_at ON dead_letters (at);
CREATE INDEX events_id ON events (id);
CREATE UNIQUE INDEX instances_unique ON instances (process, business_key) WHERE ended IS NULL AND is_unique = 1;
CREATE INDEX branches_participant ON branches (participant, instance, id, attempt) WHERE attempt IS NOT NULL;
CREATE INDEX outbox_participant ON outbox (participant) WHERE participant != '';
CREATE INDEX event_keys_number ON event_keys (number);
CREATE INDEX schedules_due ON schedules (due, process, number) WHERE due IS NOT NULL AND paused = 0;
CREATE INDEX schedules_waiting ON schedules (process, number)
WHERE due IS NOT NULL AND (asked <> '[]' OR (queued <> '[]' AND paused = 0));
COMMIT;
PRAGMA user_version = 9;
