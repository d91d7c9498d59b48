//! The timing parameters in clocks, and the intervals between commands that follow from them.

use super::command::Command;
use super::config::TimingConfig;

/// Intervals in clocks, under their JEDEC names without the `t`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    /// Clocks that ACT, RD and WR take on the command bus.
    command: u64,
    /// Clocks of one burst on the data bus.
    pub burst: u64,
    pub cl: u64,
    pub cwl: u64,
    pub rcd: u64,
    pub rp: u64,
    pub ras: u64,
    pub rc: u64,
    pub rtp: u64,
    pub ccd_s: u64,
    pub ccd_l: u64,
    pub ccd_l_wr: u64,
    pub rrd_s: u64,
    pub rrd_l: u64,
    pub faw: u64,
    pub cs: u64,
    pub ppd: u64,
    pub refi: u64,
    pub rfc: u64,
    /// RD to WR in the same rank: the bus turns around after the read data.
    pub read_to_write: u64,
    /// WR to RD in another bank group of the rank: tWTR counts from the end of the write data.
    pub write_to_read_s: u64,
    /// WR to RD in the same bank group.
    pub write_to_read_l: u64,
    /// WR to PRE: tWR counts from the end of the write data.
    pub write_to_precharge: u64,
}

impl Timing {
    pub(super) fn new(config: &TimingConfig) -> Self {
        // Two beats a clock: the D in DDR.
        let burst = config.burst_length / 2;
        let written = config.cwl + burst;
        Self {
            command: config.command_clocks,
            burst,
            cl: config.cl,
            cwl: config.cwl,
            rcd: config.rcd,
            rp: config.rp,
            ras: config.ras,
            rc: config.rc,
            rtp: config.rtp,
            ccd_s: config.ccd_s,
            ccd_l: config.ccd_l,
            ccd_l_wr: config.ccd_l_wr,
            rrd_s: config.rrd_s,
            rrd_l: config.rrd_l,
            faw: config.faw,
            cs: config.cs,
            ppd: config.ppd,
            // The interval is a maximum, the duration a minimum.
            refi: config.refi_ns * 1000 / config.tck_ps,
            rfc: (config.rfc_ns * 1000).div_ceil(config.tck_ps),
            read_to_write: config.cl + burst + config.read_to_write_gap - config.cwl,
            write_to_read_s: written + config.wtr_s,
            write_to_read_l: written + config.wtr_l,
            write_to_precharge: written + config.wr,
        }
    }

    /// Clocks that `command` takes on the command bus. Where a standard has commands of two clocks
    /// they are those that carry an address; PRE and REF fit into one.
    #[inline]
    pub(super) fn clocks(&self, command: Command) -> u64 {
        match command {
            Command::Activate { .. } | Command::Read { .. } | Command::Write { .. } => self.command,
            Command::Precharge { .. } | Command::PrechargeAll { .. } | Command::Refresh { .. } => 1,
        }
    }
}
