"""What a person asks of instances: carried out by an engine, answered honestly, kept in the audit log."""

from __future__ import annotations

import pytest
from operated import Office, golden
from operated_processes import ORDER, PAUSE, SHIPPING, TWICE

from bureaucrat.core.messages import Move, Retry, Skip, Stuck
from bureaucrat.engine.codec import encode_message
from bureaucrat.engine.orders import Looked, Order
from bureaucrat.ports import AuditRow, MailRow

A, B, C = (f"0199aaaa0000{letter * 4}0000000000000000" for letter in "abc")
ME = ("--who", "bea@desk")


async def three_orders(office: Office) -> None:
    """Two that wait for their payment, and one with an incident."""
    await office.open()
    for number, id in enumerate((A, B, C), 1017):
        await office.start(ORDER, id, str(number), order_id=str(number))
        await office.answer(id, **({"status": "error", "error": "stock: 503"} if id == C else {}))
    office.run()


# one instance


@pytest.mark.parametrize(
    ("words", "line", "status"),
    [
        (["cancel", "1017"], "1017: canceled; the instance is canceled", "canceled"),
        (["suspend", "1017"], "1017: suspended; the instance is suspended", "suspended"),
        (["retry", "1019"], "1019: retried reserve; the instance is running", "running"),
        (["retry", "1019", "reserve", "--set", "host=b"], "1019: retried reserve; the instance is running", "running"),
        (["skip", "1017"], "1017: skipped payment; the instance is running", "running"),
        (["skip", "1017", "payment", "paid:json=true"], "1017: skipped payment; the instance is running", "running"),
        (["skip", "1017", "_1"], "1017: skipped payment; the instance is running", "running"),
        (["skip", "1019", "stock=by hand"], "1019: skipped reserve; the instance is running", "running"),
        (["move", "1017", "--start", "capture"], "1017: moved payment to capture; the instance is running", "running"),
        (
            ["move", "1019", "--end", "reserve", "--start", "_1"],
            "1019: moved reserve to payment; the instance is running",
            "running",
        ),
        (["set", "1017", "secret=x", "n:int=5"], "1017: changed secret, n; the instance is running", "running"),
    ],
)
async def test_an_order_is_carried_out_and_said_so(office: Office, words: list[str], line: str, status: str) -> None:
    await three_orders(office)

    said = await office.says(*words, *ME, "--reason", "ticket 5521")

    assert (said.code, said.out, said.err) == (0, line + "\n", "")
    (kept,) = await office.storage.audits()
    assert (kept.who, kept.command, kept.reason, kept.outcome) == ("bea@desk", words[0], "ticket 5521", "done")
    row = await office.storage.instance(kept.instance)
    assert row is not None
    assert row.status == status


async def test_what_was_suspended_goes_on(office: Office) -> None:
    await three_orders(office)
    await office.says("suspend", "1017", *ME, "--reason", "ticket 5521")

    why, said = await office.says("show", "1017"), await office.says("resume", "1017", *ME)

    assert 'why   bea@desk has suspended it: "ticket 5521"' in why.out.splitlines()
    assert said.out == "1017: resumed; the instance is running\n"


async def test_fields_have_the_types_that_the_process_declares(office: Office) -> None:
    await three_orders(office)

    await office.says("set", "1017", "order_id=2000", "amount:float=1.5", *ME)

    found = await office.says("show", "1017", "--json", "--fields")
    assert found.json["fields"] == {"order_id": "2000", "secret": "", "amount": 1.5}


@pytest.mark.parametrize(
    ("words", "answer"),
    [
        (["resume", "1017"], "the instance is not suspended"),
        (["retry", "1017"], "it has no open incident"),
        (["retry", "1017", "payment"], "payment is no incident; it is waiting"),
        (["skip", "1017", "paymnt"], "'paymnt' is not active; did you mean payment?; active are payment _1"),
        (["move", "1017", "--start", "captur"], "the process 'order' has no activity 'captur'; did you mean capture?"),
        (["move", "1017", "--start", "order"], "the process itself cannot be started inside an instance"),
        (["set", "1017", "status=3"], "status cannot be set: the names are reserved"),
        (["set", "1017", "x=\udcff"], "the fields are no JSON: x contains half of a surrogate pair"),
    ],
)
async def test_what_is_refused_is_said_with_the_reason(office: Office, words: list[str], answer: str) -> None:
    await three_orders(office)

    said = await office.says(*words, *ME)

    assert said.out.splitlines() == [f"1017: refused: {answer}", "why   bureaucrat show 1017 --db b.db"]
    assert said.code == 4


