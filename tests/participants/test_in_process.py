"""Celery tasks as functions of this process: in a simulation, and in ``bureaucrat run``."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import Any

import pytest
from celery import Celery

from bureaucrat.functions import Functions
from bureaucrat.in_process import imported
from bureaucrat.testing import Simulation

PROCESS = """
<process name="sale">
  <context><property name="amount" type="int">5</property></context>
  <action participant="celery:shop.tasks.charge"/>
  <action participant="celery:shop.tasks.total" arguments="kwargs" result="total">
    <input><field name="price">amount</field></input>
  </action>
</process>
"""


@pytest.fixture
def app() -> Celery:
    """An app with tasks as people have them."""
    made = Celery("shop", set_as_current=False)

    @made.task(name="shop.tasks.charge", shared=False)
    def charge(workitem: dict[str, Any]) -> dict[str, Any]:
        workitem["fields"]["amount"] += 1
        return workitem

    @made.task(name="shop.tasks.total", shared=False, bind=True)
    def total(self: Any, price: int, tax: int = 2) -> int:
        return price * tax

    return made


def module_of(app: Celery) -> ModuleType:
    made = ModuleType("shop.tasks")
    made.charge, made.total = app.tasks["shop.tasks.charge"], app.tasks["shop.tasks.total"]  # type: ignore[attr-defined]
    return made


@pytest.mark.parametrize("form", ["app", "module of tasks", "module of an app", "by name"])
def test_one_definition_runs_with_and_without_a_broker(app: Celery, form: str) -> None:
    """A task gets the workitem as its one argument, or the fields that it takes; what comes back is merged."""
    of_app = ModuleType("shop.celery")
    of_app.app = app  # type: ignore[attr-defined]
    sources: dict[str, Any] = {
        "app": app,
        "module of tasks": module_of(app),
        "module of an app": of_app,
        "by name": {f"celery:{name}": task for name, task in app.tasks.items()},
    }
    sale = Simulation(PROCESS, sources[form])
    sale.launch()

    sale.assert_ended()
    assert sale.fields == {"amount": 6, "total": 12}


@pytest.mark.parametrize(
    ("returned", "amount"),
    [
        ({"name": "response", "target": "i_0", "payload": {"amount": 8, "inst:token": "t"}}, 8),
        ({"header": {"message": "response"}, "fields": {"amount": 9}}, 9),
        ({"amount": 10}, 10),
        (None, 7),
    ],
    ids=["message", "workitem", "changes", "nothing"],
)
def test_a_task_answers_with_the_workitem_or_changes_or_nothing(app: Celery, returned: Any, amount: int) -> None:
    """Nothing: what it changed in the workitem counts."""

    @app.task(name="shop.tasks.any", shared=False)
    def any_of_them(workitem: dict[str, Any]) -> Any:
        workitem["fields"]["amount"] = 7
        return returned

    context = '<context><property name="amount" type="int"/></context>'
    for participant in ("celery:shop.tasks.any", "shop.tasks.any"):
        action = f'<action participant="{participant}"/>'
        simulation = Simulation(f'<process name="p">{context}{action}</process>', app)
        simulation.launch()
        simulation.assert_ended()
        assert simulation.fields == {"amount": amount}


def test_what_is_no_workitem_is_an_error(app: Celery) -> None:
    """With the type of what came back; so is an exception, and a retry that only a worker could make."""

    @app.task(name="shop.tasks.text", shared=False)
    def text(workitem: dict[str, Any]) -> str:
        return "paid"

    @app.task(name="shop.tasks.again", shared=False, bind=True)
    def again(self: Any, workitem: dict[str, Any]) -> None:
        raise self.retry(exc=OSError("no paper"))

    found = []
    for name in ("text", "again"):
        simulation = Simulation(f'<process name="p"><action participant="celery:shop.tasks.{name}"/></process>', app)
        simulation.launch()
        found += [incident.message for incident in simulation.incidents()]
    assert found == ["TypeError: it returned a str; return a dict of changed fields, or nothing", "OSError: no paper"]


def test_names_lead_to_tasks_where_they_say_what_to_import(app: Celery, monkeypatch: pytest.MonkeyPatch) -> None:
    """``bureaucrat run`` needs no more than the definition; what is not there is passed over, what breaks is not."""
    monkeypatch.setitem(sys.modules, "shop", ModuleType("shop"))
    monkeypatch.setitem(sys.modules, "shop.tasks", module_of(app))
    names = ["celery:shop.tasks.charge", "celery:shop.tasks.none", "celery:no.module.x", "shop.tasks.total", "celery:x"]

    assert imported([*names, "celery:os.path.join"]) == {"celery:shop.tasks.charge": app.tasks["shop.tasks.charge"]}


def test_a_module_that_lacks_another_is_not_passed_over(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "lacking_tasks.py").write_text("import not_installed_anywhere\n")
    monkeypatch.syspath_prepend(tmp_path)

    with pytest.raises(ModuleNotFoundError, match="not_installed_anywhere"):
        imported(["celery:lacking_tasks.charge"])


def test_a_worker_of_ours_serves_no_task_of_celerys(app: Celery) -> None:
    """Celery's workers do; also those functions are known that are no tasks."""
    functions = Functions.of(module_of(app), {"charge": lambda fields: None})

    assert list(functions.by_name) == ["celery:shop.tasks.charge", "celery:shop.tasks.total", "charge"]
    assert functions.own == ["charge"]


def test_without_celery_no_module_has_tasks(monkeypatch: pytest.MonkeyPatch, app: Celery) -> None:
    """Nothing imports it for this."""
    module = module_of(app)
    monkeypatch.delitem(sys.modules, "celery")

    assert Functions.of(module).by_name == {}


def test_a_bound_task_finds_the_headers_of_its_message(app: Celery) -> None:
    """The key above all, also where no message is sent; a task class with a call of its own is called by that."""

    class Around(app.Task):  # type: ignore[misc, name-defined]
        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            return [self.request.headers["bureaucrat-attempt"], self.run(*args, **kwargs)]

    @app.task(name="shop.tasks.key", shared=False, bind=True)
    def key(self: Any) -> Any:
        return self.request.headers["bureaucrat-key"]

    @app.task(name="shop.tasks.around", shared=False, bind=True, base=Around)
    def around(self: Any, workitem: dict[str, Any]) -> Any:
        return self.request.headers["bureaucrat-key"]

    actions = """
    <process name="keys">
      <context><property name="found" type="json"/></context>
      <action participant="celery:shop.tasks.key" arguments="kwargs" result="found"><input/></action>
      <action participant="celery:shop.tasks.around" result="around"/>
    </process>
    """
    keys = Simulation(actions, app)
    keys.launch(instance="keys-1")
    keys.assert_ended()

    assert [attempt.key for attempt in keys.sent] == [keys.fields["found"], keys.fields["around"][1]]
    assert keys.fields["around"][0] == 1
