//! The layout of the kernel's structures, from its BPF type format (Linux, Documentation/bpf/btf.rst).
//!
//! Only what is needed to find the members of a structure is read: names, members, and what lies between
//! them. Members of structures without a name count as those of the one around them, as in C.

use std::collections::BTreeMap;

const MAGIC: u16 = 0xeb9f;
const STRUCT: u32 = 4;
const UNION: u32 = 5;
/// Deeper nesting than any kernel's.
const DEEPEST: u32 = 8;

/// Type information that has been read.
pub(crate) struct Btf<'a> {
    strings: &'a [u8],
    /// Structures and unions, by type number.
    structures: BTreeMap<u32, Structure<'a>>,
}

struct Structure<'a> {
    name: u32,
    /// Three words each: name, type, offset.
    members: &'a [u8],
    /// Offsets share their word with the width of a bit field.
    bit_fields: bool,
}

/// A little-endian word of `bytes`.
fn word(bytes: &[u8], at: usize) -> Option<u32> {
    let bytes = bytes.get(at..)?.first_chunk()?;
    Some(u32::from_le_bytes(*bytes))
}

/// Bytes that follow the three words of a type of such a kind, with so many parts.
fn extra(kind: u32, parts: usize) -> Option<usize> {
    Some(match kind {
        // Pointers, forward declarations, typedefs, qualifiers, functions, floats, type tags.
        2 | 7..=12 | 16 | 18 => 0,
        // Integers, variables, declaration tags.
        1 | 14 | 17 => 4,
        // Arrays.
        3 => 12,
        // Structures, unions, sections, enumerations of 64 bits.
        STRUCT | UNION | 15 | 19 => parts * 12,
        // Enumerations, prototypes.
        6 | 13 => parts * 8,
        _ => return None,
    })
}

impl<'a> Btf<'a> {
    /// Reads type information; `None` if it is not of a form that is known.
    pub(crate) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let magic = u16::from_le_bytes(*bytes.first_chunk()?);
        let header = word(bytes, 4)? as usize;
        let section = |at: usize| {
            let start = header.checked_add(word(bytes, at)? as usize)?;
            bytes.get(start..start.checked_add(word(bytes, at + 4)? as usize)?)
        };
        let (types, strings) = (section(8)?, section(16)?);
        let mut read = Self { strings, structures: BTreeMap::new() };
        let (mut at, mut number) = (0, 0);
        while at < types.len() && magic == MAGIC {
            number += 1;
            let (name, info) = (word(types, at)?, word(types, at + 4)?);
            let (kind, parts) = (info >> 24 & 0x1f, (info & 0xffff) as usize);
            let start = at + 12;
            at = start + extra(kind, parts)?;
            let members = types.get(start..at)?;
            if kind == STRUCT || kind == UNION {
                let structure = Structure { name, members, bit_fields: info >> 31 != 0 };
                read.structures.insert(number, structure);
            }
        }
        (magic == MAGIC).then_some(read)
    }

    fn is_named(&self, offset: u32, name: &str) -> bool {
        let string = self.strings.get(offset as usize..).unwrap_or_default();
        string.strip_prefix(name.as_bytes()).is_some_and(|rest| rest.first() == Some(&0))
    }

    /// The offset in bytes of a member of a structure.
    pub(crate) fn offset(&self, structure: &str, member: &str) -> Option<u64> {
        let mut named = self.structures.values().filter(|one| self.is_named(one.name, structure));
        named.find_map(|one| self.offset_in(one, member, DEEPEST)).map(|bits| u64::from(bits) / 8)
    }

    /// The offset in bits of a member.
    fn offset_in(&self, structure: &Structure<'_>, member: &str, depth: u32) -> Option<u32> {
        structure.members.chunks_exact(12).find_map(|part| {
            let (name, of, offset) = (word(part, 0)?, word(part, 4)?, word(part, 8)?);
            let offset = if structure.bit_fields { offset & 0x00ff_ffff } else { offset };
            if self.is_named(name, member) {
                return Some(offset);
            }
            let inner = self.structures.get(&of).filter(|_| self.is_named(name, ""))?;
            let inside = self.offset_in(inner, member, depth.checked_sub(1)?)?;
            offset.checked_add(inside)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(words: &[u32]) -> Vec<u8> {
        words.iter().flat_map(|word| word.to_le_bytes()).collect()
    }

    /// `int`, then `struct task { int pid; struct { int tgid; }; int flag : 3; }` with the flag at bit 67.
    fn task() -> Vec<u8> {
        let strings = b"\0int\0task\0pid\0tgid\0flag\0";
        let (int, task, pid, tgid, flag) = (1, 5, 10, 14, 19);
        let types = words(&[
            int,
            1 << 24,
            4,
            32, // type 1
            0,
            STRUCT << 24 | 1,
            4,
            tgid,
            1,
            0, // type 2
            task,
            1 << 31 | STRUCT << 24 | 3,
            12, // type 3
            pid,
            1,
            0, // at bit 0
            0,
            2,
            32, // at bit 32
            flag,
            1,
            3 << 24 | 67,
        ]);
        let mut bytes = words(&[
            u32::from(MAGIC) | 1 << 16,
            24,
            0,
            types.len() as u32,
            types.len() as u32,
            strings.len() as u32,
        ]);
        bytes.extend(types);
        bytes.extend(strings);
        bytes
    }

    #[test]
    fn members_are_found_in_structures_without_a_name_too() {
        let bytes = task();
        let btf = Btf::parse(&bytes).unwrap();
        assert_eq!(btf.offset("task", "pid"), Some(0));
        assert_eq!(btf.offset("task", "tgid"), Some(4));
        assert_eq!(btf.offset("task", "flag"), Some(8), "in the byte of bit 67");
        assert_eq!(btf.offset("task", "comm"), None);
        assert_eq!(btf.offset("tas", "pid"), None, "a name is not its beginning");
    }

    #[test]
    fn what_is_cut_short_or_of_another_form_is_refused() {
        let bytes = task();
        for end in 0..bytes.len() - 1 {
            assert!(Btf::parse(&bytes[..end]).is_none(), "{end} bytes");
        }
        let mut other = bytes;
        other[0] ^= 1;
        assert!(Btf::parse(&other).is_none());
    }
}