async def test_an_instance_that_has_ended_refuses(office: Office) -> None:
    await three_orders(office)
    await office.says("cancel", "1017", *ME)

    asked, skipped = await office.says("cancel", A, *ME), await office.says("skip", A, *ME)

    assert asked.out.splitlines()[0] == "1017: refused: the instance is canceled"
    assert skipped.out.splitlines()[0] == "1017: refused: the instance is canceled"
    assert (asked.code, skipped.code) == (4, 4)


async def test_a_retry_is_of_all_open_incidents_and_a_skip_of_one(office: Office) -> None:
    await office.open()
    await office.start(SHIPPING, A)
    await office.answer(A, status="error", error="carrier: 503")
    office.run()

    skip, retry = await office.says("skip", A, *ME), await office.says("retry", A, *ME)

    assert skip.out.splitlines()[0] == f"{A}: refused: name one of ship _0_0, invoice _0_1"
    assert retry.out.splitlines() == [
        f"{A}: retried ship; the instance is running",
        f"{A}: retried invoice; the instance is running",
    ]


async def test_a_move_names_what_its_word_may_mean(office: Office) -> None:
    await office.open()
    await office.start(TWICE, A)
    office.run()

    two, one = await office.says("move", A, "--start", "ask"), await office.says("move", A, "--start", "_2", *ME)

    assert two.out.splitlines()[0] == f"{A}: refused: name one of ask _1, ask _2"
    assert one.out == f"{A}: moved wait to ask; the instance is running\n"


async def test_an_order_for_another_definition_is_refused(office: Office) -> None:
    await three_orders(office)

    (row,) = [row for row in await office.rows() if row.id == A]
    orders = [Retry("", 2, definition="f00d"), Skip("", 2, definition="f00d"), Move("", 2, 1, definition="f00d")]
    for number, order in enumerate(orders, 1):
        await office.storage.post(MailRow(number, row.id, encode_message(Order("bea@desk", order)), 0.0))
    await office.says("suspend", A, *ME)  # comes after them

    audits = [await office.storage.audit(number) for number in (1, 2, 3)]
    refusal = "the instance runs another definition now; look again"
    assert [audit and (audit.outcome, audit.answer) for audit in audits] == [("refused", refusal)] * 3


# many


async def test_counts_are_honest(office: Office) -> None:
    await three_orders(office)
    await office.says("suspend", "1018", *ME)

    said = await office.says("suspend", "--process", "order", *ME)

    assert said.out.splitlines() == [
        "1018: refused: the instance is already suspended",
        "matched 3 = done 2 + refused 1 (1 the instance is already suspended) + failed 0",
    ]
    assert said.code == 4


async def test_a_filter_that_finds_nothing_does_nothing(office: Office) -> None:
    await three_orders(office)

    said = await office.says("cancel", "--process", "refund", *ME)

    assert (said.code, said.out) == (0, "matched 0 = done 0 + refused 0 + failed 0\n")


async def test_only_the_first_are_asked(office: Office) -> None:
    await three_orders(office)

    said = await office.says("cancel", "--process", "order", "--first", "2", *ME)

    assert (said.code, said.out) == (0, "matched 3, asked 2 = done 2 + refused 0 + failed 0\n")
    assert [row.status for row in await office.rows()] == ["canceled", "canceled", "running"]


async def test_all_incidents_of_a_cause_are_tried_again(office: Office) -> None:
    await three_orders(office)
    (cause,) = (await office.says("ps", "--incidents", "--json")).json["causes"]

    said = await office.says("retry", "--cause", cause["cause"], *ME)

    assert (said.code, said.out) == (0, "matched 1 = done 1 + refused 0 + failed 0\n")
    assert (await office.says("ps", "--incidents")).out == "no open incidents\n"


