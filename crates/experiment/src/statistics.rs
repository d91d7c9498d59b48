//! From the counters of a window to the statistics of a result.

use mem::{Level, PrivateStats};
use pipeline::{Cause, CoreStats, Guess, OutOfOrderStats, PrivilegeStats, Stream};
use report::model::{About, Catalogue, HartWindow, Statistics};
use stats::{Stats, flatten};
use system::TimingStats;

/// The windows of all harts.
pub(crate) fn harts(window: &TimingStats) -> Vec<HartWindow> {
    let each = window.cores.iter().zip(&window.mem.harts).enumerate();
    each.map(|(index, (core, private))| {
        let mut statistics = Statistics::default();
        add(&mut statistics, "", core);
        add(&mut statistics, "", private);
        add_derived(&mut statistics, "", private);
        add_derived(&mut statistics, "footprint.", &core.footprint);
        if let Some(restoration) = &core.restoration {
            add_derived(&mut statistics, "restoration.", restoration);
        }
        add_breakdowns(&mut statistics, core);
        let (user, kernel) = (&core.user, &core.kernel);
        HartWindow {
            hart: index as u32,
            cycles: user.cycles.get() + kernel.cycles.get(),
            idle_cycles: core.idle_cycles.get(),
            instructions: user.instructions.get() + kernel.instructions.get(),
            user_cycles: user.cycles.get(),
            user_instructions: user.instructions.get(),
            kernel_cycles: kernel.cycles.get(),
            kernel_instructions: kernel.instructions.get(),
            statistics,
        }
    })
    .collect()
}

/// What all harts share, and the miss rates of the function's hart.
pub(crate) fn shared(window: &TimingStats, hart: usize) -> Statistics {
    let mut statistics = Statistics::default();
    if let Some(llc) = &window.mem.llc {
        add(&mut statistics, "llc.", llc);
        add_derived(&mut statistics, "llc.", llc);
    }
    add(&mut statistics, "memory.", &window.mem.memory);
    if let Some(dram) = &window.mem.dram {
        add(&mut statistics, "dram.", dram);
        add_derived(&mut statistics, "dram.", dram);
    }
    let core = &window.cores[hart];
    for rate in rates(core, &window.mem.harts[hart]) {
        let sides = [&core.user, &core.kernel];
        let instructions = |of: &[&PrivilegeStats]| of.iter().map(|s| s.instructions.get()).sum();
        let events = |of: &[&PrivilegeStats]| of.iter().map(|s| (rate.events)(s)).sum();
        statistics.per_thousand(rate.path, events(&sides), instructions(&sides));
        for (name, side) in [("user", &core.user), ("kernel", &core.kernel)] {
            let path = format!("{name}.{}", rate.path);
            statistics.per_thousand(path, (rate.events)(side), side.instructions.get());
        }
    }
    statistics
}

/// A rate of misses per 1000 instructions.
struct Rate {
    path: &'static str,
    about: &'static str,
    events: fn(&PrivilegeStats) -> u64,
}

/// Accesses of `stream` that were found below `level`.
fn beyond(side: &PrivilegeStats, level: Level, stream: Stream) -> u64 {
    let found = side.found.iter().filter(|(at, _)| *at > level);
    found.map(|(_, streams)| streams[stream].get()).sum()
}

/// The rates that a hart with such counters has.
fn rates(core: &CoreStats, private: &PrivateStats) -> Vec<Rate> {
    let mut rates = Vec::from(of_first_levels());
    if private.l2.is_some() {
        rates.extend(of_second_level());
    }
    if core.user.out_of_order.is_some() {
        rates.extend(of_out_of_order());
    }
    rates
}

fn of_first_levels() -> [Rate; 7] {
    [
        Rate {
            path: "l1i.mpki",
            about: "Instruction fetches that missed the first-level cache",
            events: |s| beyond(s, Level::L1, Stream::Instruction),
        },
        Rate {
            path: "l1d.mpki",
            about: "Loads and stores that missed the first-level cache",
            events: |s| beyond(s, Level::L1, Stream::Data),
        },
        Rate {
            path: "llc.instruction_mpki",
            about: "Instruction fetches that missed the last level",
            events: |s| beyond(s, Level::Llc, Stream::Instruction),
        },
        Rate {
            path: "llc.data_mpki",
            about: "Loads and stores that missed the last level",
            events: |s| beyond(s, Level::Llc, Stream::Data),
        },
        Rate {
            path: "llc.walk_mpki",
            about: "Page-table entries that missed the last level",
            events: |s| beyond(s, Level::Llc, Stream::Walk),
        },
        Rate {
            path: "itlb.mpki",
            about: "Instruction fetches that missed the instruction TLB",
            events: |s| s.itlb_misses.get(),
        },
        Rate {
            path: "dtlb.mpki",
            about: "Loads and stores that missed the data TLB",
            events: |s| s.dtlb_misses.get(),
        },
    ]
}

fn of_second_level() -> [Rate; 3] {
    [
        Rate {
            path: "l2.instruction_mpki",
            about: "Instruction fetches that missed the second level",
            events: |s| beyond(s, Level::L2, Stream::Instruction),
        },
        Rate {
            path: "l2.walk_mpki",
            about: "Page-table entries that missed the second level",
            events: |s| beyond(s, Level::L2, Stream::Walk),
        },
        Rate {
            path: "l2.data_mpki",
            about: "Loads and stores that missed the second level",
            events: |s| beyond(s, Level::L2, Stream::Data),
        },
    ]
}

