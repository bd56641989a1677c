"""The C-level tests of the core, built with warnings as errors and run under sanitizers, as anybody would by hand."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.library import toolchain
from zerobuffer import _core

pytestmark = [pytest.mark.sanitizers, pytest.mark.timeout(700)]

PROGRAMS = {
    "address,undefined": {
        "fuzz_segment",
        "test_attach",
        "test_doze",
        "test_metadata",
        "test_plan",
        "test_recovery",
        "test_ring",
        "test_threads",
        "test_wait",
    },
    "thread": {"test_doze", "test_threads", "test_wait"},
}


@pytest.mark.parametrize("sanitizers", PROGRAMS)
def test_the_core_passes_its_tests_under(sanitizers: str, tmp_path: Path) -> None:
    toolchain.require_cmake()
    toolchain.require_sanitizers(sanitizers)
    options = ("-DZB_BUILD_MODULE=OFF", "-DZB_BUILD_TESTS=ON", f"-DZB_SANITIZE={sanitizers}", toolchain.STRICT)
    toolchain.run("cmake", "-S", toolchain.ROOT, "-B", tmp_path, *options)
    toolchain.run("cmake", "--build", tmp_path, "--parallel", "2")
    report = toolchain.run("ctest", "--test-dir", tmp_path, "--output-on-failure", deadline=300)
    # What is not built would not fail either.
    expected = PROGRAMS[sanitizers] - (set() if _core.dozes() else {"test_doze"})
    assert set(re.findall(r"Test +#\d+: (\w+) \.+ +Passed", report)) == expected


@pytest.mark.parametrize(
    ("sanitizers", "broken", "finding"),
    [
        ("address,undefined", "((volatile char *)memory.base)[-1];", "use-after-poison"),
        ("address,undefined", "((volatile char *)memory.base)[memory.length];", "SEGV"),
        ("address,undefined", "((volatile char *)memory.base)[-1] = 1;", "use-after-poison"),
        ("address,undefined", "volatile int n = 2147483647; n = n + 1;", "signed integer overflow"),
    ],
)
def test_an_access_outside_of_the_segment_is_found(sanitizers: str, broken: str, finding: str, tmp_path: Path) -> None:
    toolchain.require_sanitizers(sanitizers)
    source = tmp_path / "broken.c"
    source.write_text(
        '#include "check.h"\n#include "segment.h"\n'
        f"static void broken(void) {{ segment memory = segment_make(256); {broken} segment_drop(&memory); }}\n"
        "CHECK_MAIN(TEST(broken))\n"
    )
    program = tmp_path / "broken"
    includes = (f"-I{toolchain.CORE}", f"-I{toolchain.CORE_TESTS}", "-D_GNU_SOURCE")
    sources = [toolchain.CORE / "ring.c", *(toolchain.CORE_TESTS / name for name in ("check.c", "segment.c"))]
    toolchain.run(
        toolchain.compiler(),
        f"-fsanitize={sanitizers}",
        "-fno-sanitize-recover=all",
        *includes,
        source,
        *sources,
        "-pthread",
        "-o",
        program,
    )
    done = toolchain.attempt(program, "--seed", "7")
    assert done.returncode != 0
    assert finding in done.stdout
    assert "at: broken (--seed 7)" in done.stdout