async def test_a_retry_by_filter_is_of_instances_with_incidents(office: Office) -> None:
    await three_orders(office)

    said = await office.says("retry", "--process", "order", *ME)

    assert said.out == "matched 1 = done 1 + refused 0 + failed 0\n"


async def test_a_skip_by_filter_takes_the_activity_and_fields_alone(office: Office) -> None:
    await three_orders(office)

    said = await office.says("skip", "--key", "1017", "payment", "cash=yes", *ME)

    assert said.out == "matched 1 = done 1 + refused 0 + failed 0\n"


async def test_a_dry_run_asks_nothing(office: Office) -> None:
    await three_orders(office)

    said = await office.says("skip", "--process", "order", "payment", "--dry-run", *ME)
    machine = await office.says("skip", "--process", "order", "payment", "--dry-run", "--json", *ME)

    assert said.out.splitlines() == [
        "1019: refused: 'payment' is not active; active are reserve _0",
        "would skip 1018 payment   order, running",
        "would skip 1017 payment   order, running",
        "matched 3: would skip 2, refuse 1; nothing was changed",
    ]
    assert machine.json == {"matched": 3, "would": 2, "refused": 1}
    assert (said.code, await office.storage.audits()) == (4, [])


async def test_a_long_dry_run_is_cut(office: Office) -> None:
    await office.open()
    for number in range(22):
        await office.start(PAUSE, f"{number:032x}")

    said = await office.says("cancel", "--process", "pause", "--dry-run")

    assert said.out.splitlines()[-2:] == ["and 2 more", "matched 22: would cancel 22, refuse 0; nothing was changed"]
    assert said.code == 0


async def test_what_came_of_it_for_programs(office: Office) -> None:
    await three_orders(office)

    said = await office.says("retry", "--process", "order", "--json", *ME)

    (kept,) = await office.storage.audits()
    result = {"id": C, "key": "1019", "what": "reserve", "order": kept.number, "outcome": "done", "answer": "running"}
    counts = {"matched": 1, "asked": 1, "done": 1, "refused": 0, "failed": 0, "waiting": 0}
    assert said.json == {**counts, "results": [result]}


async def test_more_reasons_than_three_are_counted(office: Office) -> None:
    await office.open()
    for number in range(4):
        source = (
            f'<process name="p"><all><delay id="a{number}" duration="1h"/><delay id="b" duration="1h"/></all></process>'
        )
        await office.start(source, f"{number:032x}")

    said = await office.says("skip", "--process", "p", "--timeout", "10ms")

    reasons = ", ".join(f"1 name one of a{number} _0_0, b _0_1" for number in (3, 2, 1))
    assert said.out.splitlines()[-1] == f"matched 4 = done 0 + refused 4 ({reasons}, and 1 other reason) + failed 0"


# nobody there


async def test_an_order_that_nobody_takes_is_not_lost(office: Office) -> None:
    await office.open()
    await office.start(PAUSE, A)

    said = await office.says("cancel", A, "--timeout", "10ms", *ME)
    before = await office.says("audit", A)
    await office.sweep()
    after = await office.says("audit", A)

    first, nobody, see = said.out.splitlines()
    assert first.startswith(f"{A}: asked to cancel   order ")
    assert nobody == (
        "nobody took it in 0.0 s: it seems that no daemon runs on this database; "
        "it stays and is carried out when one does"
    )
    assert see == f"see what comes of it   bureaucrat audit {A} --db b.db"
    assert said.code == 1
    assert [line.split()[2:5] for line in before.out.splitlines()[1:]] == [["cancel", A, "waiting"]]
    assert [line.split()[2:5] for line in after.out.splitlines()[1:]] == [["cancel", A, "done"]]


async def test_whoever_does_not_wait_is_told_where_to_look(office: Office) -> None:
    await office.open()
    for id in (A, B):
        await office.start(PAUSE, id)

    one = await office.says("cancel", A, "--no-wait", *ME)
    both = await office.says("cancel", "--process", "pause", "--no-wait", *ME)

    assert one.out.splitlines()[1:] == [f"see what comes of it   bureaucrat audit {A} --db b.db"]
    assert both.out.splitlines() == [
        "matched 2 = done 0 + refused 0 + failed 0 + not taken 2",
        "see what comes of it   bureaucrat audit --db b.db",
    ]
    assert (one.code, both.code) == (0, 0)


