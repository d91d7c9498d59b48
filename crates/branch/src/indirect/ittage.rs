//! ITTAGE in 64 KB: tagged tables of targets over geometrically growing lengths of the path of
//! indirect targets (Seznec, "A 64-Kbytes ITTAGE indirect branch predictor", CBP-3, 2011).
//!
//! The longest path that matches gives the target, unless its entry is unsure and a counter says that
//! the next match is better then. The fifteen tagged tables lie interleaved in three arrays. An entry
//! holds the low bits of a target and the number of a region, whose address is held once.
//!
//! Left out: the table of guesses in flight that overrides an entry whose update is still to come.
//! Differences: regions have the 30 upper bits of a virtual address of Sv48, not 14; entries that were
//! never written do not match.

mod regions;

use super::{IndirectPredictor, IndirectSite};
use crate::bits::{low, site_bits, step_signed, step_unsigned};
use crate::history::ROLES;
use crate::lanes::LANES;
use crate::lfsr::Lfsr;
use crate::{FoldSpec, History, Problems};
use regions::{OFFSET_BITS, REGION_POINTER_BITS, Regions, Target};
use serde::{Deserialize, Serialize};
use stream::VirtAddr;

/// Nothing to configure: the sizes are those of the 64 KB design.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IttageConfig {}

/// Tables, the untagged first one included.
const TABLES: usize = 16;
/// Bits of the history of targets in each table's index and tag.
const LENGTHS: [u32; TABLES] =
    [0, 0, 10, 16, 27, 44, 60, 96, 109, 219, 449, 487, 714, 1313, 2146, 3881];
const CONFIDENCE_BITS: u32 = 2;
const USE_ALTERNATE_BITS: u32 = 4;
const TICK_BITS: u32 = 6;
/// An array of tagged tables is read by its tables at different places of aligned eights.
const INTERLEAVE_LOG2: u32 = 3;
const MAX_ALLOCATED: u32 = 3;

/// An array of entries that neighbouring tables share.
struct Array {
    first: usize,
    log2_entries: u32,
    tag_bits: u32,
}

const fn array(first: usize, log2_entries: u32, tag_bits: u32) -> Array {
    Array { first, log2_entries, tag_bits }
}

/// Table 0 by itself, then 1-2, 3-10 and 11-15.
const ARRAYS: [Array; 4] = [array(0, 12, 0), array(1, 12, 9), array(3, 12, 13), array(11, 11, 15)];

const fn array_of(table: usize) -> usize {
    match table {
        0 => 0,
        1..=2 => 1,
        3..=10 => 2,
        _ => 3,
    }
}

/// Bits of a table's own index: the first of an array reaches all of it.
fn index_bits(table: usize) -> u32 {
    let array = &ARRAYS[array_of(table)];
    array.log2_entries - if table == array.first { 0 } else { INTERLEAVE_LOG2 }
}

/// The folded register of a table that reads the history: 0 for its index, 1 and 2 for its tag.
fn fold_of(table: usize, role: usize) -> usize {
    (table / LANES * ROLES + role) * LANES + table % LANES
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    tag: u16,
    target: Option<Target>,
    confidence: u8,
    useful: bool,
}

/// What ITTAGE remembers from a guess.
#[derive(Clone, Copy, Debug, Default)]
pub struct IttageToken {
    index: [u16; TABLES],
    tag: [u16; TABLES],
    provider: Option<(u8, VirtAddr)>,
    alternate: Option<(u8, VirtAddr)>,
}

/// ITTAGE.
#[derive(Clone, Debug)]
pub struct Ittage {
    arrays: [Vec<Entry>; 4],
    regions: Regions,
    use_alternate: i8,
    tick: u32,
    lfsr: Lfsr,
}

impl IndirectPredictor for Ittage {
    type Config = IttageConfig;
    type Token = IttageToken;

    fn validate(_config: &Self::Config, _problems: &mut Problems) {}

    fn new(_config: &Self::Config) -> Self {
        let free = Entry { tag: 0, target: None, confidence: 0, useful: false };
        Self {
            arrays: ARRAYS.map(|array| vec![free; 1 << array.log2_entries]),
            regions: Regions::new(),
            use_alternate: 0,
            tick: 0,
            lfsr: Lfsr::new(),
        }
    }

    fn folds(&self) -> Vec<FoldSpec> {
        let registers: [_; TABLES] = std::array::from_fn(|table| {
            let tag_bits = ARRAYS[array_of(table)].tag_bits;
            let widths = [index_bits(table), tag_bits, tag_bits.saturating_sub(1)];
            (LENGTHS[table], if LENGTHS[table] > 0 { widths } else { [0; ROLES] })
        });
        FoldSpec::eights(&registers)
    }

