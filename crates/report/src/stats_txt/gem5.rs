//! What gem5 counts as well, under its names (src/mem/cache/base.cc, src/mem/abstract_mem.cc,
//! src/arch/riscv/tlb.cc, and those named below), computed from ours.
//!
//! An access that joins an outstanding miss is a hit that was `merged` for us and a demand miss that
//! hit an MSHR for gem5. Totals only: gem5 splits by requestor, we split by kind of access.

use crate::model::{Statistics, Value};

/// One statistic as gem5 names it.
#[derive(Debug, PartialEq)]
pub(super) struct Line {
    pub(super) name: String,
    pub(super) value: Value,
    pub(super) description: &'static str,
    pub(super) unit: &'static str,
}

/// The counterparts of a hart's statistics, named from the hart.
pub(super) fn of_hart(statistics: &Statistics) -> Vec<Line> {
    let counts = Counts(statistics);
    let caches = [("l1i", "icache"), ("l1d", "dcache"), ("l2", "l2cache")];
    let tlbs = [("itlb", "mmu.itb"), ("dtlb", "mmu.dtb")];
    let caches = caches.into_iter().flat_map(|(ours, gem5)| counts.cache(ours, gem5));
    let tlbs = tlbs.into_iter().flat_map(|(ours, gem5)| counts.tlb(ours, gem5));
    caches.chain(tlbs).chain(counts.out_of_order()).collect()
}

/// The counterparts of what harts share, named from the system; the last level is gem5's `l3` if
/// harts have a second level of their own.
pub(super) fn of_shared(statistics: &Statistics, private_l2: bool) -> Vec<Line> {
    let counts = Counts(statistics);
    let mut lines = counts.cache("llc", if private_l2 { "l3" } else { "l2" });
    let memory = [
        ("memory.reads", "mem_ctrls.numReads::total", "Lines read from memory"),
        ("memory.writes", "mem_ctrls.numWrites::total", "Lines written to memory"),
    ];
    for (ours, gem5, description) in memory {
        lines.extend(counts.total(ours).map(|count| line(gem5, count, description)));
    }
    lines.extend(counts.dram());
    lines
}

/// Whether a hart's statistics are those of one with a second-level cache.
pub(super) fn has_l2(statistics: &Statistics) -> bool {
    Counts(statistics).total("l2.misses").is_some()
}

fn line(name: impl Into<String>, count: u64, description: &'static str) -> Line {
    Line { name: name.into(), value: Value::Count(count), description, unit: "Count" }
}

fn rate(name: String, part: u64, whole: u64, description: &'static str) -> Option<Line> {
    let value = Value::Real(part as f64 / whole as f64);
    (whole > 0).then_some(Line { name, value, description, unit: "Ratio" })
}

struct Counts<'a>(&'a Statistics);