async def test_several_that_nobody_takes_are_counted(office: Office) -> None:
    await office.open()
    for id in (A, B):
        await office.start(PAUSE, id)

    said = await office.says("cancel", "--process", "pause", "--timeout", "10ms", *ME)

    assert said.out.splitlines()[1].startswith("nobody took 2 orders in 0.0 s: it seems that no daemon runs")
    assert said.code == 1


# what was typed


@pytest.mark.parametrize(
    ("words", "first"),
    [
        (["cancel"], "cancel what? name an instance, or choose some with --process, --status, --since or --cause"),
        (
            ["cancel", "1017", "--process", "order"],
            "cancel either the instance '1017' or those that the options choose,",
        ),
        (["set", "1017"], "set what? for example   bureaucrat set 1017 NAME=VALUE --db b.db"),
        (["set"], "set what? for example   bureaucrat set ID NAME=VALUE --db b.db"),
        (["set", "1017", "5"], "'5' is no name=value: write for example 5=1017"),
        (["set", "1017", "n:int=five"], "'n:int=five': "),
        (["skip", "1017", "payment", "reserve"], "one activity at a time, not payment, reserve; a field is NAME=VALUE"),
    ],
)
async def test_what_makes_no_sense_is_told(office: Office, words: list[str], first: str) -> None:
    await office.open()
    await office.start(ORDER, A, "1017", order_id="1017")

    said = await office.says(*words)

    assert said.code == 2
    assert said.err.startswith(f"bureaucrat: {first}")


@pytest.mark.parametrize("name", ["c", "cffff", "x1"])
async def test_a_cause_that_is_none_is_told(office: Office, name: str) -> None:
    await office.open()

    said = await office.says("retry", "--cause", name)

    assert said.err.splitlines() == [
        f"bureaucrat: no open incident has the cause {name!r}",
        "  see   bureaucrat ps --incidents --db b.db",
    ]
    assert said.code == 4


async def test_a_cause_that_fits_several_is_told_with_all_of_them(office: Office) -> None:
    await office.open()
    for number in range(20):  # more than there are digits to begin with
        id = f"{number:032x}"
        await office.start(PAUSE, id)
        await office.tell(id, Stuck("", 1, "unroutable", f"nobody serves {number}"))
    names = [one["cause"] for one in (await office.says("ps", "--incidents", "--json")).json["causes"]]
    begins = [name[:2] for name in names]
    several = next(one for one in begins if begins.count(one) > 1)

    said = await office.says("retry", "--cause", several)

    fitting = [name for name in names if name.startswith(several)]
    first = f"bureaucrat: {several!r} fits {len(fitting)} causes: {', '.join(fitting)}"
    assert (said.code, said.err.splitlines()[0]) == (4, first)


# the audit log


async def test_the_audit_log_lists_what_people_asked(office: Office) -> None:
    await office.open()
    await office.start(PAUSE, A)
    rows = [
        AuditRow(1, office.clock.now(), "bea@desk", "cancel", A, b'{"reason":"r"}', "ticket 5521", "done", "canceled"),
        AuditRow(2, office.clock.now(), "bea@desk", "happened", "", b'{"name":"paid"}', "", "done", "accepted"),
        AuditRow(3, office.clock.now(), "ann@desk", "drop", "", b'{"letter":17}', "", "refused", "there is none"),
    ]
    await office.write(
        audit=rows,
        mail=[
            MailRow(4, "", encode_message(Looked("ann@desk", "dead letter 17")), office.clock.now()),
            MailRow(5, A, b"no message", office.clock.now()),
        ],
    )

    everything, of_one = await office.says("audit"), await office.says("audit", A[:13], "--json")

    assert everything.out == golden("audit")
    assert of_one.json == {
        "orders": [
            {
                "order": 1,
                "at": "2026-11-25T12:00:01.000Z",
                "who": "bea@desk",
                "command": "cancel",
                "instance": A,
                "outcome": "done",
                "answer": "canceled",
                "reason": "ticket 5521",
            }
        ]
    }


async def test_an_empty_audit_log_says_so(office: Office) -> None:
    await office.open()

    assert (await office.says("audit")).out == "nobody has asked anything yet\n"
