//! Parameters of a memory: one page of numbers per standard, and what is wrong with one.

use crate::Problems;
use serde::{Deserialize, Serialize};

/// A memory standard, how it is built up, and the controller in front of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DramConfig {
    /// The standard, its speed bin and the devices, for people.
    pub description: String,
    /// What there is.
    pub organisation: OrganisationConfig,
    /// How long it takes.
    pub timing: TimingConfig,
    /// Who decides what is done next.
    pub controller: ControllerConfig,
}

/// The parts of a memory. All numbers are powers of two.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OrganisationConfig {
    /// Independent channels, each with a controller. A DDR5 module has two.
    pub channels: u32,
    /// Ranks of a channel.
    pub ranks: u32,
    /// Bank groups of a rank.
    pub bank_groups: u32,
    /// Banks of a bank group.
    pub banks_per_group: u32,
    /// Rows of a bank.
    pub rows: u32,
    /// Bytes of a row over all devices of a rank.
    pub row_bytes: u64,
    /// Width of a channel's data bus, without that for error correction.
    pub bus_bits: u64,
    /// Width of a device. The timing has to be that of devices of this width.
    pub device_bits: u64,
}

/// Timing parameters by their JEDEC names without the `t`, in clocks where no unit is named.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TimingConfig {
    /// Length of a clock.
    pub tck_ps: u64,
    /// Clocks that ACT, RD and WR take on the command bus; PRE and REF take one.
    pub command_clocks: u64,
    /// Beats of a burst, two a clock.
    pub burst_length: u64,
    /// RD to its first data.
    pub cl: u64,
    /// WR to its first data.
    pub cwl: u64,
    /// ACT to RD or WR.
    pub rcd: u64,
    /// PRE to ACT.
    pub rp: u64,
    /// ACT to PRE.
    pub ras: u64,
    /// ACT to ACT in the same bank.
    pub rc: u64,
    /// RD to PRE.
    pub rtp: u64,
    /// End of write data to PRE.
    pub wr: u64,
    /// Column command to the next of its kind in another bank group.
    pub ccd_s: u64,
    /// RD to RD in the same bank group.
    pub ccd_l: u64,
    /// WR to WR in the same bank group.
    pub ccd_l_wr: u64,
    /// ACT to ACT in another bank group of the rank.
    pub rrd_s: u64,
    /// ACT to ACT in the same bank group.
    pub rrd_l: u64,
    /// Window that holds at most four ACT of a rank.
    pub faw: u64,
    /// End of write data to RD in another bank group of the rank.
    pub wtr_s: u64,
    /// End of write data to RD in the same bank group.
    pub wtr_l: u64,
    /// Clocks between read data and the write data after them in the same rank.
    pub read_to_write_gap: u64,
    /// Clocks between the data of two ranks.
    pub cs: u64,
    /// PRE to PRE in the same rank.
    pub ppd: u64,
    /// Mean interval of refreshes.
    pub refi_ns: u64,
    /// Duration of a refresh of all banks.
    pub rfc_ns: u64,
}

/// The controller of a channel.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ControllerConfig {
    /// Reads that can wait.
    pub read_queue: u32,
    /// Writes that can wait.
    pub write_queue: u32,
    /// From this many waiting writes on, writes go before reads.
    pub write_high: u32,
    /// Down to this many waiting writes, they do so.
    pub write_low: u32,
    /// The oldest read goes before row hits once it has waited this long.
    pub starvation_clocks: u64,
    /// When rows are closed.
    pub page_policy: PagePolicy,
    /// The fields of an address from the most significant to the least.
    pub address_map: Vec<AddressField>,
}

/// When a row is closed that no refresh and no other row closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PagePolicy {
    /// Never.
    Open,
    /// With the last waiting access to it (auto-precharge).
    Closed,
    /// When nothing has used it for so many clocks.
    TimeoutClocks(u64),
}

/// A field of an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AddressField {
    /// Row of a bank.
    Row,
    /// Rank of a channel.
    Rank,
    /// Bank group of a rank.
    BankGroup,
    /// Bank of a bank group.
    Bank,
    /// Line of a row.
    Column,
    /// Channel.
    Channel,
}

impl DramConfig {
    /// Bytes of all channels together.
    #[must_use]
    pub fn capacity_bytes(&self) -> u64 {
        let o = &self.organisation;
        let banks = o.channels * o.ranks * o.bank_groups * o.banks_per_group;
        u64::from(banks) * u64::from(o.rows) * o.row_bytes
    }

    /// Bytes a second that all data buses together can carry.
    #[must_use]
    pub fn peak_bytes_per_second(&self) -> u64 {
        let o = &self.organisation;
        // Two beats a clock.
        u64::from(o.channels) * o.bus_bits / 8 * 2 * 1_000_000_000_000 / self.timing.tck_ps
    }

    /// Bytes of one burst.
    pub(super) fn burst_bytes(&self) -> u64 {
        self.organisation.bus_bits / 8 * self.timing.burst_length
    }

    /// Notes what is wrong, with paths below `path`.
    pub fn validate(&self, path: &str, problems: &mut Problems) {
        self.organisation.validate(&format!("{path}.organisation"), problems);
        self.timing.validate(&format!("{path}.timing"), problems);
        self.controller.validate(&format!("{path}.controller"), problems);
    }
}

