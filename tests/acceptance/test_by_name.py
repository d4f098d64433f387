"""Processes by name on the daemon as it runs: deployed, launched, called, undeployed, and once for each key."""

from __future__ import annotations

import subprocess
import sys

import pytest
from service import Client, Service

from bureaucrat.launcher import Launcher, LaunchRefused

PART = '<process name="part"><action participant="part"/><assign property="version">{}</assign></process>'
WHOLE = """
<process name="whole" key="order_id" unique="yes">
  <context><property name="found" type="int"/></context>
  <call process="part"><output><field name="found">answer["version"]</field></output></call>
</process>
"""


def run(service: Service, *arguments: str) -> str:
    command = [sys.executable, "-m", "bureaucrat", *arguments, "-c", str(service.config)]
    ended = subprocess.run(command, cwd=service.folder, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def test_a_process_is_deployed_launched_by_name_and_calls_another_by_name(service: Service, client: Client) -> None:
    for number in (1, 2):
        (service.folder / "part.xml").write_text(PART.format(number))
        assert f"part@{number} deployed" in run(service, "deploy", "part.xml")
    (service.folder / "whole.xml").write_text(WHOLE)
    run(service, "deploy", "whole.xml")

    with Launcher(str(service.config)) as launcher:
        first = launcher.launch(process="whole", fields={"order_id": 17})
        attempt = client.attempt("part")
        second = launcher.launch(process="whole", fields={"order_id": 17})
        with pytest.raises(LaunchRefused, match=f"whole 17 is unfinished already, .* instance {first}"):
            launcher.result(second)
        run(service, "undeploy", "part@2")
        attempt.answer()
        before = launcher.result(first).fields["found"]
        third = launcher.launch(process="whole", version=1, fields={"order_id": 17})
        client.attempt("part").answer()
        after = launcher.result(third).fields["found"]

    assert (before, after) == (2, 1)
    lines = [line.split() for line in run(service, "definitions").splitlines()[1:]]
    assert [(name, number, rest[-1]) for name, number, *rest in lines] == [
        ("part", "1", "newest"),
        ("part", "2", "undeployed"),
        ("whole", "1", "newest"),
    ]
