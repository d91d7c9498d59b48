//! The parameters of a system.

use mem::{CachesConfig, HierarchyConfig, IoConfig, MemoryConfig, Problems, TlbsConfig};
use pipeline::CoreConfig;
use restore::{RestorationConfig, Surroundings};
use serde::{Deserialize, Serialize};
use sim::Clock;

/// A timing system: what a file in `configs/systems` describes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SystemConfig {
    /// One line for people.
    #[serde(default)]
    pub description: String,
    /// Number of harts, each with a core of its own.
    pub harts: u32,
    /// Clock of cores and caches, in units of 10^6 cycles a second.
    pub clock_mhz: u64,
    /// The cores.
    pub core: CoreConfig,
    /// The caches.
    pub caches: CachesConfig,
    /// Address translation.
    pub tlbs: TlbsConfig,
    /// Main memory.
    pub memory: MemoryConfig,
    /// Devices.
    pub io: IoConfig,
    /// What brings a function's instructions back when it is scheduled again, one a hart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restoration: Option<RestorationConfig>,
}

impl SystemConfig {
    /// Everything that is wrong with the values, each with its path in the file.
    #[must_use]
    pub fn validate(&self) -> Problems {
        let mut problems = Problems::default();
        problems.require((1..=8).contains(&self.harts), "harts", || {
            format!("{} is not from 1 to 8", self.harts)
        });
        problems.require((1..=10_000).contains(&self.clock_mhz), "clock_mhz", || {
            format!("{} is not from 1 to 10000", self.clock_mhz)
        });
        self.core.validate("core", &mut problems);
        self.caches.validate("caches", &mut problems);
        self.tlbs.validate("tlbs", &mut problems);
        self.memory.validate("memory", &mut problems);
        self.io.validate("io", &mut problems);
        if let Some(restoration) = &self.restoration {
            restoration.validate(&self.surroundings(), "restoration", &mut problems);
        }
        problems
    }

    fn surroundings(&self) -> Surroundings {
        let caches = &self.caches;
        Surroundings {
            line_bytes: caches.line_bytes,
            l2_mshrs: caches.l2.as_ref().map(|l2| l2.mshrs),
            l1i_mshrs: caches.l1i.mshrs,
            llc_mshrs: caches.llc.as_ref().map(|llc| llc.mshrs),
            out_of_order: matches!(self.core, CoreConfig::OutOfOrder(_)),
        }
    }

    /// The clock of cores and caches. Panics unless the configuration is valid.
    #[must_use]
    pub fn clock(&self) -> Clock {
        Clock::from_mhz(self.clock_mhz)
    }

    pub(crate) fn hierarchy(&self) -> HierarchyConfig {
        HierarchyConfig {
            harts: self.harts,
            clock: self.clock(),
            caches: self.caches.clone(),
            tlbs: self.tlbs.clone(),
            memory: self.memory.clone(),
            io: self.io.clone(),
        }
    }
}
