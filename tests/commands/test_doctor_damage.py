"""Each way to damage a database is found, explained, and made sound again by the command that is named."""

from __future__ import annotations

import shlex

import pytest
from damaged import CHILD, Damage, guard, populate, root, run_sql
from operated import Office, Said

LATER = "1795611600"  # an hour after noon

DAMAGES = (
    # what an order derives anew
    Damage(
        "a column",
        "columns",
        "found by status 'completed'",
        ("UPDATE instances SET status = 'completed' WHERE id = 'o1'",),
    ),
    Damage("an end", "columns", "found by ended", (f"UPDATE instances SET ended = {LATER} WHERE id = 's1'",)),
    Damage("a timer", "timers", "is woken never", ("UPDATE branches SET due = NULL WHERE instance = 'o1'",)),
    Damage(
        "a late timer", "timers", "and its timers say", (f"UPDATE branches SET due = {LATER} WHERE instance = 't1'",)
    ),
    Damage(
        "an attempt", "attempts", "by the attempt None", ("UPDATE branches SET attempt = NULL WHERE instance = 's1'",)
    ),
    Damage(
        "a participant",
        "attempts",
        "counted for ghost",
        ("UPDATE branches SET participant = 'ghost' WHERE attempt > 0",),
        is_late=True,
    ),
    Damage("a counter of branches", "counters", "it counts 7 branches", (guard("s1", "branches", "7"),)),
    Damage("a counter of incidents", "counters", "it counts 0 open incidents", (guard("i1", "incidents", "0"),)),
    Damage("a counter of messages", "counters", "it counts 2 messages", (guard("o1", "held", "2"),)),
    Damage("a size", "counters", "bytes of fields", (guard("o1", "size", "1"),)),
    Damage("a status", "counters", "it is said to be suspended", (guard("o1", "status", "'suspended'"),)),
    Damage("a number", "counters", "its last activation is number 1", (guard("s1", "activations", "1"),)),
    Damage("bytes of compensations", "counters", "bytes of compensations", (guard("t1", "remembered_bytes", "77"),)),
    Damage("a count of branches", "joins", "fulfil counts 5 branches, and has 2", (root("s1", "$[4][1].open", "5"),)),
    Damage(
        "a wait without a key",
        "waits",
        "guest waits for the event door.opened",
        ("DELETE FROM waits WHERE instance = 'w1'",),
    ),
    Damage(
        "a wait of nobody",
        "waits",
        "it is offered the event door.opened, and nothing",
        (
            "INSERT INTO waits SELECT instance, branch, 1, 77, event, path, value, since, 0 FROM waits"
            " WHERE instance = 'w1'",
        ),
    ),
    Damage(
        "values of no branch",
        "strays",
        "values or waits of 1 branches",
        ("INSERT INTO \"values\" VALUES ('o1', '_7', 0, '', '{}')",),
    ),
    Damage(
        "values of a closed scope",
        "strays",
        "a scope in branch at the root that is closed",
        ("INSERT INTO \"values\" VALUES ('o1', '', 3, '', '{}')",),
    ),
    Damage(
        "rows of nobody",
        "strays",
        "rows in branches of the instance gone",
        (
            "INSERT INTO branches SELECT 'gone', id, due, attempt, state, participant FROM branches"
            " WHERE instance = 't1'",
            "INSERT INTO waits SELECT 'gone', '', 3, 7, event, path, value, since, 0 FROM waits WHERE instance = 'w1'",
        ),
    ),
    Damage(
        "a compensation of an ended one",
        "ended",
        "still remembers compensations",
        ("INSERT INTO remembered SELECT 'e1', number, branch, activity, activation, at, size, levels FROM remembered",),
    ),
    Damage(
        "a branch of an ended one",
        "ended",
        "1 of its branches are still there",
        ("INSERT INTO branches SELECT 'e1', id, due, attempt, state, participant FROM branches WHERE id = '_0_1'",),
    ),
    Damage(
        "an attempt in the outbox for nobody",
        "outbox",
        "its attempt 99 is to be published",
        ("INSERT INTO outbox VALUES (9, 'worker_x', 'x', 5.0, 'o1', 99, NULL, '{}', '', '')",),
    ),
    Damage(
        "an open incident of nobody",
        "incidents",
        "its incident 9 (odd) is open",
        ("INSERT INTO incidents VALUES ('o1', 9, '', 2, 'o1_1', 'error', 'x', 'odd', 5.0, NULL, NULL)",),
    ),
    Damage(
        "an end that was not told",
        "calls",
        "ask waits for the instance 0",
        (
            f"UPDATE instances SET status = 'canceled', ended = {LATER}, state = json_set(state, '$.status',"
            f" 'canceled', '$.ended', {LATER}.0) WHERE id = {CHILD}",
            f"UPDATE branches SET due = NULL, state = '[null,-1,0,0.0,[]]' WHERE instance = {CHILD}",
        ),
    ),
    # what a person decides
    Damage(
        "a lost wait with a key",
        "stuck",
        "payment waits for the event payment.authorized",
        ("DELETE FROM waits WHERE instance = 'o1'",),
        "move o1 --end payment --start payment",
    ),
    Damage(
        "a lost timer of a delay",
        "stuck",
        "travel waits for a timer that is not there",
        (root("t1", "$[4][1].timers", "json('{}')"), "UPDATE branches SET due = NULL WHERE instance = 't1'"),
        "skip t1 travel",
    ),
    Damage(
        "a lost incident",
        "incidents",
        "capture rests as an incident of which nothing is known",
        ("DELETE FROM incidents WHERE instance = 'i1'",),
        "move i1 --end capture --start capture",
    ),
    Damage(
        "a lost branch",
        "joins",
        "fulfil has begun 2 branches; 0 have joined, 1 are there: 1 lost",
        ("DELETE FROM branches WHERE instance = 's1' AND id = '_0_1'", "DELETE FROM \"values\" WHERE branch = '_0_1'"),
        "skip s1 fulfil",
        is_recounted=True,
    ),
    Damage(
        "a lost compensation",
        "remembered",
        "it remembers 1 compensations, and 0 are there",
        ("DELETE FROM remembered",),
        "cancel t1",
    ),
    Damage(
        "a called instance that is gone",
        "stuck",
        "which is not there",
        (
            f"DELETE FROM branches WHERE instance = {CHILD}",
            f'DELETE FROM "values" WHERE instance = {CHILD}',
            "DELETE FROM instances WHERE process = 'pause'",
        ),
        "move c1 --end ask --start ask",
    ),
    Damage(
        "a caller that waits no more",
        "calls",
        "it was called by c1, which waits for it no longer",
        (root("c1", "$[4][1].text", "''"), root("c1", "$[4][1].activation", "50"), guard("c1", "activations", "50")),
        "",
    ),
    Damage(
        "a key that two have",
        "unique",
        "its key ann is unique in account",
        (
            "DROP INDEX instances_unique",
            "UPDATE instances SET business_key = 'ann', state = json_set(state, '$.business_key', 'ann')"
            " WHERE id = 'u2'",
        ),
        "cancel u2",
    ),
    # what only a backup mends
    Damage(
        "an unreadable state",
        "readable",
        "its state cannot be read",
        ("UPDATE instances SET state = '{' WHERE id = 'o1'",),
        "",
    ),
    Damage(
        "an unreadable branch",
        "readable",
        "its branch at the root, or a value in it, cannot be read",
        ("UPDATE branches SET state = '[1]' WHERE instance = 'o1'",),
        "",
    ),
    Damage(
        "an unreadable compensation",
        "readable",
        "a compensation that it remembers cannot be read",
        ("UPDATE remembered SET levels = '{}'",),
        "",
    ),
    Damage(
        "a lost first branch",
        "structure",
        "its first branch is missing",
        ("DELETE FROM branches WHERE instance = 'o1'",),
        "",
    ),
    Damage(
        "an impossible state",
        "structure",
        "payment incident, which cannot be",
        (root("o1", "$[4][1].state", "'incident'"),),
        "",
    ),
    Damage(
        "an activity that is not there",
        "structure",
        "has an activity that its definition does not have",
        (root("o1", "$[4][1].activity", "99"),),
        "",
    ),
    Damage(
        "two of one number",
        "structure",
        "two of its activations have the same number",
        (root("o1", "$[4][1].activation", "1"),),
        "",
    ),
    Damage(
        "a process", "columns", "by process 'other'", ("UPDATE instances SET process = 'other' WHERE id = 't1'",), ""
    ),
    Damage(
        "a definition",
        "definitions",
        "1 unfinished instances run the definition",
        ("DELETE FROM definitions WHERE name = 'trip'",),
        "",
    ),
    Damage(
        "a definition of a version",
        "definitions",
        "nightly@1 is the definition",
        ("DELETE FROM definitions WHERE name = 'nightly'",),
        "",
    ),
    Damage(
        "an unreadable schedule",
        "schedules",
        "has queued that cannot be read",
        ("UPDATE schedules SET queued = '['",),
        "",
    ),
    Damage(
        "a schedule of no definition", "schedules", "is not in its definition", ("UPDATE schedules SET number = 4",), ""
    ),
)


