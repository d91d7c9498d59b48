//! The program that starts the user's program in the guest and marks its beginning and end.
//!
//! A child waits a while, so that the shell that started everything is out of the way, and becomes
//! the program; its parent waits for it, on the same hart. Both tell the simulator with gem5's
//! `work_begin` and `work_end`, whose first argument is [`MARK`]:
//!
//! | marker | where | second argument |
//! |---|---|---|
//! | begin | in the child, four instructions before the `ecall` of `execve` | 0 |
//! | end | in the child, if `execve` returned | the error, negative |
//! | end | in the parent, two instructions after `wait4` returned | the status it gave |
//!
//! Between begin and end lie therefore `execve`, the program, its exit, the switch to the parent and
//! the return from `wait4`: what a shell's `time` would see, and nothing of fork.

/// First argument of the launcher's markers, which no program is expected to use.
pub(super) const MARK: u64 = 0x7673_5000;

/// Where it is loaded.
const BASE: u64 = 0x1_0000;
const EHDR: usize = 64;
const PHDR: usize = 56;

/// Code (RV64I, system calls of Linux) and its meaning, which a test compares. `argv[1]` on is the
/// program's argument list.
#[rustfmt::skip]
const CODE: [(u32, &str); 47] = [
    (0x0001_3403, "ld s0,0(sp)"),
    (0x0101_0493, "addi s1,sp,16"),
    (0x0034_1913, "slli s2,s0,0x3"),
    (0x0099_0933, "add s2,s2,s1"),
    (0x7673_59b7, "lui s3,0x76735"),
    (0xfe01_0113, "addi sp,sp,-32"),
    (0x0110_0513, "addi a0,zero,17"),
    (0x0000_0593, "addi a1,zero,0"),
    (0x0000_0613, "addi a2,zero,0"),
    (0x0000_0693, "addi a3,zero,0"),
    (0x0000_0713, "addi a4,zero,0"),
    (0x0dc0_0893, "addi a7,zero,220"),
    (0x0000_0073, "ecall"),
    (0x0405_1e63, "bne a0,zero,0x10108"),
    (0x0131_32b7, "lui t0,0x1313"),
    (0xd002_8293, "addi t0,t0,-768"),
    (0x0001_3023, "sd zero,0(sp)"),
    (0x0051_3423, "sd t0,8(sp)"),
    (0x0001_0513, "addi a0,sp,0"),
    (0x0000_0593, "addi a1,zero,0"),
    (0x0650_0893, "addi a7,zero,101"),
    (0x0000_0073, "ecall"),
    (0x0009_8513, "addi a0,s3,0"),
    (0x0000_0593, "addi a1,zero,0"),
    (0xb400_007b, "m5op 0x5a"),
    (0x0004_b503, "ld a0,0(s1)"),
    (0x0004_8593, "addi a1,s1,0"),
    (0x0009_0613, "addi a2,s2,0"),
    (0x0dd0_0893, "addi a7,zero,221"),
    (0x0000_0073, "ecall"),
    (0x0005_0593, "addi a1,a0,0"),
    (0x0009_8513, "addi a0,s3,0"),
    (0xb600_007b, "m5op 0x5b"),
    (0x07f0_0513, "addi a0,zero,127"),
    (0x05d0_0893, "addi a7,zero,93"),
    (0x0000_0073, "ecall"),
    (0x0101_0593, "addi a1,sp,16"),
    (0x0000_0613, "addi a2,zero,0"),
    (0x0000_0693, "addi a3,zero,0"),
    (0x1040_0893, "addi a7,zero,260"),
    (0x0000_0073, "ecall"),
    (0x0101_2583, "lw a1,16(sp)"),
    (0x0009_8513, "addi a0,s3,0"),
    (0xb600_007b, "m5op 0x5b"),
    (0x0000_0513, "addi a0,zero,0"),
    (0x05d0_0893, "addi a7,zero,93"),
    (0x0000_0073, "ecall"),
];

/// The launcher as an ELF executable (System V ABI, chapters 4 and 5): one segment, no sections.
pub(super) fn elf() -> Vec<u8> {
    let headers = EHDR + PHDR;
    let len = (headers + 4 * CODE.len()) as u64;
    let mut out = b"\x7fELF\x02\x01\x01".to_vec();
    out.resize(16, 0);
    for half in [2_u16, 243] {
        out.extend(half.to_le_bytes()); // executable, RISC-V
    }
    out.extend(1_u32.to_le_bytes());
    for word in [BASE + headers as u64, EHDR as u64, 0] {
        out.extend(word.to_le_bytes()); // entry, program headers, no section headers
    }
    out.extend(4_u32.to_le_bytes()); // the ABI of double floats, as everything in the guest
    for half in [EHDR as u16, PHDR as u16, 1, 0, 0, 0] {
        out.extend(half.to_le_bytes());
    }
    for word in [1_u32, 5] {
        out.extend(word.to_le_bytes()); // load; read and execute
    }
    for word in [0, BASE, BASE, len, len, 0x1000] {
        out.extend(word.to_le_bytes());
    }
    out.extend(CODE.iter().flat_map(|(word, _)| word.to_le_bytes()));
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_the_instruction_beside_it() {
        for (index, (word, text)) in CODE.iter().enumerate() {
            let pc = BASE + (EHDR + PHDR + 4 * index) as u64;
            let inst = isa::decode(*word).unwrap();
            assert_eq!(isa::disassemble(&inst, pc), *text, "instruction {index}");
        }
    }

    #[test]
    fn its_markers_carry_the_mark() {
        let marks = CODE.iter().filter(|(_, text)| *text == "lui s3,0x76735").count();
        assert_eq!((marks, MARK), (1, 0x76735 << 12));
    }

    #[test]
    fn it_is_a_program_like_those_it_starts() {
        let image = super::super::elf::inspect(&elf()).unwrap();
        assert_eq!(image.interpreter, None);
        assert_eq!(elf().len(), EHDR + PHDR + 4 * CODE.len());
    }
}
