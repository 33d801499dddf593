import os
import subprocess
import sys

from bench import processes

SPIN = "import time\nwhile time.process_time() < {0}: pass\n"


def test_cpu_counts_threads_children_and_ended_children() -> None:
    program = (
        "import subprocess, sys\n"
        f"subprocess.run([sys.executable, '-c', {SPIN.format(0.1)!r}])\n"
        f"{SPIN.format(0.1)}"
        "print('done', flush=True)\nsys.stdin.read()\n"
    )
    with subprocess.Popen([sys.executable, "-c", program], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"done\n"
        assert processes.cpu_seconds(process.pid) >= 0.17
        assert processes.memory_bytes(process.pid) > 2**20
        process.communicate()


def test_the_tree_has_living_children() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        assert {os.getpid(), child.pid} <= set(processes.tree(os.getpid()))
        child.communicate()


def test_a_process_that_is_gone_has_used_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        process.wait()
    assert processes.cpu_seconds(process.pid) == 0.0
    assert processes.memory_bytes(process.pid) == 0