async def damaged(office: Office, damage: Damage) -> None:
    """A database that was damaged while no engine was there, and an engine that has done what it does at its start."""
    await populate(office)
    await office.close()
    if not damage.is_late:
        run_sql(office, *damage.sql)
    engine = await office.open()
    await engine.drain()
    if damage.is_late:
        run_sql(office, *damage.sql)


def found(said: Said, check: str, says: str) -> bool:
    """Whether a finding of that check says so; the line before tells whose it is."""
    return any(one["check"] == check and says in f"{one['text']}" for one in said.json["findings"])


async def test_a_sound_database_has_no_finding(office: Office) -> None:
    await populate(office)

    said = await office.says("doctor")

    assert (said.code, said.out.splitlines()[-1].split()[-1]) == (0, "sound"), said.out
    assert (await office.says("doctor", "--json")).json["findings"] == []


@pytest.mark.parametrize("damage", DAMAGES, ids=str)
async def test_damage_is_found_and_mended_by_the_command_that_is_named(office: Office, damage: Damage) -> None:
    await damaged(office, damage)

    said = await office.says("doctor", "--json")
    told = await office.says("doctor")

    assert (said.code, told.code) == (5, 5), told.out + told.err
    assert found(said, damage.check, damage.says), told.out
    assert damage.says in told.out
    if not damage.mends:
        assert not any(one["mendable"] for one in said.json["findings"]), told.out
        return
    command = "doctor --repair" if damage.mends == "--repair" else damage.mends
    assert f"bureaucrat {command} --db b.db" in told.out
    office.run()
    if damage.is_recounted:
        assert (await office.says("doctor", "--repair")).code == 5
    mended = await office.says(*shlex.split(command), "--who", "bea@desk")
    assert mended.code == 0, mended.out + mended.err
    after = await office.says("doctor")
    assert (after.code, after.out.splitlines()[-1].split()[-1]) == (0, "sound"), after.out
