//! Parameters of the memory system, and what is wrong with them.

use crate::dram::DramConfig;
use crate::prefetch::PrefetcherConfig;
use crate::replacement::ReplacementKind;
use crate::walk_cache::WalkCacheConfig;
use serde::{Deserialize, Serialize};

/// One thing that is wrong with a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The dotted path of the value in the configuration file.
    pub path: String,
    /// What is wrong with it.
    pub what: String,
}

/// Collects everything that is wrong with a configuration, so that it is reported at once.
#[derive(Clone, Debug, Default)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// Notes a problem at `path` unless `fine`.
    pub fn require(&mut self, fine: bool, path: &str, what: impl FnOnce() -> String) {
        if !fine {
            self.0.push(Problem { path: path.to_owned(), what: what() });
        }
    }
}

/// A set-associative write-back, write-allocate cache.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CacheConfig {
    /// Capacity.
    pub size_kib: u64,
    /// Lines in a set.
    pub ways: u32,
    /// Time to look an address up; a miss goes on to the next level after it.
    pub tag_latency_cycles: u64,
    /// Time to read the data array.
    pub data_latency_cycles: u64,
    /// Time to pass data from the next level on to the requester.
    pub response_latency_cycles: u64,
    /// The data array is read after the tags and not beside them.
    #[serde(default)]
    pub sequential_access: bool,
    /// Misses that can be outstanding (miss status holding registers).
    pub mshrs: u32,
    /// Accesses, the first included, that can wait for one outstanding line.
    pub mshr_targets: u32,
    /// Changed lines that can wait on their way to the next level.
    pub write_buffers: u32,
    /// How a victim is chosen.
    #[serde(default)]
    pub replacement: ReplacementKind,
    /// Which lines it holds beside those of the levels above.
    #[serde(default)]
    pub inclusion: Inclusion,
    /// Banks, neighbouring lines in different ones, each of which looks one line up a cycle. Without
    /// it, any number of lookups can start in a cycle.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub banks: Option<u32>,
    /// What it fetches before anyone asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prefetcher: Option<PrefetcherConfig>,
}

/// What a level promises of the levels above it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Inclusion {
    /// A line that is filled goes into both; evictions are independent.
    #[default]
    NonInclusive,
    /// A line that leaves this level leaves those above too.
    Inclusive,
    /// A line comes in when it leaves the level above, changed or not, and goes out when it moves up
    /// again. It stays where the caches above cannot take it for their own: other copies are up
    /// there, or it is changed and an instruction is fetched from it.
    Exclusive,
}

/// The caches of a system.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CachesConfig {
    /// Size of a line in all caches.
    pub line_bytes: u64,
    /// First-level instruction cache, one a hart.
    pub l1i: CacheConfig,
    /// First-level data cache, one a hart.
    pub l1d: CacheConfig,
    /// Second level for instructions and data, one a hart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub l2: Option<CacheConfig>,
    /// Last level, shared by all harts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub llc: Option<CacheConfig>,
}

/// A translation lookaside buffer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlbConfig {
    /// Translations it holds, of pages of any size.
    pub entries: u32,
    /// Entries in a set; as many as `entries` make it fully associative.
    pub ways: u32,
    /// Time a hit adds to the access. Zero where the lookup hides behind the cache's.
    pub latency_cycles: u64,
    /// How a victim is chosen.
    #[serde(default)]
    pub replacement: ReplacementKind,
}

/// Address translation.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TlbsConfig {
    /// For instruction fetches, one a hart.
    pub itlb: TlbConfig,
    /// For loads and stores, one a hart.
    pub dtlb: TlbConfig,
    /// Behind both, one a hart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub l2_tlb: Option<TlbConfig>,
    /// The cache through which table entries are read.
    pub walk_through: WalkThrough,
    /// Walks a hart can have under way.
    #[serde(default = "one_walker")]
    pub walkers: u32,
    /// What walks remember of upper table levels, one a hart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub walk_cache: Option<WalkCacheConfig>,
}

fn one_walker() -> u32 {
    1
}

/// The first cache a page walker looks in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WalkThrough {
    /// The hart's first-level data cache.
    L1d,
    /// The level behind the first-level caches; table entries do not displace data in those.
    BelowL1,
}

/// Main memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "MemoryTable", into = "MemoryTable")]
pub enum MemoryConfig {
    /// With a fixed latency and a bandwidth.
    Fixed {
        /// From the request to the whole line.
        latency_ns: u64,
        /// Bytes a second, reads and writes together, in units of 10^6; 0 for no limit.
        bandwidth_mb_per_s: u64,
    },
    /// DRAM and its controllers.
    Dram(Box<DramConfig>),
}

/// [`MemoryConfig`] as it is written: the keys tell which one is meant.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MemoryTable {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    latency_ns: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    bandwidth_mb_per_s: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    dram: Option<Box<DramConfig>>,
}

