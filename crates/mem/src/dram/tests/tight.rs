//! Every interval between commands is kept, and not by a clock more.

use super::standards;
use crate::dram::clock::Tick;
use crate::dram::command::{BankId, Command, Shape};
use crate::dram::ranks::Ranks;
use crate::dram::timing::Timing;
use crate::dram::{DramConfig, TimingConfig};

/// When the commands under test begin: long after those that prepare for them.
const T: u64 = 100_000;

/// Banks by their relation to the first.
#[derive(Clone, Copy)]
struct Banks {
    first: BankId,
    same_group: BankId,
    other_group: BankId,
    other_rank: BankId,
}

/// One constraint: after `before`, at times from [`T`] on, `then` comes at `T + after`.
struct Case {
    name: &'static str,
    open: Vec<BankId>,
    before: Vec<(u64, Command)>,
    then: Command,
    after: u64,
}

fn act(bank: BankId) -> Command {
    Command::Activate { bank, row: 7 }
}
fn pre(bank: BankId) -> Command {
    Command::Precharge { bank }
}
fn rd(bank: BankId) -> Command {
    Command::Read { bank, auto_precharge: false }
}
fn wr(bank: BankId) -> Command {
    Command::Write { bank, auto_precharge: false }
}
fn rda(bank: BankId) -> Command {
    Command::Read { bank, auto_precharge: true }
}
fn wra(bank: BankId) -> Command {
    Command::Write { bank, auto_precharge: true }
}

/// Two ranks, and no interval hidden behind another that happens to be as long.
fn spread(config: &mut DramConfig) {
    config.organisation.ranks = 2;
    let t = &mut config.timing;
    t.rc = t.ras + t.rp + 5;
    t.faw = t.faw.max(4 * t.rrd_s + 3);
    t.ppd = t.ppd.max(2);
    // Longer than a burst, which the data bus asks for already.
    t.ccd_s = t.burst_length / 2 + 1;
    t.ccd_l = t.ccd_l.max(t.ccd_s + 1);
    t.ccd_l_wr = t.ccd_l_wr.max(t.ccd_l + 1);
    t.read_to_write_gap = t.cs + 1;
}

fn setup(config: &DramConfig) -> (Ranks, Banks) {
    let shape = Shape::new(&config.organisation);
    let group = config.organisation.banks_per_group as u16;
    let banks = Banks {
        first: BankId(0),
        same_group: BankId(1),
        other_group: BankId(group),
        other_rank: BankId(shape.banks_of(1).start as u16),
    };
    assert_eq!(shape.group_of(banks.same_group), 0);
    assert_eq!(shape.group_of(banks.other_group), 1);
    assert_eq!((shape.rank_of(banks.other_group), shape.rank_of(banks.other_rank)), (0, 1));
    (Ranks::new(shape, Timing::new(&config.timing)), banks)
}

/// Proves a constraint tight: blocked a clock before its time, issued at it.
fn tight(standard: &str, config: &DramConfig, case: &Case) {
    let (mut ranks, _) = setup(config);
    for (index, &bank) in case.open.iter().enumerate() {
        ranks.issue(act(bank), Tick(1000 * (index as u64 + 1)));
    }
    for &(after, command) in &case.before {
        ranks.issue(command, Tick(T + after));
    }
    let ready = |at: u64| ranks.earliest(case.then) <= Tick(at);
    let at = T + case.after;
    let earliest = ranks.earliest(case.then);
    assert!(!ready(at - 1), "{standard}, {}: not blocked before {at}, {earliest:?}", case.name);
    assert!(ready(at), "{standard}, {}: not ready at {at}, {earliest:?}", case.name);
    ranks.issue(case.then, Tick(at));
}

fn check(cases: impl Fn(&TimingConfig, Banks) -> Vec<Case>) {
    for (name, mut config) in standards() {
        spread(&mut config);
        let (_, banks) = setup(&config);
        for case in cases(&config.timing, banks) {
            tight(&name, &config, &case);
        }
    }
}

fn case(
    name: &'static str,
    open: &[BankId],
    before: &[(u64, Command)],
    then: Command,
    after: u64,
) -> Case {
    Case { name, open: open.to_vec(), before: before.to_vec(), then, after }
}

