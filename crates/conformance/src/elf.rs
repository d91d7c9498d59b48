//! Writes static RV64 executables: program segments and a symbol table (System V ABI, chapters 4 and 5;
//! RISC-V ELF psABI).

/// Bytes loaded at a physical address.
#[derive(Clone, Debug)]
pub struct Segment {
    /// First address.
    pub address: u64,
    /// Content.
    pub bytes: Vec<u8>,
}

const EHDR: usize = 64;
const PHDR: usize = 56;
const SHDR: usize = 64;
const SYM: usize = 24;

fn put(out: &mut Vec<u8>, bytes: impl AsRef<[u8]>) {
    out.extend_from_slice(bytes.as_ref());
}

/// An executable that starts at `entry`, made of `segments`, with absolute `symbols`.
#[must_use]
pub fn write(entry: u64, segments: &[Segment], symbols: &[(&str, u64)]) -> Vec<u8> {
    let mut names = vec![0];
    let mut table = vec![0; SYM];
    for (name, value) in symbols {
        put(&mut table, (names.len() as u32).to_le_bytes());
        put(&mut table, [0x10, 0]); // global, no type
        put(&mut table, 0xfff1_u16.to_le_bytes()); // absolute
        put(&mut table, value.to_le_bytes());
        put(&mut table, 0_u64.to_le_bytes());
        put(&mut names, name.as_bytes());
        names.push(0);
    }
    let data = EHDR + PHDR * segments.len();
    let data_len: usize = segments.iter().map(|s| s.bytes.len()).sum();
    let table_at = (data + data_len).next_multiple_of(8);
    let names_at = table_at + table.len();
    let sections_at = (names_at + names.len()).next_multiple_of(8);

    let mut out = header(entry, segments.len() as u16, sections_at as u64);
    let mut at = data as u64;
    for segment in segments {
        program_header(&mut out, segment, at);
        at += segment.bytes.len() as u64;
    }
    for segment in segments {
        put(&mut out, &segment.bytes);
    }
    out.resize(table_at, 0);
    put(&mut out, &table);
    put(&mut out, &names);
    out.resize(sections_at + SHDR, 0); // after the null section
    section_header(&mut out, 2, table_at, table.len(), 2, SYM);
    section_header(&mut out, 3, names_at, names.len(), 0, 0);
    out
}

fn header(entry: u64, segments: u16, sections_at: u64) -> Vec<u8> {
    let mut out = b"\x7fELF\x02\x01\x01".to_vec();
    out.resize(16, 0);
    put(&mut out, 2_u16.to_le_bytes()); // executable
    put(&mut out, 243_u16.to_le_bytes()); // RISC-V
    put(&mut out, 1_u32.to_le_bytes());
    put(&mut out, entry.to_le_bytes());
    put(&mut out, (EHDR as u64).to_le_bytes());
    put(&mut out, sections_at.to_le_bytes());
    put(&mut out, 5_u32.to_le_bytes()); // compressed instructions, double-float ABI
    for half in [EHDR as u16, PHDR as u16, segments, SHDR as u16, 3, 2] {
        put(&mut out, half.to_le_bytes());
    }
    out
}

fn program_header(out: &mut Vec<u8>, segment: &Segment, at: u64) {
    put(out, 1_u32.to_le_bytes()); // load
    put(out, 7_u32.to_le_bytes()); // read, write, execute
    let len = segment.bytes.len() as u64;
    for word in [at, segment.address, segment.address, len, len, 1] {
        put(out, word.to_le_bytes());
    }
}

/// A section header; `link` is the string table of a symbol table, whose first symbol is global.
fn section_header(out: &mut Vec<u8>, kind: u32, at: usize, len: usize, link: u32, entry: usize) {
    put(out, 0_u32.to_le_bytes());
    put(out, kind.to_le_bytes());
    for word in [0, 0, at as u64, len as u64] {
        put(out, word.to_le_bytes());
    }
    put(out, link.to_le_bytes());
    put(out, 1_u32.to_le_bytes());
    put(out, 8_u64.to_le_bytes());
    put(out, (entry as u64).to_le_bytes());
}