fn of_out_of_order() -> [Rate; 12] {
    [
        Rate {
            path: "branch.mpki",
            about: "Branches of all kinds guessed wrong",
            events: |s| {
                let all = ours(s, |o| o.squashes.sum());
                all - ours(s, |o| o.squashes[Cause::MemoryOrder].get())
            },
        },
        Rate {
            path: "branch.conditional_mpki",
            about: "Conditional branches guessed wrong",
            events: |s| ours(s, |o| o.squashes[Cause::Conditional].get()),
        },
        Rate {
            path: "branch.indirect_mpki",
            about: "Indirect jumps and calls guessed wrong",
            events: |s| ours(s, |o| o.squashes[Cause::Indirect].get()),
        },
        Rate {
            path: "branch.return_mpki",
            about: "Returns guessed wrong",
            events: |s| ours(s, |o| o.squashes[Cause::Return].get()),
        },
        Rate {
            path: "branch.target_mpki",
            about: "Direct branches with a wrong target in the branch target buffer",
            events: |s| ours(s, |o| o.squashes[Cause::Target].get()),
        },
        Rate {
            path: "branch.initial_mpki",
            about: "Branches guessed wrong when they first committed in the window",
            events: |s| ours(s, |o| o.mispredicted_initially.sum()),
        },
        Rate {
            path: "branch.subsequent_mpki",
            about: "Branches guessed wrong that had committed before in the window",
            events: |s| ours(s, |o| o.mispredicted.sum() - o.mispredicted_initially.sum()),
        },
        Rate {
            path: "branch.conditional_initial_mpki",
            about: "Conditional branches guessed wrong when they first committed in the window",
            events: |s| ours(s, |o| o.mispredicted_initially[Guess::Conditional].get()),
        },
        Rate {
            path: "branch.conditional_subsequent_mpki",
            about: "Conditional branches guessed wrong that had committed before in the window",
            events: |s| {
                let of = |o: &OutOfOrderStats| {
                    let [all, initial] = [&o.mispredicted, &o.mispredicted_initially];
                    all[Guess::Conditional].get() - initial[Guess::Conditional].get()
                };
                ours(s, of)
            },
        },
        Rate {
            path: "btb.mpki",
            about: "Taken branches that the branch target buffer did not know",
            events: |s| ours(s, |o| o.btb_misses.get()),
        },
        Rate {
            path: "decode_resteer.mpki",
            about: "Resteers at decode, wrong paths included",
            events: |s| ours(s, |o| o.decode_resteers.get()),
        },
        Rate {
            path: "memory_order.mpki",
            about: "Loads executed before an older store to their address",
            events: |s| ours(s, |o| o.squashes[Cause::MemoryOrder].get()),
        },
    ]
}

/// A counter of the out-of-order core.
fn ours(side: &PrivilegeStats, counter: fn(&OutOfOrderStats) -> u64) -> u64 {
    side.out_of_order.as_ref().map_or(0, counter)
}

/// Where the cycles of an out-of-order core went: at user privilege, in the kernel, and altogether.
fn add_breakdowns(to: &mut Statistics, core: &CoreStats) {
    for (prefix, side) in breakdowns(core) {
        if let Some(out_of_order) = &side.out_of_order {
            add_derived(to, &prefix, out_of_order);
        }
    }
}

fn breakdowns(core: &CoreStats) -> [(String, PrivilegeStats); 3] {
    let sides =
        [("", core.total()), ("user.", core.user.clone()), ("kernel.", core.kernel.clone())];
    sides.map(|(of, side)| (format!("{of}out_of_order."), side))
}

fn add(to: &mut Statistics, prefix: &str, from: &impl Stats) {
    for (path, count) in flatten(from) {
        to.count(format!("{prefix}{path}"), count);
    }
}

fn add_derived(to: &mut Statistics, prefix: &str, from: &impl Stats) {
    for (path, value) in stats::derived(from) {
        to.ratio(format!("{prefix}{path}"), value, "nothing to divide by was counted");
    }
}

/// Unit and description of everything [`harts`] and [`shared`] report.
pub(crate) fn catalogue(all: &TimingStats) -> Catalogue {
    let mut catalogue = Catalogue::new();
    let (core, private) = (CoreStats::default(), PrivateStats::default());
    let core = all.cores.first().unwrap_or(&core);
    let private = all.mem.harts.first().unwrap_or(&private);
    describe(&mut catalogue, "", core);
    describe(&mut catalogue, "", private);
    for (prefix, side) in breakdowns(core) {
        if let Some(out_of_order) = &side.out_of_order {
            let derived = stats::catalogue(out_of_order).into_iter();
            insert(&mut catalogue, &prefix, derived.filter(|entry| entry.formula.is_some()));
        }
    }
    if let Some(llc) = &all.mem.llc {
        describe(&mut catalogue, "llc.", llc);
    }
    describe(&mut catalogue, "memory.", &all.mem.memory);
    if let Some(dram) = &all.mem.dram {
        describe(&mut catalogue, "dram.", dram);
    }
    for rate in rates(core, private) {
        let unit = "misses/1000 instructions".to_owned();
        for (prefix, of) in [("", ""), ("user.", ", in user mode"), ("kernel.", ", in the kernel")]
        {
            let description = format!("{} of the function's hart{of}", rate.about);
            let about = About { unit: unit.clone(), description };
            catalogue.insert(format!("{prefix}{}", rate.path), about);
        }
    }
    catalogue
}

fn describe(catalogue: &mut Catalogue, prefix: &str, stats: &impl Stats) {
    insert(catalogue, prefix, stats::catalogue(stats));
}

fn insert(
    catalogue: &mut Catalogue,
    prefix: &str,
    entries: impl IntoIterator<Item = stats::Entry>,
) {
    for entry in entries {
        let about =
            About { unit: entry.unit.to_owned(), description: entry.description.to_owned() };
        catalogue.insert(format!("{prefix}{}", entry.path), about);
    }
}
