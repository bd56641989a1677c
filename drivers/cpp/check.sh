#!/usr/bin/env bash
# Builds the C++ library and driver in other ways than usual, each in a folder that is removed afterwards, and runs their
# tests there.
set -euo pipefail
here="$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)"

usage() {
    cat <<'TEXT'
usage: drivers/cpp/check.sh [KIND…]

  asan       AddressSanitizer and UndefinedBehaviorSanitizer
  tsan       ThreadSanitizer
  valgrind   memcheck (not the deaths: a process that is killed has not freed anything)
  clang      clang++, with its warnings; and clang-tidy on the library
  install    cmake --install, and a project that finds the library there
  format     clang-format
  all        all of them (the default)

What a check takes and is not here is said, and counts as failed. JOBS=N builds N files at a time (1).
TEXT
}

failed=()

needs() {
    local program=$1 package=$2
    command -v "$program" >/dev/null && return
    printf 'check.sh: no %s: install %s\n' "$program" "$package" >&2
    return 1
}

build() {
    local folder=$1
    shift
    cmake -S "$here" -B "$folder" "$@" >/dev/null
    cmake --build "$folder" --parallel "${JOBS:-1}" >/dev/null
}

run_tests() {
    ctest --test-dir "$1" --output-on-failure --no-tests=error --timeout 600 "${@:2}"
}

check_asan() {
    # gcc takes the checks that it has put in itself for uses of what is not initialised.
    build "$1" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DZEROBUFFER_SANITIZE=address,undefined \
        -DCMAKE_CXX_FLAGS=-Wno-error=maybe-uninitialized &&
        ASAN_OPTIONS=detect_leaks=1:detect_stack_use_after_return=1 UBSAN_OPTIONS=print_stacktrace=1 run_tests "$1"
}

check_tsan() {
    build "$1" -DCMAKE_BUILD_TYPE=RelWithDebInfo -DZEROBUFFER_SANITIZE=thread &&
        TSAN_OPTIONS=halt_on_error=1 run_tests "$1"
}

check_valgrind() {
    needs valgrind valgrind && build "$1" -DCMAKE_BUILD_TYPE=Debug || return
    local group
    for group in buffer dispatcher driver duplex plan vectors; do
        valgrind --quiet --error-exitcode=9 --leak-check=full --errors-for-leak-kinds=definite,indirect \
            "$1/tests/zerobuffer-tests" "$group." | tail -n 1 || return
    done
}

check_clang() {
    needs clang++ clang && build "$1" -DCMAKE_CXX_COMPILER=clang++ -DCMAKE_EXPORT_COMPILE_COMMANDS=ON &&
        run_tests "$1" || return
    needs clang-tidy clang-tidy && clang-tidy --quiet -p "$1" "$here"/src/*.cpp "$here"/driver/*.cpp
}

check_install() {
    build "$1" -DZEROBUFFER_BUILD_DRIVER=OFF -DZEROBUFFER_BUILD_TESTS=OFF &&
        cmake --install "$1" --prefix "$1/prefix" >/dev/null &&
        cmake -S "$here/tests/consumer" -B "$1/consumer" -DCMAKE_PREFIX_PATH="$1/prefix" >/dev/null &&
        cmake --build "$1/consumer" >/dev/null && "$1/consumer/consumer" &&
        { [ ! -e "$here/../../zerobuffer/driver.schema.json" ] || [ -e "$1/prefix/share/zerobuffer/driver.schema.json" ]; }
}

check_format() {
    needs clang-format clang-format &&
        find "$here"/{include,src,driver,tests} -name '*.[ch]pp' -exec clang-format --dry-run --Werror {} +
}

check() {
    local kind=$1 folder
    folder=$(mktemp -d)
    printf '== %s\n' "$kind"
    "check_$kind" "$folder" || failed+=("$kind")
    rm -rf "$folder"
}

main() {
    local kind kinds=("$@")
    [ $# -gt 0 ] && [ "$1" != all ] || kinds=(format install clang asan tsan valgrind)
    for kind in "${kinds[@]}"; do
        case $kind in
        asan | tsan | valgrind | clang | install | format) ;;
        -h | --help)
            usage
            return
            ;;
        *)
            usage >&2
            return 3
            ;;
        esac
    done
    needs cmake cmake && needs "${CXX:-c++}" g++ || return 3
    for kind in "${kinds[@]}"; do check "$kind"; done
    [ ${#failed[@]} -eq 0 ] && return
    printf 'failed: %s\n' "${failed[*]}" >&2
    return 1
}

main "$@"
