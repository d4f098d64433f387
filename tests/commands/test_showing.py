"""``bureaucrat show``: why an instance stands where it stands, and what would move it."""

from __future__ import annotations

import pytest
from operated import NOON, Office, golden
from operated_processes import CALLING, FILES, ORDER, PAGES, PAUSE, SHIPPING, WATCHED

from bureaucrat.core.messages import Set, Stuck, Suspend
from bureaucrat.engine.settings import Settings
from bureaucrat.ports import Answered, DestinationRow, OutboxRow

A = "0199aaaa0000aaaa0000000000000000"
B = "0199aaaa0000bbbb0000000000000000"


async def test_show_says_what_wakes_a_wait_and_how_to_publish_it(office: Office) -> None:
    await office.open()
    await office.start(ORDER, A, "1017", order_id="1017", secret="swordfish")
    await office.answer(A, stock="x")
    await office.later(60)

    said = await office.says("show", "1017")

    assert said.out == golden("show-wait")
    assert "swordfish" not in said.out


async def test_show_says_why_a_person_is_needed_and_what_can_be_done(office: Office) -> None:
    await office.open()
    await office.start(ORDER, A, "1017", order_id="1017")
    await office.answer(A, status="error", error="stock: 503")

    said = await office.says("show", "1017")

    assert said.out == golden("show-incident")


async def test_show_names_each_of_several_incidents(office: Office) -> None:
    await office.open()
    await office.start(SHIPPING, A)
    await office.answer(A, status="error", error="carrier: 503")
    await office.start(SHIPPING, B)
    await office.answer(B, status="error", error="carrier: 503")

    said = await office.says("show", A)

    assert said.out == golden("show-incidents")


async def test_show_says_when_an_attempt_was_sent_and_who_could_take_it(office: Office) -> None:
    await office.open()
    await office.start(ORDER, A, "1017", order_id="1017")
    await office.answer(A)
    await office.engine_event("payment.authorized", order_id="1017")
    await office.answer(A, status="error", error="gateway timeout")
    await office.later(11)
    await office.fire()
    await office.write(
        outbox=[OutboxRow(1, "worker_capture", b"", NOON, A, 3)],
        destinations=[DestinationRow("worker_capture", 2, 1, office.clock.now())],
    )
    await office.later(5)

    said = await office.says("show", "1017")

    assert said.out == golden("show-attempt")


async def test_show_says_when_the_next_attempt_is_made(office: Office) -> None:
    await office.open()
    await office.start(ORDER, A, "1017", order_id="1017")
    await office.answer(A)
    await office.engine_event("payment.authorized", order_id="1017")
    await office.answer(A, status="error", error="gateway timeout")

    said = await office.says("show", "1017")

    assert said.out == golden("show-retrying")


async def test_show_says_that_nobody_consumes_the_queue(office: Office) -> None:
    await office.open()
    await office.start(ORDER, A, "1017", order_id="1017")
    await office.write(destinations=[DestinationRow("worker_reserve_stock", 0, 3, NOON, NOON)])

    before = await office.says("show", "1017")
    await office.later(30)
    said = await office.says("show", "1017")

    assert "running since 12:00:01Z" in before.out
    assert said.out == golden("show-stalled")


async def test_show_says_who_suspended_it_and_why(office: Office) -> None:
    await office.open()
    await office.start(ORDER, A, "1017", order_id="1017")
    await office.tell(A, Suspend("ticket 5521"))
    await office.answer(A)

    said = await office.says("show", "1017")

    assert said.out == golden("show-suspended")


async def test_show_of_a_call_names_the_instances_on_both_sides(office: Office) -> None:
    await office.open()
    await office.start(CALLING, A, child=PAUSE)
    called = next(row.id for row in await office.rows() if row.id != A)

    above, below = await office.says("show", A), await office.says("show", called)

    assert f"the end of instance {called}, running" in above.out
    assert f"bureaucrat show {called} --db b.db   the instance it called" in above.out
    assert f"called by instance {A}   bureaucrat show {A} --db b.db" in below.out


async def test_show_lists_reminders_and_what_is_due(office: Office) -> None:
    await office.open()
    await office.start(WATCHED, A)

    said = await office.says("show", A)

    assert said.out == golden("show-watched")


async def test_show_of_what_has_ended(office: Office) -> None:
    await office.open()
    await office.start('<process name="quick"><exit outcome="early"/></process>', A)
    await office.later(3600)

    said = await office.says("show", A)

    assert said.out == golden("show-ended")


