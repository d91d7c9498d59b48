#!/usr/bin/env python3
"""The whole system: boot, container, requests, replies; restored and repeated runs compared.

usage: run.py PROGRAM FUNCTION...

For each function: a run (from whatever the state folder holds) must answer every request rightly and
give sane numbers; the same command again must start from the snapshot and give the same bytes apart
from host times. Then, for the last function and without its snapshots: a run that continues from stage
to stage and one that is restored print the same; killed runs poison nothing; damaged snapshots are
noticed and made anew, with the same result; a wrong and a late reply fail the run. On an out-of-order
system, too, two runs and one that continues give the same bytes; what the guest computes there, to the
last bit of state, is what the fast engine computes in the same steps; and a replayed trace has the
windows of the run it was recorded in; an invocation whose core lost its state, or
was another function's meanwhile, takes longer; a cold start has all its phases; a profile divides all that was
measured among the layers of the software and changes none of it. And a Linux program of a few instructions runs in the guest, with
and without markers, to its end, a crash or a time-out; and `functions check` tells of a wrong reply and of a
function that cannot be built without keeping others from being checked.
"""
import json
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time

EXPECTED = "output: 55"
INVOCATIONS = 3
COUNT = ["--invocations", str(INVOCATIONS)]
FIRST_RUN_LIMIT = 1500
SECOND_RUN_LIMIT = 300
STATISTICS = ["stats.txt", "windows.parquet"]
# What may be under way in the core of DETAILED when a window opens or closes.
REORDER_BUFFER = 224


def command_line(program, function, out, *more):
    return [program, "run", function, *COUNT, "--json", "--out", out, *more]


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
        remove_last_snapshot(folder)
        more += DETAILED_OPTIONS
        twice = [measured(program, function, more, environment) for _ in range(2)]
        assert twice[0] == twice[1], "continued and restored differ in detailed mode"
    print(f"{function}: killed, restored and damaged runs give the same bytes", flush=True)


DETAILED = "skylake"
DETAILED_OPTIONS = ["--system", DETAILED, "--settle", "1"]


def remove_last_snapshot(folder):
    """Removes the last stage's snapshot: the next run goes on from the one before."""
    snapshots = os.path.join(folder, "snapshots")
    files = [os.path.join(snapshots, name) for name in os.listdir(snapshots)]
    os.remove(max(files, key=os.path.getmtime))


def measured(program, function, more, environment=None):
    """What a run printed, and the bytes of its statistics, without what tells of the host."""
    with tempfile.TemporaryDirectory() as out:
        document, _ = run(program, function, out, FIRST_RUN_LIMIT, more, environment)
        assert document["summary"]["failed"] == 0, document["summary"]
        for one in document["invocations"]:
            assert EXPECTED in json.dumps(one["reply"]), one["reply"]
        statistics = {}
        (folder,) = os.listdir(out)
        for name in STATISTICS:
            with open(os.path.join(out, folder, name), "rb") as file:
                statistics[name] = file.read()
        document = without_host(document)
        document["manifest"]["command"] = None  # names the folder
        return document, statistics


def test_detailed(program, function):
    """Two runs under an out-of-order core give the same bytes, and the right replies."""
    first, second = (measured(program, function, DETAILED_OPTIONS) for _ in range(2))
    assert first == second, "two runs of one command differ in detailed mode"
    print(f"{function}: two runs on {DETAILED} give the same bytes", flush=True)


def test_lukewarm(program, function):
    """State that is lost between invocations costs them time, single structures some of it, each run the same."""
    def cpi(*more):
        one, other = (measured(program, function, [*DETAILED_OPTIONS, *more]) for _ in range(2))
        assert one == other, f"two runs with {more} differ"
        cpis = [invocation["cpi"] for invocation in one[0]["invocations"]]
        assert max(cpis) < 1.2 * min(cpis), f"{more}: {cpis} are not of one state"
        return sum(cpis) / len(cpis)

    warm = cpi("--inter-arrival-ms", "10")
    lukewarm = cpi("--state", "lukewarm")
    instructions = cpi("--lukewarm", "flush=l1i,l2,llc")
    # Skylake servers took 31 to 114 % more cycles (Schall et al., ISCA 2022).
    assert warm < instructions < lukewarm and lukewarm > 1.3 * warm, (warm, instructions, lukewarm)
    print(
        f"{function}: CPI {warm:.3f} warm, {lukewarm:.3f} lukewarm, {instructions:.3f} without L1I, L2 and LLC",
        flush=True,
    )