impl TryFrom<MemoryTable> for MemoryConfig {
    type Error = &'static str;

    fn try_from(table: MemoryTable) -> Result<Self, Self::Error> {
        match (table.latency_ns, table.bandwidth_mb_per_s, table.dram) {
            (Some(latency_ns), Some(bandwidth_mb_per_s), None) => {
                Ok(Self::Fixed { latency_ns, bandwidth_mb_per_s })
            }
            (None, None, Some(dram)) => Ok(Self::Dram(dram)),
            (_, _, None) => Err("memory needs both latency_ns and bandwidth_mb_per_s, or dram"),
            (_, _, Some(_)) => {
                Err("memory has either dram or latency_ns and bandwidth_mb_per_s, not both")
            }
        }
    }
}

impl From<MemoryConfig> for MemoryTable {
    fn from(config: MemoryConfig) -> Self {
        match config {
            MemoryConfig::Fixed { latency_ns, bandwidth_mb_per_s } => Self {
                latency_ns: Some(latency_ns),
                bandwidth_mb_per_s: Some(bandwidth_mb_per_s),
                dram: None,
            },
            MemoryConfig::Dram(dram) => {
                Self { latency_ns: None, bandwidth_mb_per_s: None, dram: Some(dram) }
            }
        }
    }
}

/// Accesses to devices.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IoConfig {
    /// From the request to the answer of a device.
    pub latency_ns: u64,
}

impl CachesConfig {
    /// Notes what is wrong, with paths below `path`.
    pub fn validate(&self, path: &str, problems: &mut Problems) {
        let line = self.line_bytes;
        let fine = line.is_power_of_two() && (16..=256).contains(&line);
        problems.require(fine, &format!("{path}.line_bytes"), || {
            format!("{line} is not a power of two from 16 to 256")
        });
        let line = if fine { line } else { 64 };
        self.l1i.validate(&format!("{path}.l1i"), line, problems);
        self.l1d.validate(&format!("{path}.l1d"), line, problems);
        for (name, first_level) in [("l1i", &self.l1i), ("l1d", &self.l1d)] {
            let fine = first_level.inclusion == Inclusion::NonInclusive;
            problems.require(fine, &format!("{path}.{name}.inclusion"), || {
                "nothing lies above a first-level cache that it could include or exclude".to_owned()
            });
        }
        for (name, level) in [("l2", &self.l2), ("llc", &self.llc)] {
            if let Some(cache) = level {
                cache.validate(&format!("{path}.{name}"), line, problems);
            }
        }
    }
}

impl CacheConfig {
    /// Number of sets with lines of `line_bytes`.
    #[must_use]
    pub fn sets(&self, line_bytes: u64) -> u64 {
        self.size_kib * 1024 / line_bytes / u64::from(self.ways)
    }

    fn validate(&self, path: &str, line_bytes: u64, problems: &mut Problems) {
        let at = |key: &str| format!("{path}.{key}");
        let lines = self.size_kib.saturating_mul(1024) / line_bytes;
        let ways = self.ways;
        problems.require((1..=1 << 20).contains(&self.size_kib), &at("size_kib"), || {
            format!("{} is not from 1 to {} (1 GiB)", self.size_kib, 1 << 20)
        });
        problems.require((1..=64).contains(&ways), &at("ways"), || {
            format!("{ways} is not from 1 to 64")
        });
        if ways > 0 {
            let sets = lines / u64::from(ways);
            let fine = sets.is_power_of_two() && sets * u64::from(ways) == lines;
            problems.require(fine, &at("ways"), || {
                format!("{lines} lines in {ways} ways do not give a power of two of sets")
            });
        }
        self.replacement.validate(&at("replacement"), ways, problems);
        for (key, cycles) in [
            ("tag_latency_cycles", self.tag_latency_cycles),
            ("data_latency_cycles", self.data_latency_cycles),
        ] {
            problems.require((1..=10_000).contains(&cycles), &at(key), || {
                format!("{cycles} is not from 1 to 10000: an array cannot answer in no time")
            });
        }
        problems.require(
            self.response_latency_cycles <= 10_000,
            &at("response_latency_cycles"),
            || format!("{} is above 10000", self.response_latency_cycles),
        );
        for (key, count) in [
            ("mshrs", self.mshrs),
            ("mshr_targets", self.mshr_targets),
            ("write_buffers", self.write_buffers),
        ] {
            problems.require((1..=1024).contains(&count), &at(key), || {
                format!("{count} is not from 1 to 1024")
            });
        }
        if let Some(banks) = self.banks {
            let fine = banks.is_power_of_two() && banks <= 64;
            problems.require(fine, &at("banks"), || {
                format!("{banks} is not a power of two from 1 to 64")
            });
        }
        if let Some(prefetcher) = &self.prefetcher {
            prefetcher.validate(&at("prefetcher"), problems);
        }
    }
}

