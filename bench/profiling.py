"""Where the server's CPU goes during a workload: by thread and, with py-spy, by Python function."""

import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path
from typing import Any

from bench import processes
from bench.load import Load
from bench.servers import Server

_RATE = 500
_SHOWN = 45


def profile(server: Server, plan: dict[str, Any], file: Path) -> str:
    """Run `plan`, write the sampled stacks to `file` (a flame graph's input) and return a ranked list as text."""
    with Load(server, plan) as load:
        load.wait_until_warm()
        before = processes.thread_seconds(server.pid)
        load.go()
        sampled = _sample(server.pid, file, max(1, round(plan["seconds"])))
        operations = len(load.result()["latencies_us"])
        after = processes.thread_seconds(server.pid)
    lines, main_us = _by_thread(before, after, max(operations, 1))
    if sampled:
        lines += ranked(file.read_text().splitlines(), cpu_us=main_us)
    return "\n".join(lines)


def _by_thread(
    before: dict[int, tuple[str, float, float]], after: dict[int, tuple[str, float, float]], operations: int
) -> tuple[list[str], float]:
    rows = []
    for thread, (name, user, system) in after.items():
        _, user_before, system_before = before.get(thread, ("", 0.0, 0.0))
        rows.append(((user - user_before) * 1e6 / operations, (system - system_before) * 1e6 / operations, name))
    rows.sort(key=lambda row: -row[0] - row[1])
    total_us = sum(user + system for user, system, _ in rows)
    lines = [f"{operations:,} operations, {total_us:,.0f} µs CPU each; by thread:", "     user     system"]
    lines += [f"{user:9,.1f}  {system:9,.1f}  {name}" for user, system, name in rows if user + system > 0]
    return lines, sum(user + system for user, system, name in rows if name == processes.MAIN_THREAD)


def ranked(stacks: list[str], *, cpu_us: float, shown: int = _SHOWN) -> list[str]:
    """Rank the functions of the main thread, which runs the event loop, by their own samples.

    `stacks` are folded: the thread and its frames parted by `;`, a blank, the count. `cpu_us` is the main thread's CPU
    per operation, which the samples share out. Last come the rooms of Wharf, by who is nearest to the sample.
    """
    own, whole, rooms = Counter[str](), Counter[str](), Counter[str]()
    for line in stacks:
        frames, _, count = line.rpartition(" ")
        thread, *names = frames.split(";")
        if not thread.endswith(": MainThread") or not names:
            continue
        own[names[-1]] += int(count)
        for name in set(names):
            whole[name] += int(count)
        rooms[next((room for name in reversed(names) if (room := _room(name))), "outside")] += int(count)
    unit = cpu_us / max(sum(own.values()), 1)
    lines = ["main thread by function:", "  own µs   with callees"]
    lines += [f"{own[name] * unit:8.1f}  {whole[name] * unit:9.1f}   {name}" for name, _ in own.most_common(shown)]
    lines += ["main thread by room (with the libraries that it calls):"]
    return lines + [f"{count * unit:8.1f}   {room}" for room, count in rooms.most_common()]


def _room(frame: str) -> str | None:
    _, found, rest = frame.partition("(wharf/")
    return "wharf/" + rest.split("/")[0].split(":")[0] if found else None


def _sample(pid: int, file: Path, seconds: int) -> bool:
    program = shutil.which("py-spy", path=str(Path(sys.executable).parent)) or shutil.which("py-spy")
    if program is None:
        print("py-spy is not installed (pip install py-spy): only threads are shown")
        time.sleep(seconds)
        return False
    flags = ["--duration", str(seconds), "--rate", str(_RATE), "--format", "raw", "--function", "--threads"]
    done = subprocess.run(
        [program, "record", "--pid", str(pid), *flags, "--output", file], capture_output=True, text=True, check=False
    )
    if done.returncode:
        print(f"py-spy: {done.stderr.strip()[-300:]}")
    return done.returncode == 0