def test_interleaved(program, function):
    """Another function's invocations on the same core cost time, and each run is the same."""
    other = "fibonacci-python"
    warm = measured(program, function, [*DETAILED_OPTIONS, "--inter-arrival-ms", "10"])[0]
    options = [*DETAILED_OPTIONS, "--lukewarm", f"interleave={other}", "--interleave-calls", "2"]
    # The first run deploys both, the second starts from the snapshot.
    first, again = (measured(program, function, options) for _ in range(2))
    assert first == again, "a run that deploys and one from the snapshot differ"
    first = first[0]
    assert first["co_runners"] == [other] and first["co_runner_calls"] == 2, first["co_runners"]
    cpis = [run["summary"]["cpi"]["mean"] for run in (warm, first)]
    assert cpis[0] < cpis[1], cpis
    print(f"{function}: CPI {cpis[0]:.3f} alone, {cpis[1]:.3f} beside {other}", flush=True)


def test_cold(program, function):
    """A cold start has all its phases, and its first request takes more than later ones; each run is the same."""
    options = ["--system", DETAILED, "--state", "cold", "--sampling-period", "500000000"]
    first, again = (measured(program, function, options) for _ in range(2))
    assert first == again, "two cold starts differ"
    phases = first[0]["cold_start"]
    assert [phase["name"] for phase in phases] == ["pull", "create", "start", "ready"], phases
    # Every byte of an image is hashed: at least an instruction each.
    assert phases[0]["instructions"] > 1_000_000, phases[0]
    for phase in phases[:3]:
        assert 0.2 < phase["cpi"]["mean"] < 10, phase
    instructions = [one["instructions"] for one in first[0]["invocations"]]
    assert instructions[0] > 1.5 * instructions[-1], instructions
    print(f"{function}: a cold start, instructions of the first requests {instructions}", flush=True)


# A function that is compiled, so that its own code can be told from its runtime's.
PROFILED = "fibonacci-go"
LAYER = "layers."


def without_layers(document):
    """A run's invocations without what only a profile adds."""
    document = json.loads(json.dumps(document["invocations"]))
    for one in document:
        for part in [one, *one["harts"]]:
            kept = {path: value for path, value in part["stats"].items() if not path.startswith(LAYER)}
            part["stats"] = kept
    return document


def stacks_of(out):
    """Stacks of a run, each a list of frames, and their cycles."""
    [result] = [os.path.join(out, name) for name in os.listdir(out)]
    with open(os.path.join(result, "stacks.folded"), encoding="utf-8") as file:
        lines = [line.rstrip("\n").rsplit(" ", 1) for line in file]
    return [(stack.split(";"), int(cycles)) for stack, cycles in lines]


def test_profile(program, _):
    """A profile divides every cycle and instruction among layers, by names that the guest has, and moves no number."""
    with tempfile.TemporaryDirectory() as out:
        plain, _ = run(program, PROFILED, out, FIRST_RUN_LIMIT, DETAILED_OPTIONS)
    profiled, stacks = [], []
    for _ in range(2):
        with tempfile.TemporaryDirectory() as out:
            document, _ = run(program, PROFILED, out, FIRST_RUN_LIMIT, [*DETAILED_OPTIONS, "--profile"])
            profiled.append(document)
            stacks.append(stacks_of(out))
    assert profiled[0]["invocations"] == profiled[1]["invocations"], "two profiles differ"
    assert stacks[0] == stacks[1], "the stacks of two profiles differ"
    assert without_layers(profiled[0]) == plain["invocations"], "a profile moves what is measured"
    total = 0
    for one in profiled[0]["invocations"]:
        for hart in one["harts"]:
            for what in ("cycles", "instructions"):
                of_layers = [
                    value for path, value in hart["stats"].items()
                    if path.startswith(LAYER) and path.endswith("." + what)
                ]
                assert of_layers and sum(of_layers) == hart[what], (hart["hart"], what, of_layers)
            total += hart["cycles"]
        user = [one["stats"][f"{LAYER}{layer}.cycles"] for layer in ("function", "runtime")]
        assert min(user) > 0, f"function and runtime spent {user}"
    assert sum(cycles for _, cycles in stacks[0]) == total, "the stacks do not sum to the windows"
    of_function = {frame for frames, _ in stacks[0] if frames[0] == "hart1" for frame in frames}
    for name in ("tcp_sendmsg", "tcp_recvmsg", "__schedule", "main.greeter.SayHello"):
        assert name in of_function, f"{name} is in no stack of the function's hart"
    assert any("tcp_v4_rcv" in frames for frames, _ in stacks[0]), "no segment was received"
    print(f"{PROFILED}: {total} cycles in {len(stacks[0])} stacks, all told whose", flush=True)


