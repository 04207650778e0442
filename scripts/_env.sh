# Sourced by scripts/run, scripts/test and scripts/check. Sets $root, finds a Python, and makes
# .venv ready for a set of extras. When nothing has changed it costs one checksum and no Python.

root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P) || exit 2
venv=$root/.venv

# What .venv was made from: where the checkout lies, and the two files that say what goes in.
_wanted() {
    printf '%s %s\n' "$(cat "$root/pyproject.toml" "$root/constraints.txt" | cksum)" "$root"
}

_suitable() {
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

# Every candidate is started, not only looked up: version managers leave names that do not run.
_find_python() {
    if [ -n "${EQUIPOISE_PYTHON:-}" ]; then
        _suitable "$EQUIPOISE_PYTHON" && printf '%s\n' "$EQUIPOISE_PYTHON" && return 0
        echo "equipoise: EQUIPOISE_PYTHON is not a working Python 3.11 or newer" \
            "($EQUIPOISE_PYTHON). Try: the path of another, or unset it" >&2
        return 1
    fi
    for name in python3.13 python3.12 python3.11 python3 python3.14 python; do
        _suitable "$name" && printf '%s\n' "$name" && return 0
    done
    if command -v uv >/dev/null 2>&1; then
        name=$(uv python find '>=3.11' 2>/dev/null) && _suitable "$name" \
            && printf '%s\n' "$name" && return 0
    fi
    echo "equipoise: no Python 3.11 or newer found (looked for python3.11 to python3.14, python3" \
        "and python on PATH). Try: install one, or set EQUIPOISE_PYTHON to its path" >&2
    return 1
}

# need main | test | all: make .venv hold the package with those extras.
need() {
    stamp=$venv/.equipoise-$1
    wanted=$(_wanted) || exit 2
    if [ -x "$venv/bin/python" ] && [ ! -e "$venv/.equipoise-unfinished" ] \
        && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
        return 0
    fi
    python=$(_find_python) || exit 2
    "$python" "$root/scripts/_env.py" "$1" "$wanted" </dev/null || exit 2
}
