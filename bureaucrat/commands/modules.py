"""``--participants``: modules of functions, by their dotted name or by the path of their file."""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import traceback
from collections.abc import Iterable
from pathlib import Path
from types import ModuleType

from ..functions import Functions
from .failure import Exit, Failure
from .wording import one_line


def load_participants(names: Iterable[str]) -> Functions:
    """The marked functions of these modules.

    :raises Failure: a module cannot be imported, or has none.
    """
    modules = []
    for name in names:
        module = load_module(name)
        if not Functions.of(module).by_name:
            raise Failure(
                Exit.NOT_STARTED,
                f"not started: {name} has no participants",
                "mark its functions:   from bureaucrat import participant      @participant('charge')",
            )
        modules.append(module)
    return Functions.of(*modules)


def load_module(name: str) -> ModuleType:
    """The module of a dotted name or of a path.

    :raises Failure: it cannot be imported.
    """
    is_path = name.endswith(".py") or os.sep in name or "/" in name
    search_here(Path(name).resolve().parent if is_path else Path.cwd())
    try:
        return _load_file(name) if is_path else importlib.import_module(name)
    except Failure:
        raise
    except (Exception, SystemExit) as error:  # whatever a module of the user raises while it is imported is its own
        raise Failure(Exit.NOT_STARTED, *explained(name, error)) from error


def search_here(folder: Path) -> None:
    """Let a module import its neighbours."""
    if str(folder) not in sys.path:
        sys.path.insert(0, str(folder))


def _load_file(name: str) -> ModuleType:
    path = Path(name)
    if not path.is_file():
        raise Failure(Exit.NOT_STARTED, f"not started: there is no file {name}{_neighbour(path)}")
    spec = importlib.util.spec_from_file_location(path.stem, path)
    if spec is None or spec.loader is None:
        raise Failure(Exit.NOT_STARTED, f"not started: {name} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules.setdefault(path.stem, module)
    spec.loader.exec_module(module)
    return module


def _neighbour(path: Path) -> str:
    from ..definition.problems import did_you_mean  # with it comes lxml, which a worker does not need

    folder = path.parent
    known = [str(folder / one.name) for one in folder.glob("*.py")] if folder.is_dir() else []
    return did_you_mean(str(path), known)


def explained(name: str, error: BaseException) -> list[str]:
    """What went wrong while a module was imported, at its line; and what to do."""
    lines = [f"not started: {name} cannot be imported: {type(error).__name__}: {one_line(str(error))}"]
    place = _place(error)
    if place:
        lines.append(f"at       {place}")
    if isinstance(error, ModuleNotFoundError):
        missing = error.name or name
        if missing.split(".")[0] == name.split(".")[0]:
            lines.append(f"check    is {missing} in this folder or installed? A file is given by its path, with .py")
        else:
            lines.append(f"check    {sys.executable} -m pip show {missing.split('.')[0]}")
    else:
        lines.append("see      the same with --debug shows the whole traceback")
    return lines


def _place(error: BaseException) -> str:
    if isinstance(error, SyntaxError):
        return f"{error.filename}:{error.lineno}"
    own = [frame for frame in traceback.extract_tb(error.__traceback__) if not _is_ours(frame.filename)]
    return f"{own[-1].filename}:{own[-1].lineno}" if own else ""


def _is_ours(file: str) -> bool:
    return file.startswith("<frozen") or Path(file) == Path(__file__) or "importlib" in Path(file).parts
