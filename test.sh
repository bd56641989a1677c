#!/usr/bin/env bash
# Runs the tests. The first call makes a private environment in .venv; later calls go straight to pytest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")"

usage() {
    cat <<'TEXT'
usage: ./test.sh [WORD…] [OPTION…]

  ./test.sh                     all tests, and every scenario in this process
  ./test.sh 1.1                 one scenario
  ./test.sh 4                   one feature
  ./test.sh "13.*"              a pattern of numbers
  ./test.sh BasicCommunication  scenarios and features by part of their name
  ./test.sh tests/library       some of the tests, by path
  ./test.sh python_python 1.1   each role in a process of its own: first role first, in alphabetical order
  ./test.sh python 1.1          the same platform in all roles
  ./test.sh matrix              every scenario over every pairing of what is built here, and a report
  ./test.sh --stress, --benchmark   run the scenarios with these tags, too
  ./test.sh --setup             only make or renew the environment

Every other option goes to pytest: -v, -x, -k EXPR, -m EXPR, -n 2, --lf, --seed 7, …
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

bootstrap() {
    local python current
    if [ -x .venv/bin/python ]; then python=.venv/bin/python; else python=$(find_python); fi
    current=$(stamp "$python")
    [ -f .venv/stamp ] && [ "$(cat .venv/stamp)" = "$current" ] && return
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
    .venv/bin/python -m pip install --quiet --disable-pip-version-check -c constraints.txt \
        -e './harmony[test]' -e '.[dev]' >&2 ||
        fail "the environment could not be made: see the messages of pip above"
    stamp .venv/bin/python >.venv/stamp
}

# Options of pytest that take a value in the next word.
takes_value() {
    case "$1" in
    -k | -m | -n | -p | -o | -c | -W | --seed | --maxfail | --scenario | --with-tag | --pairing | --role | --shard | \
        --durations | --rootdir | --junitxml | --events | --html | --record | --min-pass-rate | --expectations | \
        --durations-file | --harmony-set | --timeout) return 0 ;;
    esac
    return 1
}

# Words such as python_cpp: platforms that harmony.toml knows, joined by underscores.
is_pairing() {
    local part parts
    IFS=_ read -ra parts <<<"$1"
    for part in "${parts[@]}"; do
        grep -qF "[platforms.$part]" harmony.toml 2>/dev/null || return 1
    done
}

main() {
    local words=() options=() scenarios=() parallel=true
    while [ $# -gt 0 ]; do
        case "$1" in
        -h | --help)
            usage
            return
            ;;
        --setup)
            bootstrap
            return
            ;;
        -*)
            options+=("$1")
            case "$1" in -n | -n* | --numprocesses* | -x | --lf | --pdb | -s | -p) parallel=false ;; esac
            if takes_value "$1"; then
                [ $# -gt 1 ] || fail "$1 needs a value"
                options+=("$2")
                shift
            fi
            ;;
        *) words+=("$1") ;;
        esac
        shift
    done
    bootstrap
    local word paths=()
    for word in ${words[@]+"${words[@]}"}; do
        if [ -e "${word%%::*}" ]; then
            paths+=("$word")
        elif [ "$word" = matrix ]; then
            options+=(--matrix)
        elif is_pairing "$word"; then
            options+=(--pairing "$word")
        else
            options+=(--scenario "$word")
            parallel=false
        fi
    done
    if $parallel && [ ${#paths[@]} -eq 0 ]; then options+=(-n auto); fi
    # Without -c, pytest looks for its configuration beside any file that is named.
    exec .venv/bin/python -m pytest -c pytest.ini ${paths[@]+"${paths[@]}"} ${options[@]+"${options[@]}"}
}

main "$@"