#[test]
fn intervals_within_a_bank_are_tight() {
    check(|t, b| {
        let (a, bl) = (b.first, t.burst_length / 2);
        vec![
            case("tRCD to RD", &[], &[(0, act(a))], rd(a), t.rcd),
            case("tRCD to WR", &[], &[(0, act(a))], wr(a), t.rcd),
            case("tRAS", &[], &[(0, act(a))], pre(a), t.ras),
            case("tRP", &[a], &[(0, pre(a))], act(a), t.rp),
            case("tRC", &[], &[(0, act(a)), (t.ras, pre(a))], act(a), t.rc),
            case("tRTP", &[a], &[(0, rd(a))], pre(a), t.rtp),
            case("tWR", &[a], &[(0, wr(a))], pre(a), t.cwl + bl + t.wr),
            case("RDA to ACT", &[a], &[(0, rda(a))], act(a), t.rtp + t.rp),
            case("WRA to ACT", &[a], &[(0, wra(a))], act(a), t.cwl + bl + t.wr + t.rp),
            case("RDA keeps tRAS and tRC", &[], &[(0, act(a)), (t.rcd, rda(a))], act(a), t.rc),
        ]
    });
}

#[test]
fn activations_of_a_rank_are_kept_apart_tightly() {
    check(|t, b| {
        let s = t.rrd_s;
        // One in each of two groups, twice, so that only tRRD_S and tFAW count for the fifth.
        let pair = |base: u16| [BankId(b.first.0 + base), BankId(b.other_group.0 + base)];
        let ([a, c], [a1, c1]) = (pair(0), pair(1));
        let apart = s.max(t.rrd_l - s);
        let four = [(0, act(a)), (s, act(c)), (s + apart, act(a1)), (2 * s + apart, act(c1))];
        let fifth = BankId(b.first.0 + 2);
        vec![
            case("tRRD_S", &[], &four[..1], act(c), t.rrd_s),
            case("tRRD_L", &[], &four[..1], act(a1), t.rrd_l),
            case("tFAW", &[], &four, act(fifth), t.faw.max(3 * s + apart)),
            case(
                "tFAW is per rank",
                &[],
                &four,
                act(b.other_rank),
                2 * s + apart + t.command_clocks,
            ),
        ]
    });
}

#[test]
fn the_activation_window_slides() {
    for (name, mut config) in standards() {
        spread(&mut config);
        config.timing.faw = 200;
        let (mut ranks, _) = setup(&config);
        // One bank a group and rank 0, 20 clocks apart.
        let banks = (0..4).map(|index| BankId(index * config.organisation.banks_per_group as u16));
        for (index, bank) in banks.enumerate() {
            ranks.issue(act(bank), Tick(T + 20 * index as u64));
        }
        let per_group = config.organisation.banks_per_group as u16;
        for index in 0..4 {
            let (bank, at) = (BankId(1 + per_group * index), Tick(T + 200 + 20 * u64::from(index)));
            assert_eq!(ranks.earliest(act(bank)), at, "{name}: four before, {index}");
            ranks.issue(act(bank), at);
        }
    }
}

#[test]
fn column_commands_of_a_kind_follow_each_other_tightly() {
    check(|t, b| {
        let (a, l, s) = (b.first, b.same_group, b.other_group);
        vec![
            case("tCCD_L RD", &[a, l], &[(0, rd(a))], rd(l), t.ccd_l),
            case("tCCD_S RD", &[a, s], &[(0, rd(a))], rd(s), t.ccd_s),
            case("tCCD_L RD, same bank", &[a], &[(0, rd(a))], rd(a), t.ccd_l),
            case("tCCD_L_WR", &[a, l], &[(0, wr(a))], wr(l), t.ccd_l_wr),
            case("tCCD_L_WR, same bank", &[a], &[(0, wr(a))], wr(a), t.ccd_l_wr),
            case("tCCD_S WR", &[a, s], &[(0, wr(a))], wr(s), t.ccd_s),
        ]
    });
}

#[test]
fn the_data_bus_carries_one_burst_at_a_time() {
    for (name, mut config) in standards() {
        spread(&mut config);
        config.timing.ccd_s = 1;
        let t = &config.timing;
        let (_, b) = setup(&config);
        let (open, burst) = ([b.first, b.other_group], t.burst_length / 2);
        for (kind, issue) in [("RD", rd as fn(BankId) -> Command), ("WR", wr)] {
            let before = [(0, issue(b.first))];
            tight(&name, &config, &case(kind, &open, &before, issue(b.other_group), burst));
        }
    }
}