def test_verify(program, function):
    """What the guest computes under a model is what the fast engine computes in the same steps."""
    instructions = []
    for system in ["simple", DETAILED]:
        more = ["--system", system, "--settle", "1", "--invocations", "1", "--json"]
        ended = subprocess.run(
            [program, "verify", function, *more],
            stdout=subprocess.PIPE,
            timeout=SECOND_RUN_LIMIT,
            check=False,
        )
        assert ended.returncode == 0, f"{system}: status {ended.returncode}"
        instructions.append(json.loads(ended.stdout)["instructions"])
        assert instructions[-1] > 100_000, instructions
    print(f"{function}: state after {instructions} instructions verified", flush=True)


def replay(program, trace, system):
    with tempfile.TemporaryDirectory() as out:
        command = [program, "run", "--trace", trace, "--system", system, "--json", "--out", out]
        ended = subprocess.run(
            command, stdout=subprocess.PIPE, timeout=SECOND_RUN_LIMIT, check=False
        )
        assert ended.returncode == 0, f"{system}: status {ended.returncode}"
        return without_host(json.loads(ended.stdout))["invocations"]


def check_replayed(live, replayed, slack):
    assert len(live) == len(replayed), (len(live), len(replayed))
    for one, again in zip(live, replayed):
        for key in one if slack == 0 else ():
            # No reply is in a trace, and a live window closes within the instruction that sends it.
            if key not in ("reply", "latency_ns"):
                assert one[key] == again[key], (one["index"], key, one[key], again[key])
        for hart, same in zip(one["harts"], again["harts"]):
            counts = hart["instructions"], same["instructions"]
            assert abs(counts[0] - counts[1]) <= slack, (one["index"], hart["hart"], counts)


def test_trace(program, function):
    """A replay has the windows of the run: exactly on a core that does one instruction at a time, from the
    same start (how harts took turns while they warmed is in no trace)."""
    for system, settle, slack in [("simple", 0, 0), (DETAILED, 1, REORDER_BUFFER)]:
        more = ["--system", system, "--settle", str(settle)]
        live, _ = measured(program, function, more)
        with tempfile.TemporaryDirectory() as folder:
            trace = os.path.join(folder, "trace")
            subprocess.run(
                [program, "trace", function, *more, *COUNT, "--out", trace, "--json"],
                stdout=subprocess.DEVNULL,
                timeout=SECOND_RUN_LIMIT,
                check=True,
            )
            replayed = replay(program, trace, system)
            assert replay(program, trace, system) == replayed, "two replays differ"
        check_replayed(live["invocations"], replayed, slack)
    print(f"{function}: replayed windows are those of the run", flush=True)


def test_failures(program, function):
    """Requests that fail: exit status 1, and the reason is shown."""
    with tempfile.TemporaryDirectory() as out:
        # No invocation of any function is over in a millisecond at a tenth of the clock.
        command = command_line(
            program, function, out, "--timeout-ms", "1", "--set", "clock_mhz=250"
        )
        ended = subprocess.run(
            command, capture_output=True, timeout=SECOND_RUN_LIMIT, check=False, text=True
        )
        assert ended.returncode == 1, (ended.returncode, ended.stderr)
        assert "no reply" in ended.stderr, ended.stderr
    print(f"{function}: a late reply fails the run", flush=True)