async def test_show_of_what_has_failed_says_by_which_fault(office: Office) -> None:
    await office.open()
    await office.start(CALLING, A, child='<process name="bad"><fault code="Broken" message="no glass"/></process>')
    called = next(row.id for row in await office.rows() if row.id != A)

    said = await office.says("show", called)

    assert 'why   fault Broken: "no glass"' in said.out.splitlines()


async def test_values_are_shown_when_they_are_asked_for_and_that_is_kept(office: Office) -> None:
    await office.open()
    await office.start(ORDER, A, "1017", order_id="1017", secret="sword fish")

    said = await office.says("show", "1017", "--fields", "--who", "bea@desk")
    kept = await office.says("audit", "1017", "--json")

    assert said.out.splitlines()[-3:] == ["fields   2, 18 B", '  secret="sword fish"', '  order_id="1017"']
    (order,) = kept.json["orders"]
    assert (order["who"], order["command"], order["instance"], order["outcome"]) == ("bea@desk", "looked", A, "waiting")


@pytest.mark.parametrize("option", [[], ["--fields"]])
async def test_the_history_has_every_record_and_values_only_on_demand(office: Office, option: list[str]) -> None:
    office.settings = Settings(history="full", sweep=0.02)
    await office.open()
    await office.start(ORDER, A, "1017", order_id="1017")
    await office.answer(A, stock="swordfish")

    said = await office.says("show", "1017", "--history", "--who", "bea@desk", *option)

    assert said.out == golden("show-history-fields" if option else "show-history")
    assert ("swordfish" in said.out) is bool(option)


@pytest.mark.parametrize("options", [[], ["--history"], ["--history", "--fields"]])
async def test_show_for_programs(office: Office, options: list[str]) -> None:
    await office.open()
    await office.start(SHIPPING, A)
    await office.answer(A, status="error", error="carrier: 503")
    await office.tell(A, Set({"note": "x"}))

    said = await office.says("show", A, "--json", *options)

    found = said.json
    assert found["fields"] == ({"note": "x"} if "--fields" in options else ["note"])
    assert [one["activity"] for one in found["incidents"]] == ["ship", "invoice"]
    assert [one["activity"] for one in found["wakes"]] == ["ship", "invoice"]
    assert [one["activity"] for one in found["activities"][0]["activities"]] == ["ship", "invoice"]
    assert found["why"][0]["commands"] == [
        f"bureaucrat retry {A} ship --db b.db",
        f"bureaucrat skip {A} ship --db b.db",
    ]
    assert [one["what"] for one in found.get("history", [])] == (
        ["launched", "incident", "incident", "changed"] if options else []
    )


async def test_show_says_that_nobody_serves_the_participant(office: Office) -> None:
    office.unserved = ("reserve_stock",)
    await office.open()
    await office.start(ORDER, A, "1017", order_id="1017")

    said = await office.says("show", "1017")

    assert said.out.splitlines()[1] == (
        "why   reserve (process 'order', line 7): nobody serves the participant 'reserve_stock'"
    )


async def test_show_says_which_fault_nobody_handles(office: Office) -> None:
    await office.open()
    await office.start(ORDER, A, "1017", order_id="1017")
    await office.answer(A, status="critical", code="SoldOut", error="none left")

    said, listed = await office.says("show", "1017"), await office.says("ps")

    why = 'fault SoldOut, and no handler around takes it: "none left"'
    assert said.out.splitlines()[1] == f"why   reserve (process 'order', line 7): {why}"
    assert listed.out.splitlines()[1].split("  ")[0] == "1017"
    assert why in listed.out


async def test_show_offers_no_skip_of_a_defect_of_the_engine(office: Office) -> None:
    await office.open()
    await office.start(ORDER, A, "1017", order_id="1017")
    await office.tell(A, Stuck("", 1, "engine", "a step raised KeyError"))

    said = await office.says("show", "1017")

    assert said.out.splitlines()[1:4] == [
        "why   reserve (process 'order', line 7): a defect of the engine, please report it: \"a step raised KeyError\"",
        "      bureaucrat retry 1017 --db b.db    try again, its policy from the start",
        "      bureaucrat cancel 1017 --db b.db   give up",
    ]


async def test_an_item_of_a_list_is_told(office: Office) -> None:
    await office.open()
    await office.start(PAGES, A)
    await office.answer(A, status="error", error="no page")

    said = await office.says("show", A)

    assert said.out == golden("show-item")