#[test]
fn turnarounds_of_the_data_bus_are_tight() {
    check(|t, b| {
        let (a, l, s) = (b.first, b.same_group, b.other_group);
        let bl = t.burst_length / 2;
        let turn = t.cl + bl + t.read_to_write_gap - t.cwl;
        let written = t.cwl + bl;
        vec![
            case("RD to WR", &[a], &[(0, rd(a))], wr(a), turn),
            case("RD to WR, other group", &[a, s], &[(0, rd(a))], wr(s), turn),
            case("tWTR_L", &[a], &[(0, wr(a))], rd(a), written + t.wtr_l),
            case("tWTR_L, other bank", &[a, l], &[(0, wr(a))], rd(l), written + t.wtr_l),
            case("tWTR_S", &[a, s], &[(0, wr(a))], rd(s), written + t.wtr_s),
        ]
    });
}

#[test]
fn switches_between_ranks_are_tight() {
    check(|t, b| {
        let (a, o) = (b.first, b.other_rank);
        let bl = t.burst_length / 2;
        let read_after_write = (t.cwl + bl + t.cs - t.cl).max(t.command_clocks);
        vec![
            case("tCS RD to RD", &[a, o], &[(0, rd(a))], rd(o), bl + t.cs),
            case("tCS WR to WR", &[a, o], &[(0, wr(a))], wr(o), bl + t.cs),
            case("tCS RD to WR", &[a, o], &[(0, rd(a))], wr(o), t.cl + bl + t.cs - t.cwl),
            case("tCS WR to RD", &[a, o], &[(0, wr(a))], rd(o), read_after_write),
        ]
    });
}

#[test]
fn the_command_bus_carries_one_command_at_a_time() {
    check(|t, b| {
        let (a, o, long) = (b.first, b.other_rank, t.command_clocks);
        vec![
            case("one clock after one clock", &[a, o], &[(0, pre(a))], pre(o), 1),
            case("one clock after an address", &[o], &[(0, act(a))], pre(o), 1),
            case("an address after one clock", &[a], &[(0, pre(a))], act(o), long),
            case("an address after an address", &[], &[(0, act(a))], act(o), long),
        ]
    });
}

#[test]
fn precharges_of_a_rank_are_kept_apart_tightly() {
    check(|t, b| {
        let (a, l) = (b.first, b.same_group);
        let written = t.cwl + t.burst_length / 2 + t.wr;
        let all = Command::PrechargeAll { rank: 0 };
        vec![
            case("tPPD", &[a, l], &[(0, pre(a))], pre(l), t.ppd),
            case("tPPD to PREA", &[a, l], &[(0, pre(a))], all, t.ppd),
            case("PREA after WR", &[a, l], &[(0, wr(a))], all, written),
            case("PREA after RD", &[a, l], &[(0, rd(a))], all, t.rtp),
            case("PREA after RDA", &[a, l], &[(0, rda(a))], all, t.rtp),
            case("PREA after WRA", &[a, l], &[(0, wra(a))], all, written),
            case(
                "tRP counts from PREA",
                &[a, l],
                &[(0, pre(a)), (t.ppd, all)],
                act(a),
                t.ppd + t.rp,
            ),
            case("PREA after ACT", &[a], &[(0, act(l))], all, t.ras),
            case("PREA to ACT", &[a, l], &[(0, all)], act(l), t.rp),
        ]
    });
}

#[test]
fn refresh_waits_for_closed_banks_and_blocks_its_rank() {
    check(|t, b| {
        let a = b.first;
        let rfc = (t.rfc_ns * 1000).div_ceil(t.tck_ps);
        let (refresh, other) = (Command::Refresh { rank: 0 }, Command::Refresh { rank: 1 });
        let all = Command::PrechargeAll { rank: 0 };
        let written = t.cwl + t.burst_length / 2 + t.wr;
        vec![
            case("tRP before REF", &[a], &[(0, pre(a))], refresh, t.rp),
            case("tRP from PREA to REF", &[a], &[(0, all)], refresh, t.rp),
            case("tRC before REF", &[], &[(0, act(a)), (t.ras, pre(a))], refresh, t.rc),
            case("RDA before REF", &[a], &[(0, rda(a))], refresh, t.rtp + t.rp),
            case("WRA before REF", &[a], &[(0, wra(a))], refresh, written + t.rp),
            case("tRFC to ACT", &[], &[(0, refresh)], act(b.other_group), rfc),
            case("tRFC to REF", &[], &[(0, refresh)], refresh, rfc),
            case("other ranks are free", &[], &[(0, refresh)], act(b.other_rank), t.command_clocks),
            case("other ranks can refresh", &[], &[(0, refresh)], other, 1),
        ]
    });
}
