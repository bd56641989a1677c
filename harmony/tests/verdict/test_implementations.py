"""What played, with its version and who has told it."""

from __future__ import annotations

from harmony.verdict.events import RunStarted, WorkerStarted
from harmony.verdict.implementations import implementations
from synthetic_results import result


def test_a_version_is_told_with_where_it_comes_from() -> None:
    """A driver around an implementation has a version of its own, which is not that of what is tested."""
    events = [
        RunStarted(seed=1, project="p", versions={"tin": "2.0.11", "absent": "1"}, families={"brass": "metal"}),
        WorkerStarted(platform="tin", pid=1, implementation="tin-driver", version="0.1", language="python 3.11"),
        WorkerStarted(platform="go", pid=2, implementation="lib", version="9", language="go"),
        WorkerStarted(platform="go", pid=3, implementation="hub", version="8", language="go"),
        WorkerStarted(platform="go", pid=4, implementation="lib", version="9", language="go"),
        WorkerStarted(platform="worker", pid=5),
        result("1.1[reader=tin,writer=brass]"),
    ]
    assert {one.platform: str(one) for one in implementations(events)} == {
        "brass": "version unknown: neither a driver nor a command",
        "go": "hub 8 (go), lib 9 (go), as its driver says",
        "tin": "2.0.11, as its command says; driver: tin-driver 0.1 (python 3.11)",
    }


def test_shards_that_played_with_different_versions_show_both() -> None:
    events = [RunStarted(seed=1, project="p", versions={"tin": one}) for one in ("2.7.9", "2.7.8", "2.7.9")]
    (tin,) = implementations([*events, result("1.1[solo=tin]")])
    assert tin.version == "2.7.9, 2.7.8"
