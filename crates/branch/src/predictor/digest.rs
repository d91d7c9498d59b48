//! Each predictor's guesses, as a number: what only makes a predictor faster must leave it alone. A
//! change of a model changes it; the failing test prints the new one, and CHANGELOG.md says why.

use super::*;
use crate::direction::{DirectionConfig, LtageConfig, TageScLConfig, TaggedTableConfig};
use crate::indirect::{IndirectConfig, PathConfig};
use crate::target::BtbConfig;
use crate::workbench::Scatter;
use std::collections::VecDeque;

const BRANCHES: usize = 30_000;
const DEPTH: usize = 40;
const WRONG_PATH: usize = 24;

/// Exclusive-or and multiply (Fowler, Noll and Vo).
fn mix(digest: u64, value: u64) -> u64 {
    (digest ^ value).wrapping_mul(0x0100_0000_01b3)
}

/// A branch of any kind at one of many sites, three in four with something to learn.
fn branch(scatter: &mut Scatter, step: u64) -> (VirtAddr, Branch) {
    let (pc, mut branch) = scatter.branch();
    let site = pc.0.wrapping_mul(0x9e37_79b9) >> 3 & 0x3f_ff_ff_fe;
    if !scatter.next().is_multiple_of(4) {
        branch.taken |= step.is_multiple_of(2 + site % 13);
        branch.target = VirtAddr(site ^ (step % (1 + site % 5)) << 6);
    }
    branch.taken |= branch.kind != BranchKind::Conditional;
    (VirtAddr(site), branch)
}

fn digest(direction: DirectionConfig, indirect: IndirectConfig) -> u64 {
    let btb = BtbConfig::SetAssociative(Default::default());
    let config = BranchConfig { direction, btb, indirect, ras_entries: 16 };
    let mut predictor = Predictor::new(&config).expect("it is valid");
    let (mut right, mut wrong) = (Scatter::new(11), Scatter::new(12));
    let (mut committing, mut digest) = (VecDeque::new(), 0xcbf2_9ce4_8422_2325);
    for step in 0..BRANCHES as u64 {
        let (pc, actual) = branch(&mut right, step);
        let next = VirtAddr(pc.0 + 4);
        if step % 3 == 2 && committing.is_empty() {
            digest = mix(digest, u64::from(predictor.warm(pc, &actual, next)));
            continue;
        }
        let guess = predictor.predict(pc, actual.kind, actual.target, next, Some(&actual));
        digest = mix(mix(digest, u64::from(guess.taken)), guess.target.0);
        if (guess.taken, guess.target) != (actual.taken, actual.target) {
            for step in 0..WRONG_PATH as u64 {
                let (pc, it) = branch(&mut wrong, step);
                let guess = predictor.predict(pc, it.kind, it.target, pc, Some(&it));
                digest = mix(mix(digest, u64::from(guess.taken)), guess.target.0);
            }
            predictor.squash_to(&guess.record, Some(&actual));
        }
        committing.push_back((guess.record, pc, actual));
        // Now and then everything in flight commits, and warming goes on.
        let depth = if step % 500 > 250 { DEPTH } else { 0 };
        while committing.len() > depth {
            let (record, pc, actual) = committing.pop_front().expect("it is not empty");
            predictor.commit(&record, pc, &actual);
        }
    }
    digest
}

/// L-TAGE with tables of these logarithms of entries and tag bits.
fn ltage(longest: u32, tables: &[(u32, u32)]) -> DirectionConfig {
    let table = |(log2_entries, tag_bits): &(u32, u32)| TaggedTableConfig {
        log2_entries: *log2_entries,
        tag_bits: *tag_bits,
    };
    let tables = tables.iter().map(table).collect();
    let short = LtageConfig { max_history: longest, tables, ..LtageConfig::default() };
    DirectionConfig::Ltage(short)
}

fn check(expected: &[(&str, u64)], found: Vec<(&'static str, u64)>) {
    assert_eq!(expected, found, "the guesses of a predictor changed");
}

#[test]
fn the_guesses_of_every_direction_predictor_are_what_they_were() {
    let last = || IndirectConfig::LastTarget(Default::default());
    let all = DirectionConfig::all().into_iter();
    let found = all.map(|direction| (direction.name(), digest(direction, last())));
    let expected = [
        ("bimodal", 0xfa1f_e71c_da0e_bb12),
        ("gshare", 0xeefe_d295_de32_63af),
        ("ltage", 0x7f23_a6f8_1135_7317),
        ("tage_sc_l", 0xbd27_ed48_0a72_4855),
        ("llbp", 0x281e_7c3e_b226_b06c),
        ("perfect", 0x4d1b_ed3f_e392_0462),
    ];
    check(&expected, found.collect());
}

#[test]
fn the_guesses_of_unusual_sizes_are_what_they_were() {
    let last = || IndirectConfig::LastTarget(Default::default());
    let extreme = [(1, 3), (3, 4), (16, 16), (9, 15), (16, 3), (5, 16), (7, 7), (8, 8)];
    let many = [(10, 9); 16];
    let lean = TageScLConfig { corrector: false, loops: false };
    let found = [
        ("skylake", digest(ltage(34, &[(10, 7); 12]), last())),
        ("extreme", digest(ltage(4000, &extreme), last())),
        ("equal", digest(ltage(4, &many), last())),
        ("one", digest(ltage(20, &[(11, 8)]), last())),
        ("lean", digest(DirectionConfig::TageScL(lean), last())),
    ];
    let expected = [
        ("skylake", 0xcf22_f916_15e2_6177),
        ("extreme", 0x24c5_446e_5c05_482d),
        ("equal", 0x72f9_e9ca_ead9_5564),
        ("one", 0x5f9e_e47e_6704_212d),
        ("lean", 0x47ca_6548_2b1f_32e1),
    ];
    check(&expected, found.into());
}

#[test]
fn the_guesses_of_every_indirect_predictor_are_what_they_were() {
    let bimodal = || DirectionConfig::Bimodal(Default::default());
    let all = IndirectConfig::all().into_iter();
    let mut found: Vec<_> =
        all.map(|indirect| (indirect.name(), digest(bimodal(), indirect))).collect();
    let odd = PathConfig { sets: 4, path_length: 0, ..PathConfig::default() };
    found.push(("path of none", digest(bimodal(), IndirectConfig::Path(odd))));
    let expected = [
        ("last_target", 0xfa1f_e71c_da0e_bb12),
        ("path", 0xd242_146c_a4cc_3577),
        ("ittage", 0x9127_7375_92f0_a74e),
        ("perfect", 0xe698_e0be_a650_8610),
        ("path of none", 0x2d52_ce26_11e3_f676),
    ];
    check(&expected, found);
}
