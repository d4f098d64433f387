"""``bureaucrat migrate``: what would be, what was done, and how it is undone (L112, L113)."""

from __future__ import annotations

from pathlib import Path

import pytest
from operated import Office, golden

from bureaucrat.commands.pace import Pace
from bureaucrat.definition.reader import read

A, B, C = (f"0199aaaa0000{letter * 4}0000000000000000" for letter in "abc")
ME = ("--who", "bea@desk")
CONTEXT = '<context><property name="order_id" type="str" required="yes"/></context>'
ONE = f"""
<process name="order" key="order_id">
  {CONTEXT}
  <action id="reserve" participant="reserve_stock"/>
  <await id="payment" event="paid" timeout="30m"/>
  <action id="sms" participant="send_sms"/>
</process>
"""
TWO = f"""
<process name="order" key="order_id">
  {CONTEXT}
  <action id="check" participant="fraud_check"/>
  <sequence id="selling">
    <action id="reserve" participant="reserve" timeout="1m"/>
    <await id="payment" event="paid" timeout="60m"/>
    <action id="invoice" participant="invoice"/>
  </sequence>
</process>
"""


async def orders(office: Office) -> None:
    """One that reserves, one that waits for its payment, one that sends its message; versions 1 and 2."""
    engine = await office.open()
    await engine.registry.register({"one": read(ONE)}, "bea@desk")
    await engine.registry.register({"two": read(TWO)}, "bea@desk")
    for number, id in enumerate((A, B, C), 1017):
        await office.start(ONE, id, str(number), order_id=str(number))
    for id in (B, C):
        await office.answer(id)
    await office.engine_event("paid")
    await office.start(ONE, "0199aaaa0000dddd0000000000000000", "1020", order_id="1020")
    office.run()


async def waiting(office: Office) -> None:
    """One order that waits for its payment, and the versions."""
    engine = await office.open()
    await engine.registry.register({"one": read(ONE)}, "bea@desk")
    await engine.registry.register({"two": read(TWO)}, "bea@desk")
    await office.start(ONE, A, "1017", order_id="1017")
    await office.answer(A)
    office.run()


async def test_a_dry_run_says_where_everything_would_be_and_asks_nothing(office: Office) -> None:
    await orders(office)

    said = await office.says("migrate", "order@1", "--to", "order@2", "--dry-run")

    assert said.out == golden("migrate-dry")
    assert (said.code, await office.storage.audits()) == (4, [])


async def test_a_plan_gives_what_is_gone_a_place(office: Office, tmp_path: Path) -> None:
    await orders(office)
    file = tmp_path / "order.plan"
    file.write_text("# the message is the invoice now\nsms = invoice\n\n", encoding="utf-8")

    by_file = await office.says("migrate", "order@1", "--to", "order@2", "--plan", str(file), "--dry-run", "--json")
    by_word = await office.says("migrate", "order@1", "--to", "order@2", "--map", "sms=invoice", "--dry-run", "--json")

    assert by_file.json == by_word.json
    assert by_file.json == {
        "matched": 4,
        "would": 4,
        "refused": 0,
        "places": [
            {"from": "reserve", "to": "reserve", "number": 2},
            {"from": "sms", "to": "invoice", "number": 2},
        ],
        "reasons": [],
        "definitions": [
            {
                "from": read(ONE).hash,
                "to": read(TWO).hash,
                "added": ["check", "selling"],
                "removed": [],
                "changes": [
                    "~ reserve reserve_stock becomes reserve",
                    "~ reserve timeout none becomes 1 m",
                    "~ payment timeout 30 m becomes 1 h",
                    "~ sms send_sms becomes invoice",
                ],
                "inverse": {"invoice": "sms"},
            }
        ],
    }


async def test_instances_go_on_by_another_version_and_back(office: Office) -> None:
    await waiting(office)
    before = await office.says("show", A, "--json")

    there = await office.says("migrate", "1017", "--to", "order@2", "--reason", "ticket 5521", *ME)
    shown = await office.says("show", A)
    back = await office.says("migrate", "1017", "--to", "order@1", *ME)

    assert there.out.splitlines() == [
        "1017: migrated to order@2; the instance is running",
        "back   bureaucrat migrate 1017 --to order@1 --db b.db",
    ]
    assert shown.out == golden("show-migrated")
    assert back.out.splitlines()[0] == "1017: migrated to order@1; the instance is running"
    after = await office.says("show", A, "--json")
    assert after.json["activities"] == before.json["activities"]
    kept = sorted((one.who, one.command, one.reason, one.outcome) for one in await office.storage.audits())
    assert kept == [("bea@desk", "migrate", "", "done"), ("bea@desk", "migrate", "ticket 5521", "done")]


async def test_counts_are_honest(office: Office) -> None:
    await orders(office)

    said = await office.says("migrate", "--process", "order@1", "--to", "order@2", "--rate", "100000/s", *ME)

    lines = said.out.splitlines()
    gone = "order@2 has no activity with the id 'sms'; say what takes its place: sms = ID, in a plan"
    assert [line for line in lines if line.startswith("10")] == [
        f"{key}: refused: sms (_2, line 6): {gone}" for key in ("1019", "1018")
    ]
    assert lines[-2].startswith("matched 4 = done 2 + refused 2 (2 sms (_2, line 6): ")
    assert lines[-2].endswith(") + failed 0")
    assert lines[-1] == "back   bureaucrat migrate ID --to order@1 --db b.db"
    assert said.code == 4


async def test_only_the_first_are_asked(office: Office) -> None:
    await orders(office)

    said = await office.says("migrate", "order@1", "--to", "order@2", "--first", "1", *ME)

    assert said.out.splitlines()[0] == "matched 4, asked 1 = done 1 + refused 0 + failed 0"
    again = await office.says("migrate", "order@2", "--to", "order@1", "--dry-run")
    assert again.out.splitlines()[-2].startswith("matched 1: would migrate 1, refuse 0")


