#!/usr/bin/env bash
# Runs the tests. The first call makes a private environment in .venv; later calls go straight to pytest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

# Tests start hundreds of Pythons: what one has compiled, the next one shall find.
unset PYTHONDONTWRITEBYTECODE

usage() {
    cat <<'TEXT'
usage: ./test.sh [WORD…] [OPTION…]

  ./test.sh                     all tests but the harness's own, and every scenario in this process
  ./test.sh 1.1                 one scenario
  ./test.sh 4                   one feature
  ./test.sh "13.*"              a pattern of numbers
  ./test.sh BasicCommunication  scenarios and features by part of their name
  ./test.sh tests/library       some of the tests, by path
  ./test.sh python_python 1.1   each role in a process of its own: first role first, in alphabetical order
  ./test.sh python 1.1          the same platform in all roles
  ./test.sh matrix              every scenario over every pairing of what can be built here, and a report
  ./test.sh matrix --no-build   … of what is built here
  ./test.sh harmony/tests -n 2  the tests of the harness
  ./test.sh -m nightly          what is left to the night: rare faults that take long to look for
  ./test.sh --stress, --benchmark   run the scenarios with these tags, too
  ./test.sh --setup             only make or renew the environment

Words and options are pytest's: -v, -x, -k EXPR, -m EXPR, -n 2, --lf, --seed 7, …
TEXT
}

fail() {
    printf 'test.sh: %s\n' "$*" >&2
    exit 3
}

find_python() {
    local candidate
    for candidate in "${PYTHON:-}" python3 python3.13 python3.12 python3.11; do
        [ -n "$candidate" ] || continue
        if "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            printf '%s' "$candidate"
            return
        fi
    done
    fail "no Python 3.11 or newer found: install one (Debian: apt-get install python3), or name it with PYTHON=…"
}

# What the environment is made from: when one of these changes, it is renewed.
stamp() {
    { "$1" --version; cat pyproject.toml harmony/pyproject.toml constraints.txt CMakeLists.txt zerobuffer/core/*; } | sha256sum
}

is_made() { [ -f .venv/stamp ] && [ "$(cat .venv/stamp)" = "$(stamp .venv/bin/python)" ]; }

bootstrap() {
    is_made && return
    # Gates that begin at once make it once.
    exec 9<.
    ! command -v flock >/dev/null || flock 9
    is_made || make_environment
    exec 9<&-
}

make_environment() {
    local python
    if [ -x .venv/bin/python ]; then python=.venv/bin/python; else python=$(find_python); fi
    command -v "${CC:-cc}" >/dev/null || command -v gcc >/dev/null || command -v clang >/dev/null ||
        fail "no C compiler found: install one (Debian: apt-get install gcc libc6-dev), or name it with CC=…"
    "$python" -c 'import venv, ensurepip' 2>/dev/null ||
        fail "this Python has no venv module: install it (Debian: apt-get install python3-venv)"
    "$python" -c 'import sysconfig, pathlib, sys; sys.exit(not (pathlib.Path(sysconfig.get_paths()["include"]) / "Python.h").exists())' ||
        fail "this Python has no C headers: install them (Debian: apt-get install python3-dev)"
    printf 'test.sh: making the environment in .venv (once; a minute or so) …\n' >&2
    [ -x .venv/bin/python ] || "$python" -m venv .venv
    # An older zerobuffer-harmony brought the command `harmony`, and would take the new one along when it goes.
    .venv/bin/python -m pip uninstall --quiet --yes zerobuffer-harmony 2>/dev/null || true
    local install=(.venv/bin/python -m pip install --disable-pip-version-check --no-compile)
    # The same in a quarter of the time.
    ! command -v uv >/dev/null || install=(uv pip install --python .venv/bin/python)
    "${install[@]}" --quiet -c constraints.txt -e './harmony[test]' -e '.[dev]' >&2 ||
        fail "the environment could not be made: see the messages of ${install[*]:0:3} above"
    stamp .venv/bin/python >.venv/stamp
}

main() {
    case "${1:-}" in
    -h | --help)
        usage
        return
        ;;
    --setup)
        bootstrap
        return
        ;;
    esac
    bootstrap
    # Numbers of scenarios and paths are soon done. All else takes every core; a later -n has the last word.
    # Who has nothing left to do takes of what others have: tests take from a millisecond to a minute.
    local word parallel=(-n auto --dist worksteal)
    for word; do
        case "$word" in
        -*) break ;;
        matrix)
            parallel=(-n auto)
            break
            ;;
        [0-9]*) parallel=() ;;
        *) [ ! -e "${word%%::*}" ] || parallel=() ;;
        esac
    done
    # Without -c, pytest looks for its configuration beside any file that is named.
    exec .venv/bin/python -m pytest -c pytest.ini ${parallel[@]+"${parallel[@]}"} "$@"
}

main "$@"