impl TlbsConfig {
    /// Notes what is wrong, with paths below `path`.
    pub fn validate(&self, path: &str, problems: &mut Problems) {
        self.itlb.validate(&format!("{path}.itlb"), problems);
        self.dtlb.validate(&format!("{path}.dtlb"), problems);
        if let Some(tlb) = &self.l2_tlb {
            tlb.validate(&format!("{path}.l2_tlb"), problems);
        }
        if let Some(walk_cache) = &self.walk_cache {
            walk_cache.validate(&format!("{path}.walk_cache"), problems);
        }
        let walkers = self.walkers;
        problems.require((1..=64).contains(&walkers), &format!("{path}.walkers"), || {
            format!("{walkers} is not from 1 to 64")
        });
    }
}

impl TlbConfig {
    fn validate(&self, path: &str, problems: &mut Problems) {
        let (entries, ways) = (self.entries, self.ways);
        problems.require((1..=65_535).contains(&entries), &format!("{path}.entries"), || {
            format!("{entries} is not from 1 to 65535")
        });
        let divides = (1..=entries).contains(&ways)
            && entries.is_multiple_of(ways)
            && (entries / ways).is_power_of_two();
        problems.require(divides, &format!("{path}.ways"), || {
            format!("{entries} entries in {ways} ways do not give a power of two of sets")
        });
        self.replacement.validate(&format!("{path}.replacement"), ways, problems);
        problems.require(self.latency_cycles <= 10_000, &format!("{path}.latency_cycles"), || {
            format!("{} is above 10000", self.latency_cycles)
        });
    }
}

impl MemoryConfig {
    /// Notes what is wrong, with paths below `path`.
    pub fn validate(&self, path: &str, problems: &mut Problems) {
        match self {
            Self::Fixed { latency_ns: latency, .. } => {
                let fine = (1..=100_000).contains(latency);
                problems.require(fine, &format!("{path}.latency_ns"), || {
                    format!("{latency} is not from 1 to 100000")
                });
            }
            Self::Dram(dram) => dram.validate(&format!("{path}.dram"), problems),
        }
    }
}

impl IoConfig {
    /// Notes what is wrong, with paths below `path`.
    pub fn validate(&self, path: &str, problems: &mut Problems) {
        let latency = self.latency_ns;
        problems.require((1..=100_000).contains(&latency), &format!("{path}.latency_ns"), || {
            format!("{latency} is not from 1 to 100000")
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn memory(toml: &str) -> Result<MemoryConfig, String> {
        toml::from_str(toml).map_err(|error| error.to_string())
    }

    #[test]
    fn the_keys_of_memory_tell_which_one_is_meant() {
        let fixed = MemoryConfig::Fixed { latency_ns: 30, bandwidth_mb_per_s: 0 };
        let text = toml::to_string(&fixed).expect("plain data");
        assert_eq!(memory(&text), Ok(fixed));
        for (text, expected) in [
            ("latency_ns = 30", "memory needs both"),
            ("", "or dram"),
            ("latency_ns = 30\nlatency = 5", "unknown field `latency`"),
        ] {
            let refusal = memory(text).expect_err(text);
            assert!(refusal.contains(expected), "{refusal}");
        }
    }

    #[test]
    fn dram_is_memory_by_itself() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../configs/dram/ddr4_2400.toml");
        let dram = std::fs::read_to_string(file).expect("it is part of the project");
        let dram: DramConfig = toml::from_str(&dram).expect("it is valid");
        let config = MemoryConfig::Dram(Box::new(dram));
        let mut text = toml::to_string(&config).expect("plain data");
        assert_eq!(memory(&text), Ok(config));
        text.insert_str(0, "latency_ns = 30\n");
        assert!(memory(&text).expect_err("two memories").contains("not both"));
    }

    #[test]
    fn what_cannot_be_is_reported_together() {
        let cache = "size_kib = 4\nways = 4\ntag_latency_cycles = 1\ndata_latency_cycles = 1\n\
                     response_latency_cycles = 1\nmshrs = 4\nmshr_targets = 4\nwrite_buffers = 4\n";
        let text = format!(
            "line_bytes = 64\n[l1i]\n{cache}banks = 3\n[l1d]\n{cache}inclusion = \"exclusive\"\n\
             [l2]\n{cache}inclusion = \"exclusive\"\nbanks = 4\n\
             prefetcher = {{ kind = \"next_line\", degree = 0 }}\n"
        );
        let caches: CachesConfig = toml::from_str(&text).expect("well-formed");
        let mut problems = Problems::default();
        caches.validate("caches", &mut problems);
        let paths: Vec<_> = problems.0.iter().map(|problem| problem.path.as_str()).collect();
        let expected = ["caches.l1i.banks", "caches.l1d.inclusion", "caches.l2.prefetcher.degree"];
        assert_eq!(paths, expected);
    }
}
