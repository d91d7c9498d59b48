use super::*;
use crate::HistorySpec;
use stream::{Branch, BranchKind};

#[test]
fn the_budget_is_64_kib() {
    let tables = 4096 * (25 + 2) + 4096 * (28 + 9) + 4096 * (28 + 13) + 2048 * (28 + 15);
    let bits = Ittage::new(&IttageConfig {}).storage_bits();
    assert_eq!(bits, tables + 128 * 31 + 4 + 6 + 32);
    assert!((63 * 8192..=64 * 8192).contains(&bits), "{bits} bits");
}

#[test]
fn tables_of_an_array_never_share_an_entry_for_one_guess() {
    let ittage = Ittage::new(&IttageConfig {});
    let spec = HistorySpec::default();
    let mut history = History::new(&spec, &ittage.folds());
    for step in 0..2000_u64 {
        let target = VirtAddr(step.wrapping_mul(0x9e37_79b9) & 0xffff_fffe);
        let jump = Branch { kind: BranchKind::IndirectJump, taken: true, target };
        history.push(VirtAddr(step * 6), &jump);
        let token = look_up(VirtAddr(step * 10), &history);
        for (array, layout) in ARRAYS.iter().enumerate().skip(1) {
            let tables = (0..TABLES).filter(|table| array_of(*table) == array);
            let mut rows: Vec<_> = tables.map(|table| token.index[table]).collect();
            rows.sort_unstable();
            assert!(rows.windows(2).all(|pair| pair[0] != pair[1]), "array {array}: {rows:?}");
            let size = 1 << layout.log2_entries;
            assert!(rows.iter().all(|row| *row < size));
        }
    }
}

#[test]
fn targets_of_many_regions_come_back_whole() {
    let mut regions = Regions::new();
    let address = |number: u64| VirtAddr((number << OFFSET_BITS) + number * 2);
    let targets: Vec<_> = (1..=128).map(|number| regions.target(address(number))).collect();
    for (number, target) in (1..).zip(&targets) {
        assert_eq!(regions.address(*target), address(number));
    }
    // One more takes the first region over; its old targets lead into the new one.
    let extra = regions.target(address(129));
    assert_eq!(regions.address(extra), address(129));
    assert_eq!(regions.address(targets[0]).0 >> OFFSET_BITS, 129);
    assert_eq!(regions.address(targets[1]), address(2));
}

#[test]
fn kernel_addresses_keep_their_sign() {
    let mut regions = Regions::new();
    let target = regions.target(VirtAddr(0xffff_ffff_8012_3456));
    assert_eq!(regions.address(target), VirtAddr(0xffff_ffff_8012_3456));
}

const PC: VirtAddr = VirtAddr(0x4aaa);
const LONG: VirtAddr = VirtAddr(0x1000);
const SHORT: VirtAddr = VirtAddr(0x2000);

fn fresh() -> (Ittage, History) {
    let ittage = Ittage::new(&IttageConfig {});
    let spec = HistorySpec::default();
    let history = History::new(&spec, &ittage.folds());
    (ittage, history)
}

/// Writes the entry of table `table` that a guess at [`PC`] reads.
fn write(ittage: &mut Ittage, history: &History, table: usize, target: VirtAddr, confidence: u8) {
    let token = look_up(PC, history);
    let target = Some(ittage.regions.target(target));
    let entry = Entry { tag: token.tag[table], target, confidence, useful: false };
    *ittage.entry_mut(&token, table) = entry;
}

fn guess(ittage: &Ittage, history: &History) -> (Option<VirtAddr>, IttageToken) {
    let mut token = IttageToken::default();
    (ittage.predict(IndirectSite { pc: PC, oracle: None }, history, &mut token), token)
}

#[test]
fn an_unsure_longest_match_yields_to_the_next_as_far_as_that_was_better() {
    let (mut ittage, history) = fresh();
    write(&mut ittage, &history, 2, SHORT, 1);
    write(&mut ittage, &history, 6, LONG, 0);
    assert_eq!(guess(&ittage, &history).0, Some(SHORT));
    let token = guess(&ittage, &history).1;
    ittage.train_use_alternate(&token, LONG);
    assert_eq!((ittage.use_alternate, guess(&ittage, &history).0), (-1, Some(LONG)));
    ittage.train_use_alternate(&token, SHORT);
    assert_eq!((ittage.use_alternate, guess(&ittage, &history).0), (0, Some(SHORT)));
    write(&mut ittage, &history, 6, LONG, 1);
    assert_eq!(guess(&ittage, &history).0, Some(LONG));
}

#[test]
fn a_target_is_replaced_only_once_its_confidence_is_gone() {
    let (mut ittage, history) = fresh();
    write(&mut ittage, &history, 15, LONG, 1);
    let longest = |ittage: &Ittage| guess(ittage, &history).1.provider.map(|(_, target)| target);
    let token = guess(&ittage, &history).1;
    ittage.train(&token, SHORT);
    assert_eq!(longest(&ittage), Some(LONG));
    ittage.train(&token, SHORT);
    assert_eq!(longest(&ittage), Some(SHORT));
}

#[test]
fn useful_entries_are_kept_until_too_many_allocations_were_refused() {
    let (mut ittage, history) = fresh();
    for table in 1..TABLES {
        write(&mut ittage, &history, table, LONG, 0);
        ittage.entry_mut(&look_up(PC, &history), table).useful = true;
    }
    let token = look_up(PC, &history);
    let kept = |ittage: &Ittage| (1..TABLES).all(|table| ittage.entry(&token, table).useful);
    // The untagged table gives its entry; then 14 tagged ones refuse, 13 more than were given.
    for refusals in [14, 27, 40, 53] {
        ittage.allocate(&token, SHORT);
        assert!(kept(&ittage) && ittage.tick >= refusals, "tick {}", ittage.tick);
    }
    ittage.allocate(&token, SHORT);
    assert!(!kept(&ittage) && ittage.tick == 0);
}