# Writes three bytes of its first argument to standard output and one to standard error, counts 1000
# rounds between work_begin and work_end with the id 7, and exits with status 3 (RV64I, Linux).
PROGRAM = [
    0x01013403,  # ld s0, 16(sp)
    0x00100513, 0x00040593, 0x00300613, 0x04000893, 0x00000073,  # write(1, s0, 3)
    0x00200513, 0x00040593, 0x00100613, 0x04000893, 0x00000073,  # write(2, s0, 1)
    0x00700513, 0x00000593, 0xB400007B,  # work_begin(7, 0)
    0x3E800293, 0xFFF28293, 0xFE029EE3,  # 1000 rounds
    0x00700513, 0x00000593, 0xB600007B,  # work_end(7, 0)
    0x00300513, 0x05D00893, 0x00000073,  # exit(3)
]  # fmt: skip
WORK_BEGIN, WORK_END, NOP = 13, 19, 0x00000013
LINUX_SYSTEMS = ["simple", "skylake"]


def write_elf(folder, name, words):
    """A static executable of one segment (System V ABI, chapters 4 and 5)."""
    code = struct.pack(f"<{len(words)}I", *words)
    base, headers = 0x10000, 64 + 56
    size = headers + len(code)
    elf = b"\x7fELF\x02\x01\x01".ljust(16, b"\0")
    elf += struct.pack("<HHIQQQI6H", 2, 243, 1, base + headers, 64, 0, 4, 64, 56, 1, 0, 0, 0)
    elf += struct.pack("<II6Q", 1, 5, 0, base, base, size, size, 0x1000)
    path = os.path.join(folder, name)
    with open(path, "wb") as file:
        file.write(elf + code)
    return path


def exec_guest(program, elf, *more):
    command = [program, "exec", "--guest", elf, "--json", *more]
    ended = subprocess.run(
        command, stdout=subprocess.PIPE, timeout=FIRST_RUN_LIMIT, check=False
    )
    return json.loads(ended.stdout), ended.returncode


def check_marked(program, elf, system):
    arguments = ["--system", system, "--", "a'b\n"]
    document, status = exec_guest(program, elf, *arguments)
    assert status == 1 and document["exit_status"] == 3, (status, document["verdict"])
    assert document["stdout"] == "a'b" and document["stderr"] == "a", document["stdout"]
    (window,) = document["windows"]
    assert (window["work_id"], window["thread_id"], window["hart"]) == (7, 0, 1), window
    # The rounds and the markers; an instruction under way at an edge may count on either side.
    assert 2000 <= window["instructions"] <= 2010, window["instructions"]
    assert exec_guest(program, elf, *arguments) == (document, status), "two runs differ"
    return window["cpi"]


def test_linux_program(program, _):
    with tempfile.TemporaryDirectory() as folder:
        marked = write_elf(folder, "marked", PROGRAM)
        plain, crash, endless = list(PROGRAM), list(PROGRAM), list(PROGRAM)
        plain[WORK_BEGIN] = plain[WORK_END] = NOP
        crash[WORK_END] = 0  # no instruction
        endless[WORK_END] = 0x0000006F  # j .
        cpis = [f"{check_marked(program, marked, system):.3f}" for system in LINUX_SYSTEMS]
        document, status = exec_guest(program, write_elf(folder, "plain", plain), "abc")
        (window,) = document["windows"]
        assert status == 1 and window["work_id"] is None, window
        # exec and exit are in it, nothing of the rest of the guest.
        assert 10_000 < window["instructions"] < 2_000_000, window["instructions"]
        document, status = exec_guest(program, write_elf(folder, "crash", crash), "abc")
        assert (status, document["verdict"], document["signal"]) == (1, "killed", 4), document
        endless = write_elf(folder, "endless", endless)
        document, status = exec_guest(program, endless, "--max-instructions", "1000000", "abc")
        assert (status, document["verdict"], document["stdout"]) == (1, "timeout", "abc"), document
    print(f"Linux program: ok, CPI {', '.join(cpis)} on {', '.join(LINUX_SYSTEMS)}", flush=True)


# A function that comes with the program, given a request whose reply is expected to be another; and one
# that does not compile.
CHECKED = """
services:
  {name}:
    image: registry.vswarm:5000/{name}:latest
    container_name: function
    ports: ["50000:50051"]
    x-vswarm:
      protocol: grpc
      proto: protos/fibonacci.proto
      method: fibonacci.Greeter/SayHello
      payload: {{ name: "10" }}
      expect: {{ field: message, contains: "output: 55 |" }}
      payloads:
        n100: {{ payload: {{ name: "100" }}, expect: {{ field: message, contains: "5075 |" }} }}
        wrong: {{ payload: {{ name: "10" }}, expect: {{ field: message, contains: "output: 56 |" }} }}
      build: {{ runtime: {runtime} }}
  broken:
    image: registry.vswarm:5000/broken:latest
    ports: ["50000:1"]
    x-vswarm: {{ protocol: http, build: {{ runtime: go }} }}
"""


