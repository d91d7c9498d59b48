#!/usr/bin/env python3
"""The whole system: boot, container, requests, replies; restored and repeated runs compared.

usage: run.py PROGRAM FUNCTION...

For each function: a run (from whatever the state folder holds) must answer every request rightly and
give sane numbers; the same command again must start from the snapshot and give the same bytes apart
from host times. Then, for the last function and without its snapshots: a run that continues from stage
to stage and one that is restored print the same; killed runs poison nothing; damaged snapshots are
noticed and made anew, with the same result; a wrong and a late reply fail the run.
"""
import json
import os
import subprocess
import sys
import tempfile
import time

EXPECTED = "output: 55"
INVOCATIONS = 3
FIRST_RUN_LIMIT = 1500
SECOND_RUN_LIMIT = 300


def command_line(program, function, out, *more):
    return [program, "run", function, "--invocations", str(INVOCATIONS), "--json", "--out", out, *more]


def run(program, function, out, limit, more=(), environment=None):
    command = command_line(program, function, out, *more)
    start = time.monotonic()
    ended = subprocess.run(
        command, stdout=subprocess.PIPE, timeout=limit, check=False, env=environment
    )
    seconds = time.monotonic() - start
    if ended.returncode != 0:
        raise AssertionError(f"{' '.join(command)} ended with status {ended.returncode}")
    return json.loads(ended.stdout), seconds


def without_host(document):
    document = json.loads(json.dumps(document))
    document["manifest"]["host"] = None
    return document


def check(document, function):
    assert document["schema"] == 1 and document["function"] == function, document
    invocations = document["invocations"]
    assert len(invocations) == INVOCATIONS, len(invocations)
    for one in invocations:
        assert one["ok"], one.get("error")
        assert EXPECTED in json.dumps(one["reply"]), one["reply"]
        assert one["hart"] == 1, one["hart"]
        # A few milliseconds of work, not nothing and not a boot.
        assert 10_000 < one["instructions"] < 1_000_000_000, one["instructions"]
        assert one["cycles"] >= one["instructions"], (one["cycles"], one["instructions"])
        assert abs(one["cpi"] - one["cycles"] / one["instructions"]) < 1e-9, one["cpi"]
        for hart in one["harts"]:
            assert hart["user_cycles"] + hart["kernel_cycles"] == hart["cycles"], hart
            assert (
                hart["user_instructions"] + hart["kernel_instructions"] == hart["instructions"]
            ), hart
            # Busy and idle cycles make up the window; an instruction that is under way at an edge
            # may count on either side.
            window = one["latency_ns"] * 2.5
            assert abs(hart["cycles"] + hart["idle_cycles"] - window) < 2000, (window, hart)
    assert document["summary"]["failed"] == 0, document["summary"]


def test(program, function):
    with tempfile.TemporaryDirectory() as out:
        first, first_seconds = run(program, function, out, FIRST_RUN_LIMIT)
        check(first, function)
        second, second_seconds = run(program, function, out, SECOND_RUN_LIMIT)
        assert without_host(first) == without_host(second), "two runs of one command differ"
    cpi = first["summary"]["cpi"]["mean"]
    print(
        f"{function}: ok, CPI {cpi:.3f}, first run {first_seconds:.1f} s, "
        f"second {second_seconds:.1f} s",
        flush=True,
    )


def fresh_home(folder):
    """An environment whose state folder shares downloads and images but has no snapshots."""
    cache = os.environ.get("XDG_CACHE_HOME", os.path.expanduser("~/.cache"))
    home = os.environ.get("VSWARM_U_HOME", os.path.join(cache, "vswarm-u"))
    for part in os.listdir(home):
        if part != "snapshots":
            os.symlink(os.path.abspath(os.path.join(home, part)), os.path.join(folder, part))
    return dict(os.environ, VSWARM_U_HOME=folder)


def kill_after(seconds, command, environment):
    with subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    ) as child:
        time.sleep(seconds)
        child.kill()


def damage_snapshots(folder):
    """Cuts every snapshot short."""
    snapshots = os.path.join(folder, "snapshots")
    for name in os.listdir(snapshots):
        path = os.path.join(snapshots, name)
        os.truncate(path, os.path.getsize(path) // 2)


def test_resilience(program, function):
    """Continued and restored, killed, damaged: the numbers stay the same."""
    more = ["--seed", "8"]
    with tempfile.TemporaryDirectory() as out, tempfile.TemporaryDirectory() as folder:
        environment = fresh_home(folder)
        for seconds in (3, 12):
            kill_after(seconds, command_line(program, function, out, *more), environment)
        first, _ = run(program, function, out, FIRST_RUN_LIMIT, more, environment)
        check(first, function)
        restored, _ = run(program, function, out, SECOND_RUN_LIMIT, more, environment)
        assert without_host(first) == without_host(restored), "continued and restored differ"
        damage_snapshots(folder)
        again, _ = run(program, function, out, FIRST_RUN_LIMIT, more, environment)
        assert without_host(first) == without_host(again), "a run after damage differs"
    print(f"{function}: killed, restored and damaged runs give the same bytes", flush=True)


def test_failures(program, function):
    """Requests that fail: exit status 1, and the reason is shown."""
    with tempfile.TemporaryDirectory() as out:
        # No invocation is over in a millisecond on the simple system and this function.
        command = command_line(program, function, out, "--timeout-ms", "1")
        ended = subprocess.run(
            command, capture_output=True, timeout=SECOND_RUN_LIMIT, check=False, text=True
        )
        assert ended.returncode == 1, (ended.returncode, ended.stderr)
        assert "no reply" in ended.stderr, ended.stderr
    print(f"{function}: a late reply fails the run", flush=True)


def main():
    program, functions = sys.argv[1], sys.argv[2:]
    tests = [(test, function) for function in functions]
    tests += [(test_failures, functions[0]), (test_resilience, functions[-1])]
    failed = 0
    for one, function in tests:
        try:
            one(program, function)
        except (AssertionError, subprocess.TimeoutExpired, ValueError, KeyError, OSError) as error:
            print(f"{function}: {one.__name__} FAILED: {error}", flush=True)
            failed += 1
    print(f"whole system: {len(tests) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
