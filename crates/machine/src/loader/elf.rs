//! Bare-metal ELF files (System V gABI chapters 4 and 5; RISC-V ELF psABI).
//!
//! Segments go to their physical addresses. One kind of segment may lie outside RAM and is then left
//! out: the read-only one that linkers make of the file's own headers and notes, far from a program
//! that was placed with `-Ttext`. Symbols are read for the names that the test
//! conventions use; a file without a symbol table has none of them.

use super::LoadError;
use object::elf::{ELFCLASS64, ELFDATA2LSB, EM_RISCV, ET_EXEC, FileHeader64, PF_W, PF_X, PT_LOAD};
use object::read::elf::{FileHeader, ProgramHeader, Sym};
use object::{LittleEndian, elf};
use ram::Ram;
use std::ops::Range;

type Header = FileHeader64<LittleEndian>;
const LE: LittleEndian = LittleEndian;

/// An ELF file that was checked and can be loaded.
#[derive(Debug)]
pub struct Elf<'data> {
    entry: u64,
    segments: Vec<Segment<'data>>,
    symbols: Symbols,
}

/// Addresses of the symbols that test programs agree on with their host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Symbols {
    /// Where the program writes commands for the host.
    pub tohost: Option<u64>,
    /// Where the host answers.
    pub fromhost: Option<u64>,
    /// First byte of the signature.
    pub begin_signature: Option<u64>,
    /// End of the signature, exclusive.
    pub end_signature: Option<u64>,
}

#[derive(Debug)]
struct Segment<'data> {
    start: u64,
    size: u64,
    bytes: &'data [u8],
    /// Begins with the file's header and is only for reading.
    is_headers: bool,
}

impl<'data> Elf<'data> {
    /// Reads and checks the headers, segments and symbols of `file`.
    pub fn parse(file: &'data [u8]) -> Result<Self, LoadError> {
        check_kind(file)?;
        let header =
            Header::parse(file).map_err(|cause| broken("its header cannot be read", cause))?;
        let segments = segments(header, file)?;
        let entry = header.e_entry(LE);
        if segments.is_empty() {
            return Err(LoadError::NothingToLoad);
        }
        let holds = |segment: &Segment<'_>| entry.wrapping_sub(segment.start) < segment.size;
        if !segments.iter().any(holds) {
            return Err(LoadError::EntryOutside { entry });
        }
        Ok(Self { entry, segments, symbols: symbols(header, file)? })
    }

    /// Physical address of the first instruction.
    #[must_use]
    pub fn entry(&self) -> u64 {
        self.entry
    }

    /// The symbols of the test conventions.
    #[must_use]
    pub fn symbols(&self) -> &Symbols {
        &self.symbols
    }

    /// Physical addresses that the segments occupy, in file order.
    pub fn ranges(&self) -> impl Iterator<Item = Range<u64>> {
        self.segments.iter().map(|segment| segment.start..segment.start + segment.size)
    }

    /// Copies the segments into RAM and zeroes what the file leaves to be zero. Nothing is written
    /// unless every segment fits (or is one of headers, see above).
    pub fn load(&self, ram: &mut Ram) -> Result<(), LoadError> {
        let fits = |segment: &&Segment<'_>| ram.offset(segment.start, segment.size).is_some();
        let (inside, others): (Vec<_>, Vec<_>) = self.segments.iter().partition(fits);
        if let Some(segment) = others.iter().find(|segment| !segment.is_headers) {
            return Err(outside(segment, ram));
        }
        for segment in inside {
            let zeroes = vec![0; segment.size as usize - segment.bytes.len()];
            ram.write(segment.start, segment.bytes)
                .and_then(|()| ram.write(segment.start + segment.bytes.len() as u64, &zeroes))
                .map_err(|_| outside(segment, ram))?;
        }
        Ok(())
    }
}

fn outside(segment: &Segment<'_>, ram: &Ram) -> LoadError {
    let &Segment { start, size, .. } = segment;
    LoadError::SegmentOutsideRam { start, size, ram_size: ram.size() }
}

fn broken(what: &'static str, cause: impl ToString) -> LoadError {
    LoadError::BrokenElf { what, cause: cause.to_string() }
}

/// Looks at the identification bytes and the fixed-place fields, so that a file of another kind is
/// called that and not damaged.
fn check_kind(file: &[u8]) -> Result<(), LoadError> {
    if !file.starts_with(&elf::ELFMAG) {
        return Err(LoadError::NotElf);
    }
    let wrong = |found: String| Err(LoadError::WrongElf { found });
    let ident = file.get(..20).ok_or_else(|| broken("its header is incomplete", "end of file"))?;
    if ident[4] != ELFCLASS64.0 {
        return wrong("not a 64-bit file".into());
    }
    if ident[5] != ELFDATA2LSB.0 {
        return wrong("not a little-endian file".into());
    }
    let half = |at: usize| u16::from_le_bytes([ident[at], ident[at + 1]]);
    if half(18) != EM_RISCV.0 {
        return wrong(format!("for machine number {} (RISC-V is {})", half(18), EM_RISCV.0));
    }
    if half(16) != ET_EXEC.0 {
        return wrong(format!(
            "of type {} (a fixed-address executable is {})",
            half(16),
            ET_EXEC.0
        ));
    }
    Ok(())
}

fn segments<'data>(header: &Header, file: &'data [u8]) -> Result<Vec<Segment<'data>>, LoadError> {
    let headers = header
        .program_headers(LE, file)
        .map_err(|cause| broken("its program headers cannot be read", cause))?;
    let mut segments = Vec::new();
    for program in headers.iter().filter(|program| program.p_type(LE) == PT_LOAD) {
        let (start, size) = (program.p_paddr(LE), program.p_memsz(LE));
        let bytes = program.data(LE, file).map_err(|()| {
            broken("a segment lies beyond its end", format!("segment at {start:#x}"))
        })?;
        if bytes.len() as u64 > size || start.checked_add(size).is_none() {
            return Err(broken("a segment has impossible sizes", format!("segment at {start:#x}")));
        }
        if size > 0 {
            let flags = program.p_flags(LE);
            let is_headers = program.p_offset(LE) == 0 && flags.0 & (PF_W.0 | PF_X.0) == 0;
            segments.push(Segment { start, size, bytes, is_headers });
        }
    }
    Ok(segments)
}

fn symbols(header: &Header, file: &[u8]) -> Result<Symbols, LoadError> {
    let unreadable = |cause: object::Error| broken("its symbols cannot be read", cause);
    let sections = header.sections(LE, file).map_err(unreadable)?;
    let table = sections.symbols(LE, file, elf::SHT_SYMTAB).map_err(unreadable)?;
    let mut found = Symbols::default();
    for symbol in table.symbols() {
        let slot = match symbol.name(LE, table.strings()).map_err(unreadable)? {
            b"tohost" => &mut found.tohost,
            b"fromhost" => &mut found.fromhost,
            b"begin_signature" => &mut found.begin_signature,
            b"end_signature" => &mut found.end_signature,
            _ => continue,
        };
        if symbol.st_shndx(LE) != elf::SHN_UNDEF {
            *slot = Some(symbol.st_value(LE));
        }
    }
    Ok(found)
}
