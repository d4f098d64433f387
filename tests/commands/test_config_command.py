"""``bureaucrat config``, and where ``-c`` may stand."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from command_shell import Shell

FILE = """[amqp]
url = amqps://shop:s3cret@mq1:5671/prod
[bureaucrat]
history_retention = 10d
[storage]
url = sqlite:////srv/b.db
"""
BROKEN = """[bureaucrat]
mesage_queue = x
history = all
"""
SHOWN = """\
[amqp]        url                 amqps://shop:***@mq1:5671/prod  config.ini:2
              auth                password                        default
              ssl_ca                                              default
              ssl_cert                                            default
              ssl_key                                             default
              ssl_verify          yes                             default
              ssl_hostname                                        default
              heartbeat           20                              BUREAUCRAT_AMQP_HEARTBEAT
              connect_timeout     5s                              default
              topology            declare                         default
              prefetch            1000                            default
              confirm_window      500                             default
[bureaucrat]  launch_queue        bureaucrat                      default
              message_queue       bureaucrat_msgs                 default
              event_queue         bureaucrat_events               default
              schedule_queue      bureaucrat_schedule             default
              dead_queue          bureaucrat_dead                 default
              exchange                                            default
              taskqueue_type      taskqueue                       default
              message_format      workitem                        default
              accept_untokened    yes                             default
              stalled_after       30s                             default
              answer_timeout      24h                             default
              history             activity                        default
              history_retention   10d                             config.ini:4
              instance_retention  30d                             default
              event_retention     7d                              default
              dedup_window        7d                              default
              dead_retention      90d                             default
              batch               500                             default
              stop_grace          5s                              default
[security]    signing_key         ***                             default
              strict              no                              default
[limits]      document            4MiB                            default
              activities          100000                          default
              field               1MiB                            default
              fields              8MiB                            default
              message             16MiB                           default
              turns               500                             default
              transitions         1000000                         default
[celery]      app                                                 default
              queue               celery                          default
              exchange                                            default
              routing                                             default
[services]    allow                                               default
              connections         100                             default
              per_host            20                              default
              timeout             30s                             default
              response            1MiB                            default
              ssl_ca                                              default
              signing_key         ***                             default
[signals]     bus                 amqp                            default
              prefix              PUBSUB                          default
[storage]     url                 sqlite:////srv/b.db             config.ini:6
[health]      listen              127.0.0.1:9464                  default
[log]         level               INFO                            default
              file                                                default
"""


@pytest.mark.parametrize("arguments", [["config", "-c", "config.ini"], ["--config", "config.ini", "config"]])
def test_every_value_in_force_is_shown_with_its_source(shell: Shell, arguments: list[str]) -> None:
    """``-c`` before or after the command; a password is never shown."""
    shell.write("config.ini", FILE)

    ended = shell.run(*arguments, BUREAUCRAT_AMQP_HEARTBEAT="20")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == SHOWN


def test_the_file_after_the_command_wins(shell: Shell) -> None:
    """Over the one before it."""
    shell.write("one.ini", "[log]\nlevel = ERROR\n")
    shell.write("two.ini", "[log]\nlevel = DEBUG\n")

    ended = shell.run("-c", "one.ini", "config", "-c", "two.ini")

    assert "[log]         level               DEBUG" in ended.stdout


def test_what_decides_about_logs_is_said(shell: Shell) -> None:
    """[log] has no say then."""
    shell.write("config.ini", "[formatters]\nkeys = a\n[handlers]\nkeys =\n[loggers]\nkeys = root\n")

    ended = shell.run("config", "-c", "config.ini")

    assert ended.stdout.splitlines()[-1] == "[formatters] … 3 sections of logging.config decide about logs, not [log]"


def test_a_program_reads_the_settings_as_json(shell: Shell) -> None:
    """With the name of each in the environment."""
    shell.write("config.ini", FILE)

    ended = shell.run("config", "-c", "config.ini", "--json")

    document = json.loads(ended.stdout)
    assert (ended.returncode, document["file"], document["problems"]) == (0, "config.ini", [])
    assert document["settings"][0] == {
        "section": "amqp",
        "name": "url",
        "value": "amqps://shop:***@mq1:5671/prod",
        "source": "config.ini:2",
        "variable": "BUREAUCRAT_AMQP_URL",
    }
    assert len(document["settings"]) == len(SHOWN.splitlines())


def test_problems_are_listed(shell: Shell) -> None:
    """All of them; exit code 2."""
    shell.write("config.ini", BROKEN)
    expected = [
        "config.ini:2  [bureaucrat] mesage_queue is unknown; did you mean message_queue?",
        "config.ini:3  [bureaucrat] history = all: must be none, activity or full; for example: history = activity",
    ]

    ended = shell.run("config", "-c", "config.ini")
    as_json = shell.run("config", "-c", "config.ini", "--json")

    assert (ended.returncode, ended.stdout.splitlines()) == (2, [f"! {one}" for one in expected])
    assert (as_json.returncode, json.loads(as_json.stdout)) == (2, {"problems": expected})


def test_a_command_stops_at_problems(shell: Shell) -> None:
    """What other commands do with ``-c``: one Failure with all problems."""
    from bureaucrat.commands.failure import Exit, Failure
    from bureaucrat.commands.options import settings

    shell.write("config.ini", BROKEN)
    path = shell.folder / "config.ini"

    with pytest.raises(Failure) as caught:
        settings(path)
    with pytest.raises(Failure) as missing:
        settings(Path("none.ini"), Exit.NOT_STARTED)

    assert caught.value.code == Exit.INVALID
    assert caught.value.lines[0] == "the settings have 2 problems"
    assert caught.value.lines[1].startswith(f"{path}:2  [bureaucrat] mesage_queue is unknown")
    assert missing.value.code == Exit.NOT_STARTED
    assert missing.value.lines == ("there is no file none.ini; check the path given by --config",)


def test_a_command_gets_the_settings(shell: Shell) -> None:
    """Without problems."""
    from bureaucrat.commands.options import settings

    shell.write("config.ini", FILE)

    assert settings(shell.folder / "config.ini").amqp.url == "amqps://shop:s3cret@mq1:5671/prod"