impl OrganisationConfig {
    fn validate(&self, path: &str, problems: &mut Problems) {
        for (key, count, from, to) in [
            ("channels", u64::from(self.channels), 1, 64),
            ("ranks", u64::from(self.ranks), 1, 16),
            ("bank_groups", u64::from(self.bank_groups), 1, 16),
            ("banks_per_group", u64::from(self.banks_per_group), 1, 16),
            ("rows", u64::from(self.rows), 2, 1 << 24),
            ("row_bytes", self.row_bytes, 512, 1 << 20),
            ("bus_bits", self.bus_bits, 8, 1024),
            ("device_bits", self.device_bits, 4, 1024),
        ] {
            let fine = count.is_power_of_two() && (from..=to).contains(&count);
            problems.require(fine, &format!("{path}.{key}"), || {
                format!("{count} is not a power of two from {from} to {to}")
            });
        }
        problems.require(self.device_bits <= self.bus_bits, &format!("{path}.device_bits"), || {
            format!("a device of {} bits is wider than the bus", self.device_bits)
        });
    }
}

impl TimingConfig {
    fn validate(&self, path: &str, problems: &mut Problems) {
        self.validate_ranges(path, problems);
        let mut at_least = |key: &str, value: u64, least: u64, name: &str| {
            problems.require(value >= least, &format!("{path}.{key}"), || {
                format!("{value} is below {name}, {least}")
            });
        };
        at_least("rc", self.rc, self.ras.saturating_add(self.rp), "ras + rp");
        at_least("ras", self.ras, self.rcd, "rcd");
        at_least("ccd_l", self.ccd_l, self.ccd_s, "ccd_s");
        at_least("ccd_l_wr", self.ccd_l_wr, self.ccd_s, "ccd_s");
        at_least("rrd_l", self.rrd_l, self.rrd_s, "rrd_s");
        at_least("faw", self.faw, self.rrd_s, "rrd_s");
        at_least("wtr_l", self.wtr_l, self.wtr_s, "wtr_s");
        // Data come in the order of their commands only if reads are not the faster ones.
        at_least("cl", self.cl, self.cwl, "cwl");
        let rfc = self.rfc_ns.saturating_mul(2);
        at_least("refi_ns", self.refi_ns, rfc, "twice rfc_ns");
    }

    fn validate_ranges(&self, path: &str, problems: &mut Problems) {
        let burst = self.burst_length;
        let fine = burst.is_power_of_two() && (2..=64).contains(&burst);
        problems.require(fine, &format!("{path}.burst_length"), || {
            format!("{burst} is not a power of two from 2 to 64")
        });
        let clocks = 1..=4096;
        for (key, value, range) in [
            ("tck_ps", self.tck_ps, 50..=100_000),
            ("command_clocks", self.command_clocks, 1..=4),
            ("cl", self.cl, clocks.clone()),
            ("cwl", self.cwl, clocks.clone()),
            ("rcd", self.rcd, clocks.clone()),
            ("rp", self.rp, clocks.clone()),
            ("ras", self.ras, clocks.clone()),
            ("rc", self.rc, clocks.clone()),
            ("rtp", self.rtp, clocks.clone()),
            ("wr", self.wr, clocks.clone()),
            ("ccd_s", self.ccd_s, clocks.clone()),
            ("ccd_l", self.ccd_l, clocks.clone()),
            ("ccd_l_wr", self.ccd_l_wr, clocks.clone()),
            ("rrd_s", self.rrd_s, clocks.clone()),
            ("rrd_l", self.rrd_l, clocks.clone()),
            ("faw", self.faw, clocks.clone()),
            ("wtr_s", self.wtr_s, clocks.clone()),
            ("wtr_l", self.wtr_l, clocks.clone()),
            ("read_to_write_gap", self.read_to_write_gap, 0..=4096),
            ("cs", self.cs, 0..=4096),
            ("ppd", self.ppd, clocks),
            ("refi_ns", self.refi_ns, 100..=1_000_000),
            ("rfc_ns", self.rfc_ns, 1..=100_000),
        ] {
            problems.require(range.contains(&value), &format!("{path}.{key}"), || {
                format!("{value} is not from {} to {}", range.start(), range.end())
            });
        }
    }
}

impl ControllerConfig {
    fn validate(&self, path: &str, problems: &mut Problems) {
        for (key, count) in [("read_queue", self.read_queue), ("write_queue", self.write_queue)] {
            problems.require((1..=4096).contains(&count), &format!("{path}.{key}"), || {
                format!("{count} is not from 1 to 4096")
            });
        }
        let (low, high, queue) = (self.write_low, self.write_high, self.write_queue);
        problems.require((1..=queue).contains(&high), &format!("{path}.write_high"), || {
            format!("{high} is not from 1 to write_queue, {queue}")
        });
        problems.require(low < high, &format!("{path}.write_low"), || {
            format!("{low} is not below write_high, {high}")
        });
        let limits = [
            ("starvation_clocks", Some(self.starvation_clocks)),
            ("page_policy.timeout_clocks", self.page_policy.timeout()),
        ];
        for (key, clocks) in limits.into_iter().filter_map(|(key, c)| Some((key, c?))) {
            problems.require((1..=1 << 30).contains(&clocks), &format!("{path}.{key}"), || {
                format!("{clocks} is not from 1 to {}", 1 << 30)
            });
        }
        for &field in AddressField::ALL {
            let times = self.address_map.iter().filter(|&&mapped| mapped == field).count();
            problems.require(times == 1, &format!("{path}.address_map"), || {
                format!("{field:?} is there {times} times, not once")
            });
        }
    }
}

impl PagePolicy {
    /// Clocks without use after which a row is closed, if that is the policy.
    pub(super) fn timeout(self) -> Option<u64> {
        match self {
            Self::TimeoutClocks(clocks) => Some(clocks),
            Self::Open | Self::Closed => None,
        }
    }
}

impl AddressField {
    const ALL: &'static [Self] =
        &[Self::Row, Self::Rank, Self::BankGroup, Self::Bank, Self::Column, Self::Channel];
}
