"""Reads what a process and everything it started has used, from /proc."""

import os
from pathlib import Path

MAIN_THREAD = "main thread"
_TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")


def tree(pid: int) -> list[int]:
    """Return `pid` and its living descendants."""
    found = [pid]
    for parent in found:
        for task in _entries(Path(f"/proc/{parent}/task")):
            found += [int(child) for child in _text(task / "children").split()]
    return found


def cpu_seconds(pid: int) -> float:
    """User and system time of the process, its threads and all its descendants, those that have ended included."""
    ticks = 0
    for each in tree(pid):
        _, _, rest = _text(Path(f"/proc/{each}/stat")).rpartition(")")
        # After the command come fields 3, 4, …; 14 to 17 are utime, stime, cutime and cstime (proc_pid_stat(5)).
        ticks += sum(int(field) for field in rest.split()[11:15])
    return ticks / _TICKS_PER_SECOND


def thread_seconds(pid: int) -> dict[int, tuple[str, float, float]]:
    """Return name, user and system seconds of every living thread of the process and its descendants."""
    found = {}
    for each in tree(pid):
        for task in _entries(Path(f"/proc/{each}/task")):
            head, _, rest = _text(task / "stat").rpartition(")")
            if rest:
                user, system = (int(field) / _TICKS_PER_SECOND for field in rest.split()[11:13])
                name = MAIN_THREAD if task.name == str(each) else head.partition("(")[2]
                found[int(task.name)] = (name, user, system)
    return found


def memory_bytes(pid: int) -> int:
    """Proportional set size of the process and its descendants: pages shared between them count once."""
    total = 0
    for each in tree(pid):
        for line in _text(Path(f"/proc/{each}/smaps_rollup")).splitlines():
            if line.startswith("Pss:"):
                total += int(line.split()[1]) * 1024
    return total


def _entries(folder: Path) -> list[Path]:
    try:
        return list(folder.iterdir())
    except OSError:
        return []


def _text(file: Path) -> str:
    try:
        return file.read_text()
    except OSError:  # it has ended in between
        return ""
