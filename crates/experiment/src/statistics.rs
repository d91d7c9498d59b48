//! From the counters of a window to the statistics of a result.

use mem::Level;
use pipeline::{CoreStats, PrivilegeStats, Stream};
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
    }
    add(&mut statistics, "memory.", &window.mem.memory);
    let core = &window.cores[hart];
    for rate in rates(window.mem.harts[hart].l2.is_some()) {
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

fn rates(with_l2: bool) -> Vec<Rate> {
    let mut rates = vec![
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
            path: "itlb.mpki",
            about: "Instruction fetches that missed the instruction TLB",
            events: |s| s.itlb_misses.get(),
        },
        Rate {
            path: "dtlb.mpki",
            about: "Loads and stores that missed the data TLB",
            events: |s| s.dtlb_misses.get(),
        },
    ];
    if with_l2 {
        rates.push(Rate {
            path: "l2.instruction_mpki",
            about: "Instruction fetches that missed the second level",
            events: |s| beyond(s, Level::L2, Stream::Instruction),
        });
        rates.push(Rate {
            path: "l2.data_mpki",
            about: "Loads and stores that missed the second level",
            events: |s| beyond(s, Level::L2, Stream::Data),
        });
    }
    rates
}

fn add(to: &mut Statistics, prefix: &str, from: &impl Stats) {
    for (path, count) in flatten(from) {
        to.count(format!("{prefix}{path}"), count);
    }
}

/// Unit and description of everything [`harts`] and [`shared`] report.
pub(crate) fn catalogue(all: &TimingStats) -> Catalogue {
    let mut catalogue = Catalogue::new();
    let core = CoreStats::default();
    describe(&mut catalogue, "", all.cores.first().unwrap_or(&core));
    if let Some(private) = all.mem.harts.first() {
        describe(&mut catalogue, "", private);
    }
    if let Some(llc) = &all.mem.llc {
        describe(&mut catalogue, "llc.", llc);
    }
    describe(&mut catalogue, "memory.", &all.mem.memory);
    for rate in rates(all.mem.harts.first().is_some_and(|private| private.l2.is_some())) {
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
    for entry in stats::catalogue(stats) {
        let about =
            About { unit: entry.unit.to_owned(), description: entry.description.to_owned() };
        catalogue.insert(format!("{prefix}{}", entry.path), about);
    }
}