# which one is meant


async def test_an_instance_is_found_by_whatever_names_it(office: Office) -> None:
    await office.open()
    await office.start(ORDER, A, "1017", order_id="1017")
    await office.start(ORDER, B, "1018", order_id="1018")

    names = [A, A[:13], "1017", "order_id=1017", "order=1017"]
    found = [(await office.says("show", name, "--json")).json["id"] for name in names]

    assert found == [A] * 5


async def test_an_unfinished_instance_comes_before_those_that_have_ended(office: Office) -> None:
    quick = '<process name="order" key="order_id"><property name="order_id"/><exit/></process>'.replace(
        '<property name="order_id"/>', '<context><property name="order_id" type="str"/></context>'
    )
    await office.open()
    await office.start(quick, B, "1017", order_id="1017")
    await office.start(ORDER, A, "1017", order_id="1017")

    assert (await office.says("show", "1017", "--json")).json["id"] == A


async def test_what_fits_several_is_answered_with_all_of_them(office: Office) -> None:
    await office.open()
    await office.start(ORDER, A, "1017", order_id="1017")
    await office.start(PAUSE, B)

    said = await office.says("show", "0199")

    assert (said.code, said.out) == (4, "")
    assert said.err.splitlines() == [
        "bureaucrat: '0199' fits 2 instances; name one:",
        f"  {B}   pause   running   started 12:00:02Z",
        f"  {A}   order   running   key 1017   started 12:00:01Z",
    ]


async def test_what_fits_more_than_ten_is_cut(office: Office) -> None:
    await office.open()
    for number in range(11):
        await office.start(PAUSE, f"{number:032x}")

    said = await office.says("show", "00")

    assert said.err.splitlines()[0] == "bureaucrat: '00' fits more than ten instances; name one:"
    assert len(said.err.splitlines()) == 11


@pytest.mark.parametrize(
    ("wanted", "remedy"),
    [
        ("1O17", "did you mean   bureaucrat show 1017 --db b.db"),
        ("invoice-9", "see            bureaucrat ps --all --db b.db"),
        ("amount=1017", "see            bureaucrat ps --all --db b.db"),
        ("", "see            bureaucrat ps --all --db b.db"),
    ],
)
async def test_what_fits_nothing_is_answered_with_what_is_near(office: Office, wanted: str, remedy: str) -> None:
    await office.open()
    await office.start(ORDER, A, "1017", order_id="1017")

    said = await office.says("show", wanted)

    first = f"bureaucrat: no instance has an id or a business key '{wanted}'"
    assert (said.code, said.err.splitlines()) == (4, [first, f"  {remedy}"])


async def test_of_very_many_items_some_are_shown_and_the_others_counted(office: Office) -> None:
    engine = await office.open()
    await office.start(FILES, A)
    engine.answered(Answered(A, "_0.1", 2, 1, {}))
    engine.answered(Answered(A, "_0.700", 2, 700, {"status": "error", "error": "no file"}))
    await engine.drain()

    shown = await office.says("show", A)

    assert shown.out == golden("show-items")


async def test_an_item_is_named_by_its_address_and_the_loop_by_its_name(office: Office) -> None:
    engine = await office.open()
    await office.start(FILES, A)
    office.run()

    many = await office.says("skip", A, "load")
    one = await office.says("skip", A, "_0.17")
    listed = await office.says("ps")
    whole = await office.says("skip", A, "each")

    assert many.out.count("load _0.") == 20
    assert many.out.splitlines()[0].endswith(", 980 more")
    assert "1/1,000" in listed.out
    assert [(said.code, said.out.partition("; ")[0]) for said in (one, whole)] == [
        (0, f"{A}: skipped each"),
        (0, f"{A}: skipped each"),
    ]
    assert (await engine.storage.statuses()) == {"completed": 1}


async def test_show_says_that_no_worker_of_celery_consumes_the_queue(office: Office) -> None:
    """The queue's name does not tell whose attempts go there; what is kept of the queue does."""
    await office.open()
    await office.start(ORDER, A, "1017", order_id="1017")
    celery = DestinationRow("tills", 0, 3, NOON, NOON, participants="capture reserve_stock")
    await office.write(destinations=[DestinationRow("worker_reserve_stock", 1, 0, NOON), celery])

    await office.later(30)
    said = await office.says("show", "1017")

    assert "no consumer on queue tills for 31.0 s" in said.out
    assert "celery -A MODULE worker -Q tills   serve reserve_stock" in said.out
