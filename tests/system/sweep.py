#!/usr/bin/env python3
"""Sweeps over a function whose guest and images are built: the same bytes however they are run.

usage: sweep.py PROGRAM FUNCTION

Four points of FUNCTION, run one after the other, two at a time, one by one in another order, and by a sweep that is
killed (SIGKILL, itself and all at once) and started again: all result directories and tables are the same to the byte,
finished points are not run again, and no process is left behind. What a manifest tells of the host is left out.
"""
import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time

EXPERIMENT = """
functions = ["{function}"]
systems = ["simple"]
states = ["warm", "lukewarm"]
warmup = 3
settle = 1
invocations = 2
[overrides]
"caches.l1d.ways" = [2, 8]
"""
POINTS = 4
LIMIT = 1800


def sweep(program, experiment, out, *more):
    command = [program, "sweep", experiment, "--out", out, *more]
    subprocess.run(command, stdout=subprocess.DEVNULL, timeout=LIMIT, check=True)


def content(folder):
    """The hash of each file of a sweep, by path; lock files are not among the results."""
    found = {}
    for place, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if name != ".locks"]
        for name in files:
            path = os.path.join(place, name)
            with open(path, "rb") as file:
                text = file.read()
            if name == "manifest.json":
                text = without_host(text)
            found[os.path.relpath(path, folder)] = hashlib.sha256(text).hexdigest()
    return found


def without_host(manifest):
    """A manifest without times and memory, which it must have."""
    manifest = json.loads(manifest)
    for key in ["started", "wall_seconds", "preparing_seconds", "processor_seconds", "peak_resident_bytes"]:
        assert manifest["host"][key] is not None, f"{key} was not kept"
    del manifest["host"]
    return json.dumps(manifest).encode()


def finished(out):
    points = os.path.join(out, "points")
    names = os.listdir(points) if os.path.isdir(points) else []
    return [name for name in names if not name.startswith(".")]


def workers(out):
    """Processes that run points of `out`."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            with open(f"/proc/{pid}/cmdline", "rb") as file:
                words = file.read().split(b"\0")
        except OSError:
            continue
        if b"--attached" in words and out.encode() in words:
            found.append(int(pid))
    return found


def wait(condition, seconds, what):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, what
        time.sleep(0.05)


def killed(program, experiment, out):
    """A sweep that is killed when one point is finished, and leaves no process."""
    command = [program, "sweep", experiment, "--out", out, "--jobs", "1"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait(lambda: finished(out) or process.poll() is not None, LIMIT, "no point was finished")
    process.send_signal(signal.SIGKILL)
    process.wait()
    wait(lambda: not workers(out), 10, "workers of a killed sweep go on")
    done = finished(out)
    assert 0 < len(done) < POINTS, done
    return {name: os.stat(os.path.join(out, "points", name)).st_mtime_ns for name in done}


def main():
    program, function = os.path.abspath(sys.argv[1]), sys.argv[2]
    with tempfile.TemporaryDirectory() as folder:
        experiment = os.path.join(folder, "experiment.toml")
        with open(experiment, "w", encoding="utf-8") as file:
            file.write(EXPERIMENT.format(function=function))
        one, two, single, again = (os.path.join(folder, n) for n in ["1", "2", "single", "again"])
        sweep(program, experiment, one, "--jobs", "1")
        expected = content(one)
        assert len(finished(one)) == POINTS and "results.csv" in expected, expected
        sweep(program, experiment, two, "--jobs", "2")
        assert content(two) == expected, "two at a time give other bytes than one"
        for index in reversed(range(POINTS)):
            sweep(program, experiment, single, "--point", str(index))
        sweep(program, experiment, single)
        assert content(single) == expected, "single points give other bytes"
        before = killed(program, experiment, again)
        sweep(program, experiment, again, "--jobs", "2")
        assert content(again) == expected, "a killed sweep that goes on gives other bytes"
        for name, modified in before.items():
            path = os.path.join(again, "points", name)
            assert os.stat(path).st_mtime_ns == modified, "a finished point was run again"
    print(f"sweep of {function}: {POINTS} points, the same bytes in four ways of running them")


if __name__ == "__main__":
    main()
