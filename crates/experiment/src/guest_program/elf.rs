//! Whether a file is a program that Linux on RV64 can be expected to start (System V ABI, chapters 4
//! and 5). What only the kernel can judge is left to it.

/// What of a program matters before it is started.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Image {
    /// The dynamic linker it asks for.
    pub interpreter: Option<String>,
}

const EHDR: usize = 64;
const PHDR: usize = 56;
const ET_EXEC: u16 = 2;
const ET_DYN: u16 = 3;
const EM_RISCV: u16 = 243;
const PT_LOAD: u32 = 1;
const PT_INTERP: u32 = 3;

/// Looks at the headers; what is wrong, in words.
pub(super) fn inspect(file: &[u8]) -> Result<Image, String> {
    if !file.starts_with(b"\x7fELF") {
        return Err("it is no ELF file; compile the program for riscv64 Linux".to_owned());
    }
    let cut = || "the file is truncated; copy it again".to_owned();
    let header = file.get(..EHDR).ok_or_else(cut)?;
    let half = |at: usize| u16::from_le_bytes([header[at], header[at + 1]]);
    if (header[4], header[5]) != (2, 1) || half(18) != EM_RISCV {
        return Err(format!(
            "it is a program for {}, not for 64-bit RISC-V; compile it with a riscv64-linux compiler",
            machine(half(18), header[4])
        ));
    }
    if ![ET_EXEC, ET_DYN].contains(&half(16)) {
        return Err("it is an object file or core dump, not an executable; link it".to_owned());
    }
    let (start, count) = (offset(header, 32), usize::from(half(56)));
    let size = count.checked_mul(PHDR);
    let end = start.zip(size).and_then(|(start, size)| start.checked_add(size));
    let table = start.zip(end).and_then(|(start, end)| file.get(start..end)).ok_or_else(cut)?;
    let mut image = Image { interpreter: None };
    let mut loads = 0;
    for entry in table.chunks_exact(PHDR) {
        match u32::from_le_bytes(std::array::from_fn(|i| entry[i])) {
            PT_LOAD => {
                content(file, entry).ok_or_else(cut)?;
                loads += 1;
            }
            PT_INTERP => {
                let name = content(file, entry).ok_or_else(cut)?;
                let name = name.split(|&byte| byte == 0).next().unwrap_or_default();
                image.interpreter = Some(String::from_utf8_lossy(name).into_owned());
            }
            _ => {}
        }
    }
    if loads == 0 {
        return Err("it has nothing to load; link it as an executable".to_owned());
    }
    Ok(image)
}

/// The part of the file that a program header names.
fn content<'a>(file: &'a [u8], entry: &[u8]) -> Option<&'a [u8]> {
    let (start, len) = (offset(entry, 8)?, offset(entry, 32)?);
    file.get(start..start.checked_add(len)?)
}

fn offset(bytes: &[u8], at: usize) -> Option<usize> {
    usize::try_from(u64::from_le_bytes(std::array::from_fn(|i| bytes[at + i]))).ok()
}

fn machine(number: u16, class: u8) -> String {
    match (number, class) {
        (3, _) => "x86 (32 bits)".to_owned(),
        (40, _) => "Arm (32 bits)".to_owned(),
        (62, _) => "x86-64".to_owned(),
        (183, _) => "AArch64".to_owned(),
        (EM_RISCV, 1) => "32-bit RISC-V".to_owned(),
        _ => format!("machine {number}"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::launcher;
    use super::*;

    #[test]
    fn programs_for_other_machines_are_named() {
        let mut file = launcher::elf();
        file[18] = 62;
        assert!(inspect(&file).unwrap_err().contains("x86-64"));
        let mut file = launcher::elf();
        file[4] = 1;
        assert!(inspect(&file).unwrap_err().contains("32-bit RISC-V"));
    }

    #[test]
    fn what_is_no_whole_executable_is_refused_with_the_reason() {
        assert!(inspect(b"#!/bin/sh\n").unwrap_err().contains("no ELF"));
        let whole = launcher::elf();
        for len in [4, 63, 100, whole.len() - 1] {
            assert!(inspect(&whole[..len]).unwrap_err().contains("truncated"), "{len} bytes");
        }
        let mut object = whole.clone();
        object[16] = 1;
        assert!(inspect(&object).unwrap_err().contains("link"));
        let mut empty = whole;
        empty[EHDR] = 6;
        assert!(inspect(&empty).unwrap_err().contains("nothing to load"));
    }

    #[test]
    fn offsets_beyond_all_memory_are_truncation_not_a_panic() {
        for at in [32, EHDR + 8, EHDR + 32] {
            let mut file = launcher::elf();
            file[at..at + 8].fill(0xff);
            assert!(inspect(&file).unwrap_err().contains("truncated"), "{at}");
        }
    }

    #[test]
    fn the_dynamic_linker_is_read() {
        let mut file = launcher::elf();
        file[56] = 2;
        let at = EHDR + PHDR;
        file.splice(at..at, [0; PHDR]);
        let name = file.len() as u64;
        file[at] = 3;
        file[at + 8..at + 16].copy_from_slice(&name.to_le_bytes());
        file[at + 32..at + 40].copy_from_slice(&8_u64.to_le_bytes());
        file.extend(b"/lib/ld\0");
        assert_eq!(inspect(&file).unwrap().interpreter.as_deref(), Some("/lib/ld"));
    }
}
