from pathlib import Path

from bench import disk
from bench.profiling import ranked

STACKS = [
    "thread (7): MainThread;run (uvloop/x.py:38);call (wharf/v2/surface.py:63);rows (wharf/db/sqlite/runner.py:1) 3",
    "thread (7): MainThread;run (uvloop/x.py:38);call (wharf/v2/surface.py:63);loads (json/x.py:1) 1",
    "thread (8): wharf-storage_0;work (threading.py:1) 96",
]


def test_functions_share_the_main_threads_time_and_other_threads_do_not_count() -> None:
    lines = ranked(STACKS, cpu_us=100.0)
    assert lines[2].split() == ["75.0", "75.0", "rows", "(wharf/db/sqlite/runner.py:1)"]
    assert lines[-2:] == ["    75.0   wharf/db", "    25.0   wharf/v2"]


def test_keeping_servers_apart_is_harmless_on_any_file_system(tmp_path: Path) -> None:
    disk.keep_apart(tmp_path)
    (tmp_path / "server").mkdir()
