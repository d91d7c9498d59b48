#!/usr/bin/env python3
"""Speed of the timed modes on one core of a system.

usage: detailed.py [--system NAME] [--function NAME] [--loop-only]

Host instructions per guest instruction come from valgrind and do not depend on how busy the host is:
a busy bare-metal loop (`conformance::busy`, run by the example `timed_speed`) in two lengths, so what
starting costs drops out. Million guest instructions a second do depend on it: the function is run with
a few and with many invocations, warming or measured, and processor time is compared. Its warm snapshot
should be there (`vswarm-u run NAME` once), or the first run makes it.
"""
import argparse
import json
import os
import re
import resource
import shutil
import subprocess
import tempfile

PROGRAM = "target/release/vswarm-u"
LOOP = "target/release/examples/timed_speed"
MODES = ("warming", "detailed")
# Enough to be warm, and so many more that what is counted is most of the run.
LENGTHS = {"warming": (1_000_000, 4_000_000), "detailed": (500_000, 1_500_000)}
# Invocations of the function, which warming executes ten times as fast.
INVOCATIONS = {"warming": (1, 81), "detailed": (1, 17)}
REPEAT = 3


def collected(system, mode, instructions):
    """Host instructions of a run of the loop, and the guest instructions it executed."""
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "callgrind.out")
        command = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]
        command += [LOOP, system, mode, str(instructions)]
        ended = subprocess.run(command, capture_output=True, check=True, text=True)
    host = int(re.search(r"Collected : (\d+)", ended.stderr).group(1))
    return host, int(ended.stdout.split()[0])


def loop_cost(system, mode):
    """Host instructions per instruction of the loop."""
    if not shutil.which("valgrind"):
        return None
    (few_host, few), (many_host, many) = (collected(system, mode, n) for n in LENGTHS[mode])
    return (many_host - few_host) / (many - few)


def numbers(mode, count):
    """The options for `count` invocations in `mode`."""
    settle, measured = (count, 1) if mode == "warming" else (1, count)
    return ["--settle", str(settle), "--invocations", str(measured)]


def succeed(command):
    """What a command prints, and its processor seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
    ended = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    seconds = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
    if ended.returncode != 0:
        raise SystemExit(f"{command}: status {ended.returncode}\n{ended.stderr.decode()}")
    return ended.stdout, seconds


def executed(system, function, mode, count):
    """Instructions of `count` invocations in `mode`, those between windows and of all harts included."""
    command = [PROGRAM, "verify", function, "--system", system, "--json"]
    return json.loads(succeed(command + numbers(mode, count))[0])["instructions"]


def seconds(system, function, mode, count):
    """Processor seconds of a run with `count` invocations in `mode`, the best of a few."""
    with tempfile.TemporaryDirectory() as results:
        command = [PROGRAM, "run", function, "--system", system, "--json", "--out", results]
        return min(succeed(command + numbers(mode, count))[1] for _ in range(REPEAT))


def speed(system, function, mode):
    """Instructions a second of processor time."""
    few, many = INVOCATIONS[mode]
    instructions = [executed(system, function, mode, count) for count in (few, many)]
    took = [seconds(system, function, mode, count) for count in (few, many)]
    return (instructions[1] - instructions[0]) / (took[1] - took[0])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--system", default="skylake")
    parser.add_argument("--function", default="fibonacci-python")
    parser.add_argument("--loop-only", action="store_true", help="without the function")
    asked = parser.parse_args()
    print(f"{asked.system:<12}{'host instructions':>24}{'million instructions a second':>36}")
    print(f"{'':<12}{'per instruction, loop':>24}{asked.function:>36}")
    for mode in MODES:
        cost = loop_cost(asked.system, mode)
        cost = "no valgrind" if cost is None else f"{cost:.0f}"
        fast = "" if asked.loop_only else f"{speed(asked.system, asked.function, mode) / 1e6:.2f}"
        print(f"{mode:<12}{cost:>24}{fast:>36}", flush=True)


main()