def write_checked_functions(folder, name):
    tree = os.path.join(os.path.dirname(__file__), "../..")
    shutil.copytree(os.path.join(tree, "protos"), os.path.join(folder, "protos"))
    shutil.copytree(os.path.join(tree, "functions", name), os.path.join(folder, name))
    os.mkdir(os.path.join(folder, "broken"))
    with open(os.path.join(folder, "broken/main.go"), "w", encoding="utf-8") as file:
        file.write("package main\n\nfunc main() { undefined_name() }\n")
    path = os.path.join(folder, "functions.yaml")
    with open(path, "w", encoding="utf-8") as file:
        file.write(CHECKED.format(name=name, runtime=name.rsplit("-", 1)[1]))
    return path


def test_functions_check(program, function):
    """Every payload is sent; what fails is named, with the reason, and stops nothing else."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_checked_functions(folder, function)
        command = [program, "functions", "check", "--all", "--functions", path, "--json"]
        ended = subprocess.run(
            command, stdout=subprocess.PIPE, timeout=FIRST_RUN_LIMIT, check=False
        )
    assert ended.returncode == 1, ended.returncode
    document = json.loads(ended.stdout)
    broken, checked = document["functions"]
    assert not broken["ok"] and "undefined_name" in broken["error"], broken
    passed = {payload["name"]: payload["ok"] for payload in checked["payloads"]}
    assert passed == {"default": True, "n100": True, "wrong": False}, checked
    reason = checked["payloads"][2]["error"]
    assert "output: 56 |" in reason and f"{function} listens" in reason, reason
    counts = checked["payloads"][1]["instructions"]
    assert 10_000 < counts["warm"] < 1_000_000_000, counts
    assert document["summary"] == {"checked": 2, "failed": 2}, document["summary"]
    print(f"{function}: right and wrong replies are told apart, a broken one does not matter", flush=True)


# Runtimes that no measured function here has, and one that asks a database and a cache.
SUITE = ["fibonacci-java", "fibonacci-rust", "rate"]


def check_functions(program, functions, jobs):
    """What `functions check` tells of functions that must all pass."""
    ended = subprocess.run(
        [program, "functions", "check", *functions, "--json", "--jobs", str(jobs)],
        stdout=subprocess.PIPE,
        timeout=len(functions) * FIRST_RUN_LIMIT,
        check=False,
    )
    document = json.loads(ended.stdout)
    wrong = [function for function in document["functions"] if not function["ok"]]
    assert ended.returncode == 0 and not wrong, wrong
    assert [function["name"] for function in document["functions"]] == functions, document["functions"]
    return document["functions"]


def test_suite(program, _):
    """Functions of the other runtimes, and one with services behind it, reply as they should, alone or at a time."""
    together = check_functions(program, SUITE, jobs=2)
    alone = check_functions(program, SUITE[1:], jobs=1)
    assert together[1:] == alone, (together, alone)
    print(f"{', '.join(SUITE)}: every payload has the reply it should", flush=True)


def main():
    program, functions = sys.argv[1], sys.argv[2:]
    tests = [(test, function) for function in functions]
    tests += [(test_failures, functions[0]), (test_resilience, functions[-1])]
    for one in (test_detailed, test_lukewarm, test_interleaved, test_cold, test_verify, test_trace):
        tests.append((one, functions[-1]))
    tests += [(test_profile, PROFILED), (test_linux_program, "Linux program"), (test_functions_check, functions[-1])]
    tests.append((test_suite, "suite"))
    failed = 0
    for one, function in tests:
        try:
            one(program, function)
        except (AssertionError, subprocess.SubprocessError, ValueError, KeyError, OSError) as error:
            print(f"{function}: {one.__name__} FAILED: {error}", flush=True)
            failed += 1
    print(f"whole system: {len(tests) - failed} passed, {failed} failed")
    sys.exit(1 if failed else 0)


main()
