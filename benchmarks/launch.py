"""Runs one command with its output in a file, and prints what it took as JSON.

A program of its own, for a process's peak of memory counts what it was before it became another: what starts a
command must be smaller than it.
"""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import time
from pathlib import Path

output, *command = sys.argv[1:]
with Path(output).open("wb") as out:
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=out)
    _, ended, used = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
process.returncode = os.waitstatus_to_exitcode(ended)
if process.returncode:
    sys.exit(f"It ended with {process.returncode}.")
status = Path("/proc/self/status")
# The process's own peak where it can be had: the other one counts what it was before it became this program.
own = int(status.read_text().partition("VmHWM:")[2].split()[0]) if status.exists() else 0
if used.ru_maxrss <= (own or resource.getrusage(resource.RUSAGE_SELF).ru_maxrss):
    sys.exit("What starts the command is larger than it, so its peak of memory is not known.")
# Linux counts in kilobytes, macOS in bytes.
unit = 1024 if sys.platform != "darwin" else 1024 * 1024
print(json.dumps({"wall": wall, "cpu": used.ru_utime + used.ru_stime, "peak_mb": used.ru_maxrss / unit}))