    fn predict(
        &self,
        site: IndirectSite,
        history: &History,
        token: &mut IttageToken,
    ) -> Option<VirtAddr> {
        *token = look_up(site.pc, history);
        let target = |table: usize| {
            let entry = self.entry(token, table);
            let hit = table == 0 || entry.tag == token.tag[table];
            Some((table as u8, self.regions.address(entry.target.filter(|_| hit)?)))
        };
        let mut hits = (0..TABLES).rev().filter_map(target);
        let (provider, alternate) = (hits.next(), hits.next());
        (token.provider, token.alternate) = (provider, alternate);
        let unsure = |(table, _): (u8, VirtAddr)| {
            self.entry(token, usize::from(table)).confidence == 0 && self.use_alternate >= 0
        };
        let guess = if provider.is_some_and(unsure) { alternate.or(provider) } else { provider };
        guess.map(|(_, target)| target)
    }

    fn train(&mut self, token: &IttageToken, actual: VirtAddr) {
        self.train_use_alternate(token, actual);
        if token.provider.is_none_or(|(_, target)| target != actual) {
            self.allocate(token, actual);
        }
        self.train_provider(token, actual);
    }

    fn storage_bits(&self) -> u64 {
        let bits = |array: &Array| {
            let useful = u32::from(array.first > 0);
            let target = OFFSET_BITS + REGION_POINTER_BITS;
            u64::from(target + CONFIDENCE_BITS + useful + array.tag_bits) << array.log2_entries
        };
        let registers = u64::from(USE_ALTERNATE_BITS + TICK_BITS) + Lfsr::BITS;
        ARRAYS.iter().map(bits).sum::<u64>() + self.regions.storage_bits() + registers
    }
}

fn look_up(pc: VirtAddr, history: &History) -> IttageToken {
    let pc = site_bits(pc);
    let (mut index, mut tag) = ([0; TABLES], [0; TABLES]);
    for table in 0..TABLES {
        let (array, bits) = (&ARRAYS[array_of(table)], index_bits(table));
        let fold = |role| match table {
            0 | 1 => 0,
            _ => u64::from(history.target_fold(fold_of(table, role))),
        };
        let shift = bits.abs_diff(table as u32) + 1;
        let row = low(pc ^ pc >> shift ^ fold(0), bits) as u16;
        index[table] = match table {
            0 => low(pc, bits) as u16,
            _ if table == array.first => row,
            _ => row << INTERLEAVE_LOG2 | (index[array.first] & 7) ^ (table - array.first) as u16,
        };
        tag[table] = low(pc ^ fold(1) ^ fold(2) << 1, array.tag_bits) as u16;
    }
    IttageToken { index, tag, provider: None, alternate: None }
}

impl Ittage {
    fn entry(&self, token: &IttageToken, table: usize) -> &Entry {
        &self.arrays[array_of(table)][usize::from(token.index[table])]
    }

    fn entry_mut(&mut self, token: &IttageToken, table: usize) -> &mut Entry {
        &mut self.arrays[array_of(table)][usize::from(token.index[table])]
    }

    /// Learns which of two different guesses to take where the longer match is unsure.
    fn train_use_alternate(&mut self, token: &IttageToken, actual: VirtAddr) {
        let (Some((table, longest)), Some((_, other))) = (token.provider, token.alternate) else {
            return;
        };
        let unsure = self.entry(token, usize::from(table)).confidence == 0;
        if unsure && longest != other && (longest == actual || other == actual) {
            self.use_alternate =
                step_signed(self.use_alternate, other == actual, USE_ALTERNATE_BITS);
        }
    }

    /// Takes up to three entries of longer paths, in every second table.
    fn allocate(&mut self, token: &IttageToken, actual: VirtAddr) {
        let target = self.regions.target(actual);
        let mut table = token.provider.map_or(0, |(table, _)| usize::from(table) + 1);
        if self.lfsr.bits(5) == 0 {
            table += 1;
        }
        let mut allocated = 0;
        while table < TABLES && allocated < MAX_ALLOCATED {
            let tag = token.tag[table];
            let entry = self.entry_mut(token, table);
            if entry.useful {
                self.tick += 1;
                table += 1;
            } else {
                *entry = Entry { tag, target: Some(target), confidence: 0, useful: false };
                self.tick = self.tick.saturating_sub(1);
                allocated += 1;
                table += 2;
            }
        }
        if self.tick >= 1 << TICK_BITS {
            self.arrays.iter_mut().flatten().for_each(|entry| entry.useful = false);
            self.tick = 0;
        }
    }

    fn train_provider(&mut self, token: &IttageToken, actual: VirtAddr) {
        let Some((table, longest)) = token.provider else { return };
        let table = usize::from(table);
        if table > 0 && self.entry(token, table).tag != token.tag[table] {
            // Another branch took the entry between guess and commit.
            return;
        }
        let right = longest == actual;
        if !right && self.entry(token, table).confidence == 0 {
            let target = self.regions.target(actual);
            self.entry_mut(token, table).target = Some(target);
            return;
        }
        let differs = token.alternate.is_none_or(|(_, target)| target != longest);
        let entry = self.entry_mut(token, table);
        entry.confidence = step_unsigned(entry.confidence, right, CONFIDENCE_BITS);
        entry.useful |= table > 0 && right && differs;
    }
}

#[cfg(test)]
mod tests;
