//! Checks a recorded sequence of commands against the constraints, pair by pair.
//!
//! Shares nothing with the state machine it checks: it looks back from each command at all that
//! came before it within the longest interval.

use crate::dram::clock::Tick;
use crate::dram::command::{BankId, Command};
use crate::dram::{DramConfig, TimingConfig};
use std::collections::BTreeMap;

/// A command without its row, and where it goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum What {
    Act,
    Pre,
    Prea,
    Rd,
    Wr,
    Rda,
    Wra,
    Ref,
}

/// A command with its place: rank, group and bank as far as it has them.
#[derive(Clone, Copy, Debug)]
struct Event {
    at: u64,
    what: What,
    rank: u64,
    group: u64,
    bank: u64,
}

fn event(config: &DramConfig, (at, command): (Tick, Command)) -> Event {
    let o = &config.organisation;
    let (per_group, groups) = (u64::from(o.banks_per_group), u64::from(o.bank_groups));
    let of_bank = |what, bank: BankId| {
        let bank = u64::from(bank.0);
        let group = bank / per_group;
        Event { at: at.0, what, rank: group / groups, group, bank }
    };
    let of_rank = |what, rank| Event { at: at.0, what, rank: rank as u64, group: 0, bank: 0 };
    match command {
        Command::Activate { bank, .. } => of_bank(What::Act, bank),
        Command::Precharge { bank } => of_bank(What::Pre, bank),
        Command::PrechargeAll { rank } => of_rank(What::Prea, rank),
        Command::Read { bank, auto_precharge: false } => of_bank(What::Rd, bank),
        Command::Read { bank, auto_precharge: true } => of_bank(What::Rda, bank),
        Command::Write { bank, auto_precharge: false } => of_bank(What::Wr, bank),
        Command::Write { bank, auto_precharge: true } => of_bank(What::Wra, bank),
        Command::Refresh { rank } => of_rank(What::Ref, rank),
    }
}

/// Clocks that must lie between two commands.
fn interval(t: &TimingConfig, first: &Event, then: &Event) -> u64 {
    use What::*;
    let bus = match then.what {
        Act | Rd | Wr | Rda | Wra => t.command_clocks,
        Pre | Prea | Ref => 1,
    };
    if first.rank != then.rank {
        return bus;
    }
    let whole_rank = |event: &Event| matches!(event.what, Prea | Ref);
    let bank = first.bank == then.bank || whole_rank(first) || whole_rank(then);
    let group = first.group == then.group;
    let either = |long: u64, short: u64| if group { long } else { short };
    let (bl, rfc) = (t.burst_length / 2, (t.rfc_ns * 1000).div_ceil(t.tck_ps));
    let written = t.cwl + bl;
    let state = match (first.what, then.what) {
        (Act, Act) if first.bank == then.bank => t.rc,
        (Act, Act) => either(t.rrd_l, t.rrd_s),
        (Act, Ref) => t.rc,
        (Act, Pre | Prea) if bank => t.ras,
        (Act, Rd | Wr | Rda | Wra) if bank => t.rcd,
        (Pre | Prea, Act | Ref) if bank => t.rp,
        (Pre | Prea, Pre | Prea) => t.ppd,
        (Rd | Rda, Pre | Prea) if bank => t.rtp,
        (Wr | Wra, Pre | Prea) if bank => written + t.wr,
        (Rda, Act | Ref) if bank => t.rtp + t.rp,
        (Wra, Act | Ref) if bank => written + t.wr + t.rp,
        (Rd | Rda, Rd | Rda) => either(t.ccd_l, t.ccd_s),
        (Wr | Wra, Wr | Wra) => either(t.ccd_l_wr, t.ccd_s),
        (Rd | Rda, Wr | Wra) => t.cl + bl + t.read_to_write_gap - t.cwl,
        (Wr | Wra, Rd | Rda) => written + either(t.wtr_l, t.wtr_s),
        (Ref, Act | Ref) => rfc,
        _ => 0,
    };
    state.max(bus)
}

fn check_pairs(config: &DramConfig, events: &[Event]) {
    let t = &config.timing;
    let longest = 1000 + (t.rfc_ns * 1000).div_ceil(t.tck_ps);
    for (index, then) in events.iter().enumerate() {
        for first in events[..index].iter().rev() {
            if then.at > first.at + longest {
                break;
            }
            let needed = interval(t, first, then);
            assert!(then.at >= first.at + needed, "{then:?} is not {needed} after {first:?}");
        }
    }
}

fn check_windows(config: &DramConfig, events: &[Event]) {
    for rank in 0..u64::from(config.organisation.ranks) {
        let acts: Vec<_> =
            events.iter().filter(|e| e.what == What::Act && e.rank == rank).collect();
        for five in acts.windows(5) {
            let span = five[4].at - five[0].at;
            assert!(span >= config.timing.faw, "five activations in {span} clocks: {five:?}");
        }
    }
}

fn check_data_bus(config: &DramConfig, events: &[Event]) {
    let t = &config.timing;
    let bursts = events.iter().filter_map(|event| match event.what {
        What::Rd | What::Rda => Some((event.at + t.cl, event)),
        What::Wr | What::Wra => Some((event.at + t.cwl, event)),
        _ => None,
    });
    let bursts: Vec<_> = bursts.collect();
    for pair in bursts.windows(2) {
        let [(first, a), (then, b)] = pair else { unreachable!("pairs") };
        let switch = if a.rank == b.rank { 0 } else { t.cs };
        assert!(*then >= first + t.burst_length / 2 + switch, "bursts of {a:?} and {b:?} collide");
    }
}

/// A column command, by the bank and its time of effect.
pub(super) type Column = (u16, u64);

/// Panics unless `trace` keeps every constraint. Returns the row that each column command used.
pub(super) fn check(config: &DramConfig, trace: &[(Tick, Command)]) -> BTreeMap<Column, u32> {
    let events: Vec<_> = trace.iter().map(|&command| event(config, command)).collect();
    check_pairs(config, &events);
    check_windows(config, &events);
    check_data_bus(config, &events);
    rows_used(config, trace)
}

/// Replays which rows are open.
fn rows_used(config: &DramConfig, trace: &[(Tick, Command)]) -> BTreeMap<Column, u32> {
    let mut open = BTreeMap::new();
    let mut used = BTreeMap::new();
    for &(at, command) in trace {
        let rank = event(config, (at, command)).rank;
        let in_rank = |bank: u16| {
            let bank = Command::Precharge { bank: BankId(bank) };
            event(config, (at, bank)).rank == rank
        };
        match command {
            Command::Activate { bank, row } => {
                assert_eq!(open.insert(bank.0, row), None, "{bank:?} was open at {at:?}");
            }
            Command::Precharge { bank } => {
                open.remove(&bank.0).expect("a row to close");
            }
            Command::PrechargeAll { .. } => open.retain(|&bank, _| !in_rank(bank)),
            Command::Refresh { .. } => assert!(!open.keys().any(|&bank| in_rank(bank))),
            Command::Read { bank, auto_precharge } | Command::Write { bank, auto_precharge } => {
                used.insert((bank.0, at.0), *open.get(&bank.0).expect("an open row"));
                if auto_precharge {
                    open.remove(&bank.0);
                }
            }
        }
    }
    used
}

#[test]
#[should_panic(expected = "is not 39 after")]
fn the_checker_sees_a_row_that_closes_too_early() {
    let bank = BankId(0);
    let trace =
        [(Tick(0), Command::Activate { bank, row: 1 }), (Tick(38), Command::Precharge { bank })];
    check(&super::standard("ddr4_2400"), &trace);
}
