#!/usr/bin/env python3
"""Speed of fast mode.

usage: fast.py [boot]

Host instructions per guest instruction come from valgrind and do not depend on how busy the host is:
the same program is run with two limits, so what starting costs drops out. Million guest instructions
a second depend on it. `boot` boots the built guest to its container engine on our machine and in
QEMU, one after the other, and compares.
"""
import json
import os
import re
import resource
import shutil
import struct
import subprocess
import sys
import tempfile
import time

PROGRAM = "target/release/vswarm-u"
BASE = 0x80000000
READY = b"vswarm-init: dockerd at"
BOOT_LIMIT = 900


def elf(words):
    """A bare-metal executable: one segment of code, data behind it."""
    code = b"".join(struct.pack("<I", word) for word in words)
    size = 1 << 20
    header = b"\x7fELF\x02\x01\x01" + bytes(9)
    header += struct.pack("<HHIQQQIHHHHHH", 2, 243, 1, BASE, 64, 0, 5, 64, 56, 1, 64, 0, 0)
    segment = struct.pack("<IIQQQQQQ", 1, 7, 120, BASE, BASE, len(code), size, 4096)
    return header + segment + code


def i(opcode, funct3, rd, rs1, imm):
    return (imm & 0xFFF) << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode


def r(funct7, funct3, rd, rs1, rs2):
    return funct7 << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | 0x33


def s(funct3, rs1, rs2, imm):
    return (imm >> 5 & 0x7F) << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | (imm & 0x1F) << 7 | 0x23


def b(funct3, rs1, rs2, offset):
    return (
        (offset >> 12 & 1) << 31 | (offset >> 5 & 0x3F) << 25 | rs2 << 20 | rs1 << 15
        | funct3 << 12 | (offset >> 1 & 0xF) << 8 | (offset >> 11 & 1) << 7 | 0x63
    )


def mixed_loop():
    """An endless loop: loads, stores, arithmetic, a taken and a not taken branch."""
    body = [
        i(0x03, 3, 10, 5, 0),       # ld a0, 0(t0)
        i(0x13, 0, 10, 10, 3),      # addi a0, a0, 3
        r(0x01, 0, 11, 10, 10),     # mul a1, a0, a0
        r(0x00, 4, 12, 12, 11),     # xor a2, a2, a1
        i(0x13, 5, 13, 12, 7),      # srli a3, a2, 7
        s(3, 5, 13, 8),             # sd a3, 8(t0)
        i(0x13, 0, 6, 6, 1),        # addi t1, t1, 1
        b(0, 10, 0, 8),             # beq a0, zero, +8 (hardly ever)
        i(0x03, 4, 14, 5, 8),       # lbu a4, 8(t0)
        r(0x20, 0, 15, 14, 6),      # sub a5, a4, t1
    ]
    start = [0x00010297]            # auipc t0, 16: data behind the code
    words = start + body
    words.append(b(1, 6, 0, -4 * len(body)))  # bne t1, zero, back
    return words


def limited(elf_path, instructions, prefix=()):
    command = [*prefix, PROGRAM, "exec", elf_path, "--max-instructions", str(instructions)]
    ended = subprocess.run(command, capture_output=True, check=False)
    if ended.returncode != 2:  # the loop never ends, so the limit ends it
        raise SystemExit(f"{command}: status {ended.returncode}\n{ended.stderr.decode()}")
    return ended.stderr.decode()


def host_instructions(elf_path, instructions):
    with tempfile.TemporaryDirectory() as folder:
        out = os.path.join(folder, "callgrind.out")
        prefix = ["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}"]
        text = limited(elf_path, instructions, prefix)
    return int(re.search(r"Collected : (\d+)", text).group(1))


def engine(elf_path):
    if shutil.which("valgrind"):
        few, many = 2_000_000, 12_000_000
        host = host_instructions(elf_path, many) - host_instructions(elf_path, few)
        print(f"host instructions per guest instruction: {host / (many - few):.2f}")
    else:
        print("host instructions per guest instruction: skipped, valgrind is not installed")
    wall, processor = (max(best) for best in zip(*(speeds(elf_path) for _ in range(3))))
    print(
        f"bare-metal loop, best of 3: {wall:.0f} million instructions a second of wall time, "
        f"{processor:.0f} of processor time"
    )


def speeds(elf_path):
    """Million instructions a second of wall time and of processor time."""
    millions = 200
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    limited(elf_path, millions * 1_000_000)
    wall, after = time.monotonic() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    processor = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return millions / wall, millions / processor


def until_ready(command, name):
    """Seconds from start until the guest says that its container engine is up."""
    start = time.monotonic()
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as child:
        seen = b""
        try:
            while READY not in seen:
                chunk = os.read(child.stdout.fileno(), 65536)
                if not chunk or time.monotonic() - start > BOOT_LIMIT:
                    raise SystemExit(f"{name} did not get to {READY.decode()!r}:\n{seen[-2000:]!r}")
                seen = seen[-100:] + chunk
            seconds = time.monotonic() - start
        finally:
            child.kill()
    print(f"{name}: container engine up after {seconds:.1f} s")
    return seconds


def boot():
    subprocess.run([PROGRAM, "guest", "build"], check=True, stdout=subprocess.DEVNULL)
    info = json.loads(subprocess.check_output([PROGRAM, "guest", "info", "--json"]))["guest"]
    args = "console=ttyS0 isolcpus=1 panic=-1 random.trust_bootloader=on cryptomgr.notests"
    example = ["cargo", "build", "--release", "-q", "-p", "machine", "--example", "boot"]
    subprocess.run(example, check=True)
    os.environ["BOOTARGS"] = args
    ours = until_ready(
        ["target/release/examples/boot", info["kernel"], info["initrd"], info["disk"], "600"],
        "vswarm-u",
    )
    if not shutil.which("qemu-system-riscv64"):
        print("QEMU: skipped, qemu-system-riscv64 is not installed")
        return
    with tempfile.TemporaryDirectory() as folder:
        disk = os.path.join(folder, "disk.qcow2")
        backing = ["-b", os.path.abspath(info["disk"]), "-F", "raw"]
        if shutil.which("qemu-img"):
            subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", *backing, disk], check=True)
            drive = f"file={disk},format=qcow2,id=d,if=none"
        else:
            drive = f"file={info['disk']},format=raw,id=d,if=none,snapshot=on"
        qemu = until_ready(
            [
                "qemu-system-riscv64", "-M", "virt", "-smp", "2", "-m", "3G", "-nographic",
                "-no-reboot", "-kernel", info["kernel"], "-initrd", info["initrd"],
                "-append", args, "-drive", drive, "-device", "virtio-blk-device,drive=d",
                "-netdev", "user,id=n", "-device", "virtio-net-device,netdev=n",
                "-device", "virtio-serial-device", "-device", "virtconsole,chardev=c",
                "-chardev", "null,id=c",
            ],
            "QEMU",
        )
    print(f"vswarm-u takes {ours / qemu:.2f} times as long as QEMU (limit: 4)")


def main():
    with tempfile.NamedTemporaryFile(suffix=".elf") as file:
        file.write(elf(mixed_loop()))
        file.flush()
        engine(file.name)
    if "boot" in sys.argv[1:]:
        boot()


main()