impl Counts<'_> {
    /// The count at `path`, or the sum of the counts by kind below it.
    fn total(&self, path: &str) -> Option<u64> {
        let kinds = format!("{path}.");
        let is_part = |name: &str| name == path || name.starts_with(&kinds);
        let parts = self.0.values.iter().filter_map(|(name, value)| match value {
            Value::Count(count) if is_part(name) => Some(*count),
            _ => None,
        });
        parts.reduce(u64::saturating_add)
    }

    fn cache(&self, ours: &str, gem5: &str) -> Vec<Line> {
        let total = |counter: &str| self.total(&format!("{ours}.{counter}"));
        let (Some(hits), Some(misses)) = (total("hits"), total("misses")) else {
            return Vec::new();
        };
        let merged = total("merged").unwrap_or(0).min(hits);
        let accesses = hits.saturating_add(misses);
        let waited = misses.saturating_add(merged);
        let name = |counter: &str| format!("{gem5}.{counter}");
        let counts = [
            ("demandHits::total", hits - merged, "Accesses that found their line arrived"),
            ("demandMisses::total", waited, "Accesses that had to wait for their line"),
            ("demandAccesses::total", accesses, "Accesses"),
            ("demandMshrHits::total", merged, "Accesses that joined an outstanding miss"),
            ("demandMshrMisses::total", misses, "Accesses that had their line fetched"),
        ];
        let mut lines: Vec<Line> =
            counts.map(|(counter, count, about)| line(name(counter), count, about)).into();
        let rates = [
            ("demandMissRate::total", waited, "Share of accesses that had to wait"),
            ("demandMshrMissRate::total", misses, "Share of accesses that had their line fetched"),
        ];
        lines.extend(
            rates
                .into_iter()
                .filter_map(|(counter, part, about)| rate(name(counter), part, accesses, about)),
        );
        let evictions = total("evictions").map(|n| line(name("replacements"), n, "Lines replaced"));
        let write_backs = total("write_backs")
            .map(|n| line(name("writebacks::total"), n, "Changed lines passed to the next level"));
        lines.extend(evictions.into_iter().chain(write_backs));
        lines.extend(self.prefetcher(ours, gem5));
        lines
    }

    fn prefetcher(&self, ours: &str, gem5: &str) -> Vec<Line> {
        let counts = [
            ("issued", "pfIssued", "Lines prefetched"),
            ("useful", "pfUseful", "Prefetched lines that were asked for"),
            ("late", "pfLate", "Prefetched lines that were asked for before they arrived"),
            ("useless", "pfUnused", "Prefetched lines that left without having been asked for"),
        ];
        let path = |counter: &str| format!("{ours}.prefetch.{counter}");
        if self.total(&path("issued")).unwrap_or(0) == 0 {
            return Vec::new();
        }
        let found = counts.into_iter().filter_map(|(counter, name, about)| {
            Some(line(format!("{gem5}.prefetcher.{name}"), self.total(&path(counter))?, about))
        });
        found.collect()
    }

    /// The sum over the two privileges.
    fn of_core(&self, counter: &str) -> Option<u64> {
        let (user, kernel) = (format!("user.{counter}"), format!("kernel.{counter}"));
        Some(self.total(&user)?.saturating_add(self.total(&kernel)?))
    }

    /// What gem5's O3 model counts in the same way (src/cpu/o3, src/cpu/pred/bpred_unit.cc).
    fn out_of_order(&self) -> Vec<Line> {
        let ours = |counter: &str| self.of_core(&format!("out_of_order.{counter}"));
        let Some(squashes) = ours("squashes") else { return Vec::new() };
        let memory_order = ours("squashes.memory_order").unwrap_or(0);
        let mispredicted = squashes.saturating_sub(memory_order);
        let counts = [
            (self.of_core("branches"), "commitStats0.committedControl::IsControl", "Branches"),
            (
                ours("conditional_branches"),
                "commitStats0.committedControl::IsCondControl",
                "Conditional branches",
            ),
            (Some(mispredicted), "commit.branchMispredicts", "Branches guessed wrong"),
            (
                ours("squashes.conditional"),
                "branchPred.condIncorrect",
                "Conditional branches guessed wrong",
            ),
            (
                ours("squashes.indirect"),
                "branchPred.indirectMispredicted",
                "Indirect branches guessed wrong",
            ),
            (ours("squashes.return"), "branchPred.ras.incorrect", "Returns guessed wrong"),
            (ours("decode_resteers"), "decode.branchMispred", "Resteers at decode"),
            (ours("fetched"), "fetchStats0.numInsts", "Instructions fetched"),
            (ours("renamed"), "rename.renamedInsts", "Instructions renamed"),
            (ours("squashed"), "commit.commitSquashedInsts", "Renamed instructions squashed"),
            (Some(memory_order), "iew.memOrderViolationEvents", "Memory-order violations"),
            (ours("forwarded"), "lsq0.forwLoads", "Loads that a store in the queue served"),
        ];
        let found = counts.into_iter();
        found.filter_map(|(count, name, about)| Some(line(name, count?, about))).collect()
    }

    /// What gem5's DRAM controller counts in the same way (src/mem/mem_ctrl.cc, dram_interface.cc).
    fn dram(&self) -> Vec<Line> {
        let total = |counter: &str| self.total(&format!("dram.{counter}"));
        let (Some(reads), Some(writes)) = (total("reads"), total("writes")) else {
            return Vec::new();
        };
        let forwarded = total("forwarded").unwrap_or(0);
        let counts = [
            (Some(reads.saturating_add(forwarded)), "readReqs", "Reads accepted"),
            (Some(writes), "writeReqs", "Writes accepted"),
            (Some(forwarded), "servicedByWrQ", "Reads answered by a queued write"),
            (total("row_hits.read"), "dram.readRowHits", "Reads that found their row open"),
            (total("row_hits.write"), "dram.writeRowHits", "Writes that found their row open"),
            (total("bytes_read"), "dram.dramBytesRead", "Bytes read from the devices"),
            (total("bytes_written"), "dram.dramBytesWritten", "Bytes written to the devices"),
        ];
        let found = counts.into_iter();
        found
            .filter_map(|(count, name, about)| {
                Some(line(format!("mem_ctrl.{name}"), count?, about))
            })
            .collect()
    }

    fn tlb(&self, ours: &str, gem5: &str) -> Vec<Line> {
        let total = |counter: &str| self.total(&format!("{ours}.{counter}"));
        let (Some(hits), Some(misses)) = (total("hits"), total("misses")) else {
            return Vec::new();
        };
        let name = |counter: &str| format!("{gem5}.{counter}");
        vec![
            line(name("hits"), hits, "Lookups that found their page"),
            line(name("misses"), misses, "Lookups that did not find their page"),
            line(name("accesses"), hits.saturating_add(misses), "Lookups"),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn statistics(counts: &[(&str, u64)]) -> Statistics {
        let mut statistics = Statistics::default();
        counts.iter().for_each(|(path, count)| statistics.count(*path, *count));
        statistics
    }

    fn shown(lines: &[Line]) -> Vec<(&str, f64)> {
        let value = |line: &Line| line.value.number().expect("only numbers become lines");
        lines.iter().map(|line| (line.name.as_str(), value(line))).collect()
    }

    #[test]
    fn merged_hits_are_misses_that_hit_an_mshr() {
        let lines = of_hart(&statistics(&[
            ("l1d.hits.load", 60),
            ("l1d.hits.store", 20),
            ("l1d.misses.load", 15),
            ("l1d.misses.store", 5),
            ("l1d.merged", 10),
            ("l1d.evictions", 7),
            ("l1d.write_backs", 3),
            ("l1d.write_backs_received", 99),
        ]));
        let expected = [
            ("dcache.demandHits::total", 70.0),
            ("dcache.demandMisses::total", 30.0),
            ("dcache.demandAccesses::total", 100.0),
            ("dcache.demandMshrHits::total", 10.0),
            ("dcache.demandMshrMisses::total", 20.0),
            ("dcache.demandMissRate::total", 0.3),
            ("dcache.demandMshrMissRate::total", 0.2),
            ("dcache.replacements", 7.0),
            ("dcache.writebacks::total", 3.0),
        ];
        assert_eq!(shown(&lines), expected);
    }

    #[test]
    fn an_unused_cache_has_counts_and_no_rates() {
        let lines = of_hart(&statistics(&[("l1i.hits.load", 0), ("l1i.misses.load", 0)]));
        assert_eq!(lines.len(), 5);
        assert!(lines.iter().all(|line| line.value == Value::Count(0)));
    }

    #[test]
    fn an_out_of_order_core_has_the_names_of_gem5s() {
        let lines = of_hart(&statistics(&[
            ("user.branches", 100),
            ("kernel.branches", 10),
            ("user.out_of_order.conditional_branches", 70),
            ("kernel.out_of_order.conditional_branches", 7),
            ("user.out_of_order.squashes.conditional", 5),
            ("user.out_of_order.squashes.memory_order", 2),
            ("kernel.out_of_order.squashes.conditional", 3),
            ("kernel.out_of_order.squashes.memory_order", 1),
        ]));
        let expected = [
            ("commitStats0.committedControl::IsControl", 110.0),
            ("commitStats0.committedControl::IsCondControl", 77.0),
            ("commit.branchMispredicts", 8.0),
            ("branchPred.condIncorrect", 8.0),
            ("iew.memOrderViolationEvents", 3.0),
        ];
        assert_eq!(shown(&lines), expected);
    }

    #[test]
    fn dram_and_prefetchers_have_the_names_of_gem5s() {
        let lines = of_shared(
            &statistics(&[
                ("dram.reads", 90),
                ("dram.forwarded", 10),
                ("dram.writes", 30),
                ("dram.row_hits.read", 60),
                ("dram.bytes_read", 5760),
                ("llc.hits.load", 1),
                ("llc.misses.load", 0),
                ("llc.prefetch.issued", 4),
                ("llc.prefetch.useless", 1),
            ]),
            true,
        );
        let lines = shown(&lines);
        let expected = [
            ("l3.prefetcher.pfIssued", 4.0),
            ("l3.prefetcher.pfUnused", 1.0),
            ("mem_ctrl.readReqs", 100.0),
            ("mem_ctrl.writeReqs", 30.0),
            ("mem_ctrl.servicedByWrQ", 10.0),
            ("mem_ctrl.dram.readRowHits", 60.0),
            ("mem_ctrl.dram.dramBytesRead", 5760.0),
        ];
        assert_eq!(lines[lines.len() - expected.len()..], expected);
    }

    #[test]
    fn the_last_level_is_numbered_after_the_private_ones() {
        let shared =
            statistics(&[("llc.hits.load", 1), ("llc.misses.load", 1), ("memory.reads", 4)]);
        let first = |private_l2| of_shared(&shared, private_l2)[0].name.clone();
        assert_eq!(first(false), "l2.demandHits::total");
        assert_eq!(first(true), "l3.demandHits::total");
        let lines = of_shared(&shared, false);
        assert_eq!(shown(&lines).last(), Some(&("mem_ctrls.numReads::total", 4.0)));
        assert!(has_l2(&statistics(&[("l2.misses.walk", 0)])));
        assert!(!has_l2(&statistics(&[("l2_tlb.misses", 0)])));
    }
}
