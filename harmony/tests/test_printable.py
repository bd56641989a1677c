"""What an encoding has no character for: finds one that ends a run, or columns that do not stand below each other."""

from __future__ import annotations

import io

import pytest

from harmony.printable import adapt


@pytest.mark.parametrize(
    ("encoding", "text", "written"),
    [
        ("utf-8", "■ □ ✗ · … ▁█ 鐘", "■ □ ✗ · … ▁█ 鐘"),
        ("cp1252", "■ 12 □ 3/4 ✗ 0/4 · …", "# 12 o 3/4 x 0/4 · …"),
        ("ascii", "■■✗· ▁▂▃▄▅▆▇█ ─│┌", "##x. .:-=+*%# -|+"),
        ("ascii", "ü 鐘 \ud800 …", r"\xfc \u9418 \ud800 ..."),
    ],
)
def test_what_is_missing_is_written_in_ascii(encoding: str, text: str, written: str) -> None:
    file = io.BytesIO()
    stream = io.TextIOWrapper(file, encoding=encoding)
    adapt(stream, None, io.StringIO())
    stream.write(text)
    stream.flush()
    assert file.getvalue().decode(encoding) == written
