"""Make or refresh ``.venv``. Called by ``scripts/_env.sh`` only when something has changed.

Standard library only; everything it says goes to standard error. Two callers at once take turns
on a lock that the system lets go of when its holder ends, however it ends. A set-up that was
interrupted leaves a mark behind, and the next call starts from an empty ``.venv``.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHON = VENV / "bin" / "python"
UNFINISHED = VENV / ".equipoise-unfinished"

#: Each set of extras, and the smaller sets that it includes.
SETS = {
    "main": ("", ("main",)),
    "test": ("[test]", ("main", "test")),
    "all": ("[test,browser,fast,arrow,export,word,fhir,packages]", ("main", "test", "all")),
}
#: The build tools go into .venv, so that the same pinned ones are used everywhere.
BUILD = ("hatchling", "editables")


class SetupError(Exception):
    """What failed, where, and what to try."""


def main(name: str, wanted: str) -> int:
    """Make ``.venv`` hold the set `name`; `wanted` is the text of its stamp."""
    try:
        with (ROOT / ".venv.lock").open("w") as lock:
            take(lock.fileno())
            if not ready(name, wanted):
                make(name, wanted)
    except (SetupError, OSError) as error:
        say(str(error))
        return 2
    except KeyboardInterrupt:
        say("set-up stopped; the next call starts it afresh")
        return 2
    return 0


def take(lock: int) -> None:
    """Wait for the turn. Installers inherit the lock, so that it outlives a killed caller."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        say("another set-up of .venv is at work; waiting for it")
        fcntl.flock(lock, fcntl.LOCK_EX)
    os.set_inheritable(lock, True)


def ready(name: str, wanted: str) -> bool:
    """Say whether ``.venv`` already holds the set: another caller may have just made it."""
    return not UNFINISHED.exists() and stamp(name) == wanted and usable()


def make(name: str, wanted: str) -> None:
    """Create ``.venv`` if need be, install into it, and stamp it."""
    extras, included = SETS[name]
    uv = shutil.which("uv")
    if not keepable(wanted):
        say("setting up .venv (first use: a minute or two, from the package index)")
        create(uv)
    else:
        say(f"bringing .venv up to date ({name})")
    UNFINISHED.touch()
    for old in SETS:
        if old in included or stamp(old) != wanted:
            stamp_file(old).unlink(missing_ok=True)
    install(uv, extras)
    for now in included:
        stamp_file(now).write_text(wanted + "\n", encoding="utf-8")
    UNFINISHED.unlink()
    say(".venv is ready")


def keepable(wanted: str) -> bool:
    """Say whether ``.venv`` can be installed into as it is.

    Not when a set-up was interrupted in it, when it was made at another path (its scripts name
    that path), or when its Python does not run or is too old.
    """
    place = wanted.split(" ", 2)[2]
    stamps = [text for text in map(stamp, SETS) if text]
    moved = any(text.split(" ", 2)[-1] != place for text in stamps)
    return not UNFINISHED.exists() and not moved and usable()


def usable() -> bool:
    """Say whether the Python of ``.venv`` runs and is new enough."""
    try:
        done = subprocess.run(
            [PYTHON, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"],
            capture_output=True,
            check=False,
        )
    except OSError:
        return False
    return done.returncode == 0


def create(uv: str | None) -> None:
    """Make an empty ``.venv`` in the place of whatever is there."""
    if VENV.is_symlink() or VENV.is_file():
        VENV.unlink()
    elif VENV.exists():
        shutil.rmtree(VENV)
    VENV.mkdir()
    UNFINISHED.touch()
    if uv and runs([uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, VENV]):
        return
    if not runs([sys.executable, "-m", "venv", VENV]):
        raise SetupError(
            f"cannot make a virtual environment ({sys.executable} -m venv). Try: install that "
            "Python's venv module (on Debian and Ubuntu: apt-get install python3-venv), or uv"
        )


def install(uv: str | None, extras: str) -> None:
    """Install the package in place, with `extras`, at the versions of ``constraints.txt``."""
    if uv and put([uv, "pip", "install", "--quiet", "--python", PYTHON], extras):
        return
    if uv:
        # uv leaves pip out of what it makes; pip may be set to use an index that uv is not.
        say("uv could not install the packages; trying pip")
    if not has_pip():
        runs([PYTHON, "-m", "ensurepip", "--default-pip"])
    pip = [PYTHON, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"]
    if not put(pip, extras):
        raise SetupError(
            f"cannot install the packages of {ROOT / 'pyproject.toml'} (the messages above say "
            "why). Try: check the network and the package index that pip is set to use, then run "
            "this again"
        )


def put(installer: Sequence[str | Path], extras: str) -> bool:
    """Install the build tools and then the package; say whether both succeeded."""
    pinned = [*installer, "-c", "constraints.txt"]
    return runs([*pinned, *BUILD]) and runs([*pinned, "--no-build-isolation", "-e", f".{extras}"])


def has_pip() -> bool:
    """Say whether ``.venv`` has pip."""
    done = subprocess.run([PYTHON, "-m", "pip", "--version"], capture_output=True, check=False)
    return done.returncode == 0


def runs(command: Sequence[str | Path]) -> bool:
    """Run a command with its output on standard error; say whether it succeeded."""
    clean = {k: v for k, v in os.environ.items() if k not in ("PYTHONHOME", "PYTHONPATH")}
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        cwd=ROOT,
        env=clean,
        close_fds=False,
        check=False,
    )
    return done.returncode == 0


def stamp_file(name: str) -> Path:
    """Where the stamp of a set lies."""
    return VENV / f".equipoise-{name}"


def stamp(name: str) -> str:
    """Return the stamp of a set, or nothing."""
    try:
        return stamp_file(name).read_text(encoding="utf-8").rstrip("\n")
    except OSError:
        return ""


def say(text: str) -> None:
    """Tell the person at the terminal; standard output belongs to the program."""
    print(f"equipoise: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2]))
