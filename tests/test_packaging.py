"""What ``pip install`` installs: everything that a checkout has, so that an installed program is the tested one."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "bureaucrat"


def sources() -> set[str]:
    """The files of the package, from the root of the checkout."""
    kept = (path for path in PACKAGE.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {path.relative_to(ROOT).as_posix() for path in kept}


def test_a_built_package_has_every_file_of_the_checkout(tmp_path: Path) -> None:
    """Modules, SQL and the mark of its types; a folder that is no package would be left out."""
    for name in ("setup.cfg", "pyproject.toml", "README.rst", "LICENSE"):
        shutil.copy(ROOT / name, tmp_path)
    shutil.copytree(PACKAGE, tmp_path / "bureaucrat", ignore=shutil.ignore_patterns("__pycache__"))
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path / "out")]

    built = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120)

    assert built.returncode == 0, built.stdout + built.stderr
    (wheel,) = (tmp_path / "out").glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        packed = {name for name in archive.namelist() if name.startswith("bureaucrat/")}
    assert packed == sources()
