//! The machine's state to and from snapshots.
//!
//! A snapshot is taken between two calls of a run function; what is cached about the guest is dropped
//! first, so that the continued run and a restored one go on identically.

use crate::cpu::{Machine, MachineConfig, Power};
use crate::disk;
use crate::snapshot::{
    Key, SaveReport, SaveRequest, Snapshot, SnapshotError, SnapshotStore, Space,
};
use devices::virtio::{Blk, BlkConfig, NetConfig, Overlay, VirtioBlk};
use hart::{Hart, HartState};
use serde::{Deserialize, Serialize};
use sim::Picos;
use std::path::Path;
use std::sync::Arc;
use thiserror::Error;

const SECTION: &str = "machine";
const DISK: &str = "disk";

#[derive(Serialize, Deserialize)]
struct State {
    harts: Vec<HartState>,
    power: Vec<Power>,
    now: Picos,
    console_input: Vec<u8>,
    external: Vec<(bool, bool)>,
    devices: Vec<Vec<u8>>,
    epoch_secs: u64,
    seed: u64,
    net: Option<NetConfig>,
}

/// A machine cannot be saved or restored.
#[derive(Debug, Error)]
pub enum CheckpointError {
    /// The file is at fault.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The disk image is at fault.
    #[error("restoring a snapshot: {0}")]
    Disk(#[from] devices::virtio::OverlayError),
    /// The state does not fit this program.
    #[error(
        "restoring a snapshot: its state does not fit this program ({0}); remove the snapshot and \
         run again"
    )]
    State(String),
}

/// Where and how to save.
#[derive(Debug)]
pub struct SaveTo<'a> {
    /// The folder of snapshots.
    pub store: &'a SnapshotStore,
    /// The new snapshot's key.
    pub key: Key,
    /// A name for people.
    pub label: &'a str,
    /// Chunks equal to this snapshot's are not stored again.
    pub parent: Option<&'a Snapshot>,
    /// Further sections.
    pub sections: &'a [(&'a str, &'a [u8])],
}

impl Machine {
    /// Saves everything. `origin` is the snapshot this machine was restored from, if it was.
    pub fn save(
        &mut self,
        to: &SaveTo<'_>,
        origin: Option<&Snapshot>,
    ) -> Result<SaveReport, CheckpointError> {
        self.forget_caches();
        let bytes = self.state_bytes()?;
        let mut sections: Vec<(&str, &[u8])> = vec![(SECTION, &bytes)];
        sections.extend(to.sections);
        let mut spaces = vec![Space::of_ram(&self.port.ram, origin)?];
        if let Some(overlay) = self.overlay() {
            spaces.push(disk::space(DISK, overlay, origin)?);
        }
        let request = SaveRequest {
            key: to.key,
            label: to.label,
            parent: to.parent,
            sections: &sections,
            spaces: &spaces,
            threads: 2,
        };
        Ok(to.store.save(&request)?)
    }

    /// The state of harts and devices, as the section of a snapshot.
    pub(crate) fn state_bytes(&self) -> Result<Vec<u8>, CheckpointError> {
        let state = State {
            harts: self.harts.iter().map(Hart::save).collect(),
            power: self.power.clone(),
            now: self.now,
            console_input: self.console_input.iter().copied().collect(),
            external: self.external.clone(),
            devices: self.port.bus.save(),
            epoch_secs: self.identity.epoch_secs,
            seed: self.identity.seed,
            net: self.identity.net.clone(),
        };
        postcard::to_stdvec(&state).map_err(|e| CheckpointError::State(e.to_string()))
    }

    /// The machine in `snapshot`, its memory read as it is touched. `disk` is the base image the
    /// machine was built with.
    pub fn restore(
        snapshot: &Arc<Snapshot>,
        disk_image: Option<&Path>,
    ) -> Result<Self, CheckpointError> {
        let bytes = snapshot.section(SECTION)?;
        let state: State =
            postcard::from_bytes(&bytes).map_err(|e| CheckpointError::State(e.to_string()))?;
        let disk = match disk_image {
            None => None,
            Some(path) => {
                let mut overlay = Overlay::open(path)?;
                overlay.restore_from(disk::source(snapshot, DISK)?)?;
                Some(VirtioBlk::new(Blk::new(Box::new(overlay), BlkConfig::default())))
            }
        };
        let config = MachineConfig {
            harts: state.harts.len(),
            seed: state.seed,
            net: state.net.clone(),
            disk,
            epoch_secs: state.epoch_secs,
        };
        let mut machine = Self::new(config, snapshot.restore_ram()?);
        machine.port.bus.restore(&state.devices).map_err(CheckpointError::State)?;
        machine.harts = state.harts.iter().map(Hart::restore).collect();
        machine.power = state.power;
        machine.now = state.now;
        machine.console_input = state.console_input.into();
        machine.external = state.external;
        machine.forget_caches();
        Ok(machine)
    }

    fn overlay(&self) -> Option<&Overlay> {
        let disk = self.port.bus.find_ref::<VirtioBlk>()?;
        disk.backend().store().downcast_ref::<Overlay>()
    }
}