async def test_a_file_need_not_be_deployed(office: Office, tmp_path: Path) -> None:
    await waiting(office)
    new = tmp_path / "order.xml"
    new.write_text(TWO.replace("fraud_check", "other_check"), encoding="utf-8")

    said = await office.says("migrate", "1017", "--to", str(new), *ME)
    again = await office.says("migrate", "1017", "--to", "order@2", *ME)

    assert said.out.splitlines()[0] == f"1017: migrated to {new}; the instance is running"
    hash = read(new.read_bytes()).hash
    assert again.out.splitlines()[1] == f"back   bureaucrat migrate 1017 --to {hash} --db b.db"
    back = await office.says("migrate", "1017", "--to", hash, *ME)
    assert back.out.splitlines()[0] == f"1017: migrated to {hash[:12]}; the instance is running"


async def test_every_reason_is_told(office: Office, tmp_path: Path) -> None:
    await waiting(office)
    new = tmp_path / "order.xml"
    new.write_text(f'<process name="order">{CONTEXT.replace("order_id", "x")}</process>', encoding="utf-8")

    said = await office.says("migrate", "1017", "--to", str(new), *ME)

    assert said.out.splitlines()[:3] == [
        f"1017: refused: order: {new} needs x, and there is no such value; set it first: bureaucrat set {A} x=…",
        f"  payment (_1, line 5): {new} has no activity with the id 'payment'; say what takes its place: payment = ID, "
        "in a plan",
        "why   bureaucrat show 1017 --db b.db",
    ]


async def test_no_test_is_written_of_what_an_instance_did_by_two_definitions(office: Office) -> None:
    await waiting(office)
    await office.says("migrate", "1017", "--to", "order@2", *ME)

    said = await office.says("simulate", "--from", "1017", *ME)

    assert said.err.splitlines()[0] == (
        f"bureaucrat: {A} has migrated; a test of what it did by two definitions cannot be written yet"
    )
    assert said.code == 4


async def test_what_has_ended_is_not_migrated(office: Office) -> None:
    await waiting(office)
    await office.says("cancel", "1017", *ME)

    dry = await office.says("migrate", A, "--to", "order@2", "--dry-run")
    real = await office.says("migrate", A, "--to", "order@2", *ME)

    assert dry.out.splitlines() == [
        "refused       1   the instance is canceled",
        "matched 1: would migrate 0, refuse 1; nothing was changed",
    ]
    assert real.out.splitlines()[0] == "1017: refused: the instance is canceled"


@pytest.mark.parametrize(
    ("words", "lines", "code"),
    [
        (
            ["1017", "--to", "order@7"],
            [
                "bureaucrat: order@7 is no registered version of a process, and no file",
                "  see      bureaucrat definitions --db b.db",
                "  deploy   bureaucrat deploy FILE --db b.db",
            ],
            4,
        ),
        (
            ["order@7", "--to", "order@2"],
            [
                "bureaucrat: there is no version 7 of the process 'order'",
                "  see   bureaucrat definitions order --db b.db",
            ],
            4,
        ),
        (
            ["1017", "--to", "order@2", "--map", "sms=bill", "--map", "x=invoice"],
            [
                "bureaucrat: the plan does not fit",
                "  'bill' is no activity of order@2; write an id, or an address such as _0_1",
                "  'x' is no activity of the definition that runs; write an id, or an address such as _0_1",
            ],
            2,
        ),
        (
            ["1017", "--to", "order@2", "--map", "sms"],
            ["bureaucrat: --map sms: write OLD = NEW, an id or an address each, or OLD = drop"],
            2,
        ),
        (
            ["1017", "--to", "order@2", "--map", "sms=a", "--map", "sms=b"],
            ["bureaucrat: --map sms=b: sms has a place already: a"],
            2,
        ),
        (
            ["1017", "--to", "order@2", "--plan", "none.plan"],
            ["bureaucrat: the plan none.plan cannot be read: [Errno 2] No such file or directory: 'none.plan'"],
            2,
        ),
        (["1017", "--to", "order@2", "--rate", "often"], ["'often' is no rate; write 20/s, 5/m or 100/h"], 2),
        (["1017", "--to", "order@2", "--rate", "0/s"], ["'0/s' is no rate; write 20/s, 5/m or 100/h"], 2),
    ],
)
async def test_what_makes_no_sense_is_told_and_asks_nothing(
    office: Office, words: list[str], lines: list[str], code: int
) -> None:
    await waiting(office)

    said = await office.says("migrate", *words)

    assert all(line in said.err for line in lines)
    assert (said.code, await office.storage.audits()) == (code, [])


async def test_a_broken_file_is_told_with_its_problems(office: Office, tmp_path: Path) -> None:
    await waiting(office)
    new = tmp_path / "order.xml"
    new.write_text('<process name="order">\n<actoin/><exit/></process>', encoding="utf-8")

    said = await office.says("migrate", "1017", "--to", str(new))

    assert said.err.splitlines()[0] == "bureaucrat: nothing was asked: 2 problems"
    assert f"{new}:2:" in said.err
    assert said.code == 2


def test_a_pace_spreads_what_it_lets_go() -> None:
    times = iter([10.0, 10.0, 10.25, 12.0, 12.0])
    pace = Pace(2.0, lambda: next(times))

    waits = [pace.wait() for _ in range(5)]

    assert waits == [0.0, 0.5, 0.75, 0.0, 0.5]


def test_without_a_rate_nothing_waits() -> None:
    pace = Pace(None, lambda: 10.0)

    assert [pace.wait() for _ in range(3)] == [0.0, 0.0, 0.0]
