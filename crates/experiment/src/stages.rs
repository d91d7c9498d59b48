//! The way to a warm function: booted, deployed, warm; each kept as a snapshot.
//!
//! After each stage the peer is replaced by a fresh one, so a run that goes on and one that is
//! restored do the same from there, to the byte.

use crate::prepare::{self, Prepared};
use crate::requests::{Requests, Sendable};
use crate::rig::{Advance, Happening, Mode, Rig, fast};
use crate::{Observer, Study, StudyError};
use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use client::{PeerConfig, PeerEvent};
use devices::virtio::{Blk, BlkConfig, NetConfig, Overlay, VirtioBlk};
use guest::bootable::Guest;
use guest::init::Message;
use machine::snapshot::{Key, Snapshot, SnapshotError, SnapshotStore};
use machine::{LinuxBoot, Machine, MachineConfig, SaveTo};
use ram::Ram;
use sim::Picos;
use std::path::Path;
use std::sync::Arc;

/// Changes when a snapshot of an earlier program must not be used any more: with the format of the
/// state, and with anything that changes what the guest computes or when.
const GENERATION: &str = "vswarm-u snapshots 1";
/// Limits in virtual time.
const BOOT_LIMIT: Picos = Picos::from_secs(180);
const DEPLOY_LIMIT: Picos = Picos::from_secs(300);
const READY_LIMIT: Picos = Picos::from_secs(60);

/// Epochs of the peer, one after each stage.
const EPOCH_BOOT: u64 = 0;
const EPOCH_DEPLOY: u64 = 1;
const EPOCH_WARM: u64 = 2;
const EPOCH_MEASURE: u64 = 3;

struct Stages<'a> {
    study: &'a Study,
    guest: &'a Guest,
    /// What is deployed; none if the guest is only booted.
    prepared: Option<&'a Prepared>,
    observer: &'a dyn Observer,
    store: SnapshotStore,
    keys: Vec<Key>,
}

/// A rig, and the snapshots it came from.
struct Reached<'a> {
    rig: Rig<'a>,
    /// Where its memory is read from as it is touched.
    origin: Option<Arc<Snapshot>>,
    /// The last stage's snapshot.
    parent: Option<Arc<Snapshot>>,
}

/// The labels of the stages, in order.
const LABELS: [&str; 3] = ["booted", "deployed", "warm"];

/// How far to go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    /// The container engine is up.
    Booted,
    /// The function's container answers.
    Deployed,
    /// It has served its warm-up requests.
    Warm,
}

/// A rig at the end of stage `last`, with a fresh peer: from the latest snapshot there is, through
/// the stages that are missing. Without `prepared` only [`Stage::Booted`] can be reached.
pub(crate) fn reach<'a>(
    home: &Path,
    study: &'a Study,
    guest: &'a Guest,
    prepared: Option<&'a Prepared>,
    last: Stage,
    observer: &'a dyn Observer,
) -> Result<Rig<'a>, StudyError> {
    let store = SnapshotStore::new(home.join("snapshots"))?;
    let mut keys = keys(study, guest, prepared);
    keys.truncate(last as usize + 1);
    let stages = Stages { study, guest, prepared, observer, store, keys };
    let mut reached = None;
    let mut first = 0;
    for stage in (0..stages.keys.len()).rev() {
        if let Some(found) = stages.restore(stage)? {
            reached = Some(found);
            first = stage + 1;
            break;
        }
    }
    for stage in first..stages.keys.len() {
        reached = Some(stages.perform(stage, reached)?);
    }
    let reached = reached.expect("a stage was restored or performed");
    Ok(reached.rig)
}

/// What each stage depends on.
fn keys(study: &Study, guest: &Guest, prepared: Option<&Prepared>) -> Vec<Key> {
    let config = format!(
        "{GENERATION} {} harts {} ram {} seed {} args {} link {:?}",
        guest.hash,
        study.system.config.harts,
        study.ram_mib,
        study.seed,
        guest::bootable::BOOT_ARGS,
        study.link,
    );
    let booted = Key::of(&[config.as_bytes()]);
    let Some(prepared) = prepared else { return vec![booted] };
    let images: Vec<&str> =
        prepared.images.iter().map(|image| image.manifest_digest.as_str()).collect();
    let images = images.join(" ");
    let protocol = format!("{:?}", prepared.requests.protocol());
    let parts = [booted.to_string(), prepared.compose.clone(), images, protocol];
    let deployed = Key::of(&parts.each_ref().map(|part| part.as_bytes()));
    let requests = format!(
        "{} requests {} timeout {:?} payload {}",
        deployed,
        study.warmup,
        study.request_timeout,
        prepared.requests.nth(0).payload
    );
    let mut calls = prepared.requests.written(u64::from(study.warmup));
    for co_runner in &prepared.co_runners {
        calls += &co_runner.requests.written(u64::from(study.warmup));
    }
    let warm = Key::of(&[requests.as_bytes(), calls.as_bytes()]);
    vec![booted, deployed, warm]
}

/// The key of the snapshot that measuring begins with.
pub(crate) fn warm_key(study: &Study, guest: &Guest, prepared: &Prepared) -> Key {
    *keys(study, guest, Some(prepared)).last().expect("there is one for each stage")
}

impl<'a> Stages<'a> {
    /// The rig after `stage`, if there is a snapshot of it. A damaged one is removed and told of.
    fn restore(&self, stage: usize) -> Result<Option<Reached<'a>>, StudyError> {
        let key = self.keys[stage];
        if !self.store.contains(key) {
            return Ok(None);
        }
        match self.store.open(key) {
            Ok(snapshot) => self.restore_from(stage, Arc::new(snapshot)).map(Some),
            Err(SnapshotError::Io { .. }) if self.observer.cancelled() => {
                Err(StudyError::Cancelled)
            }
            Err(error) => {
                self.observer.note(&format!(
                    "the snapshot `{}` cannot be used ({error}); it is made anew",
                    LABELS[stage]
                ));
                self.store.remove(key)?;
                Ok(None)
            }
        }
    }

    fn restore_from(
        &self,
        stage: usize,
        snapshot: Arc<Snapshot>,
    ) -> Result<Reached<'a>, StudyError> {
        self.observer.phase("restoring a snapshot");
        let machine = Machine::restore(&snapshot, Some(&self.guest.disk))?;
        let mut rig = Rig::new(machine, self.peer_config(), self.observer);
        rig.plug_in(epoch_after(stage));
        Ok(Reached { rig, origin: Some(snapshot.clone()), parent: Some(snapshot) })
    }

    fn peer_config(&self) -> PeerConfig {
        PeerConfig {
            link: self.study.link,
            seed: self.study.seed,
            timeout: self.study.request_timeout,
            guest_mac: Some(client::MacAddr(NetConfig::default().mac)),
            ..PeerConfig::default()
        }
    }

    /// Goes through `stage` and keeps a snapshot of its end.
    fn perform(&self, stage: usize, from: Option<Reached<'a>>) -> Result<Reached<'a>, StudyError> {
        let mut reached = match (stage, from) {
            (0, _) => Reached { rig: self.boot()?, origin: None, parent: None },
            (1, Some(mut from)) => {
                self.deploy(&mut from.rig)?;
                from
            }
            (_, Some(mut from)) => {
                self.warm_up(&mut from.rig)?;
                from
            }
            (_, None) => unreachable!("stages are performed in order"),
        };
        reached.rig.renew_peer(epoch_after(stage))?;
        reached.rig.enter("saving a snapshot");
        let to = SaveTo {
            store: &self.store,
            key: self.keys[stage],
            label: LABELS[stage],
            parent: reached.parent.as_deref(),
            sections: &[],
        };
        reached.rig.machine.save(&to, reached.origin.as_deref())?;
        reached.parent = Some(Arc::new(self.store.open(self.keys[stage])?));
        Ok(reached)
    }

    fn boot(&self) -> Result<Rig<'a>, StudyError> {
        let guest = self.guest;
        let read = |path: &Path| {
            std::fs::read(path).map_err(|source| StudyError::Io {
                doing: "reading the guest from",
                path: path.to_owned(),
                source,
            })
        };
        let (kernel, initrd) = (read(&guest.kernel)?, read(&guest.initrd)?);
        let disk = Blk::new(Box::new(Overlay::open(&guest.disk)?), BlkConfig::default());
        let config = MachineConfig {
            harts: self.study.system.config.harts as usize,
            seed: self.study.seed,
            net: Some(NetConfig::default()),
            disk: Some(VirtioBlk::new(disk)),
            ..MachineConfig::default()
        };
        let mut machine = Machine::new(config, Ram::new(self.study.ram_mib << 20));
        machine.boot_linux(LinuxBoot {
            kernel: &kernel,
            initrd: Some(&initrd),
            bootargs: guest::bootable::BOOT_ARGS,
            seed: self.study.seed,
        })?;
        let mut rig = Rig::new(machine, self.peer_config(), self.observer);
        rig.plug_in(EPOCH_BOOT);
        rig.enter("booting the guest");
        wait_for_ready(&mut rig)?;
        Ok(rig)
    }

    fn prepared(&self) -> &Prepared {
        self.prepared.expect("stages after the first have something to deploy")
    }

    fn deploy(&self, rig: &mut Rig<'a>) -> Result<(), StudyError> {
        rig.enter("deploying the function");
        bring_images(rig, self.prepared())?;
        let up = "docker compose -f /run/function.yaml up -d --quiet-pull";
        compose(rig, up, self.prepared(), &mut fast)?;
        rig.enter("waiting for the function");
        connect(rig, self.prepared())
    }

    fn warm_up(&self, rig: &mut Rig<'a>) -> Result<(), StudyError> {
        rig.enter("warming the software up");
        connect(rig, self.prepared())?;
        for n in 0..u64::from(self.study.warmup) {
            invoke_fast(rig, self.prepared().requests.nth(n))?;
            for co_runner in &self.prepared().co_runners {
                invoke_fast(rig, co_runner.requests.nth(n))?;
            }
        }
        Ok(())
    }
}

/// Offers the images to the guest and gives it its compose file.
pub(crate) fn bring_images(rig: &mut Rig<'_>, prepared: &Prepared) -> Result<(), StudyError> {
    rig.peer.serve_registry(prepare::registry(&prepared.images)?);
    let file = BASE64_STANDARD.encode(&prepared.compose);
    rig.command(&format!("echo {file} | base64 -d > /run/function.yaml"), DEPLOY_LIMIT)?;
    Ok(())
}

/// A command to the container engine about the compose file.
pub(crate) fn compose<'a>(
    rig: &mut Rig<'a>,
    command: &str,
    prepared: &Prepared,
    advance: Advance<'_, 'a>,
) -> Result<(), StudyError> {
    let functions = 1 + prepared.co_runners.len() as u64;
    let limit = Picos(DEPLOY_LIMIT.0 * functions);
    let (status, output) = rig.try_command_by(command, limit, advance)?;
    if status != 0 {
        let error = format!("`{command}` ended with status {status} in the guest:\n{output}");
        return Err(request_failed(rig, error));
    }
    Ok(())
}

fn epoch_after(stage: usize) -> u64 {
    [EPOCH_DEPLOY, EPOCH_WARM, EPOCH_MEASURE][stage]
}

fn wait_for_ready(rig: &mut Rig<'_>) -> Result<(), StudyError> {
    let deadline = rig.machine.now() + BOOT_LIMIT;
    while rig.machine.now() < deadline {
        for happening in rig.advance(&mut Mode::Fast, deadline)? {
            if matches!(happening, Happening::Guest(Message::Ready)) {
                return Ok(());
            }
        }
    }
    Err(rig.timed_out(BOOT_LIMIT))
}

/// Connects to the function and its co-runners, which may still be starting.
pub(crate) fn connect(rig: &mut Rig<'_>, prepared: &Prepared) -> Result<(), StudyError> {
    connect_by(rig, prepared, &mut fast)
}

/// The same, while `advance` moves the guest.
pub(crate) fn connect_by<'a>(
    rig: &mut Rig<'a>,
    prepared: &Prepared,
    advance: Advance<'_, 'a>,
) -> Result<(), StudyError> {
    connect_to(rig, &prepared.requests, advance)?;
    for co_runner in &prepared.co_runners {
        connect_to(rig, &co_runner.requests, advance)?;
    }
    Ok(())
}

fn connect_to<'a>(
    rig: &mut Rig<'a>,
    requests: &Requests,
    advance: Advance<'_, 'a>,
) -> Result<(), StudyError> {
    let every = Picos::from_millis(50);
    rig.peer.wait_ready(requests.port(), requests.protocol(), every, READY_LIMIT);
    let deadline = rig.machine.now() + READY_LIMIT + Picos::from_secs(10);
    while rig.machine.now() < deadline {
        for happening in advance(rig, deadline)? {
            match happening {
                Happening::Peer(PeerEvent::Connected { .. }) => return Ok(()),
                Happening::Peer(PeerEvent::NotReady { error, .. }) => {
                    return Err(request_failed(rig, error.to_string()));
                }
                _ => {}
            }
        }
    }
    Err(rig.timed_out(READY_LIMIT))
}

/// One request in fast mode; a wrong or missing reply ends the study.
fn invoke_fast(rig: &mut Rig<'_>, sendable: &Sendable) -> Result<(), StudyError> {
    rig.peer.submit(sendable.request.clone());
    loop {
        for happening in rig.advance(&mut Mode::Fast, Picos::NEVER)? {
            match happening {
                Happening::Peer(PeerEvent::Completed { reply, .. }) => {
                    let checked = sendable.check(&Ok(reply));
                    return checked.map_err(|wrong| request_failed(rig, wrong));
                }
                Happening::Peer(PeerEvent::Failed { error, .. }) => {
                    return Err(request_failed(rig, error.to_string()));
                }
                _ => {}
            }
        }
    }
}

/// A failed request, with what the containers logged.
pub(crate) fn request_failed(rig: &mut Rig<'_>, error: String) -> StudyError {
    StudyError::Request { during: rig.phase, error, log: logs(rig) }
}

/// How all containers are, and the ends of their logs, the function's last.
pub(crate) fn logs(rig: &mut Rig<'_>) -> String {
    const LOGS: &str = "docker ps -a --format '{{.Names}} {{.Status}}'; \
        for name in $(docker ps -a --format '{{.Names}}' | grep -vx function) function; do \
        echo \"log of $name:\"; docker logs --tail 10 $name; done";
    match rig.try_command(LOGS, DEPLOY_LIMIT) {
        Ok((_, output)) => output,
        Err(error) => error.to_string(),
    }
}

/// How much space each stage's snapshot takes, on top of the one before it.
pub(crate) fn snapshot_sizes(
    home: &Path,
    study: &Study,
    guest: &Guest,
    prepared: &Prepared,
) -> Result<[Option<u64>; 3], StudyError> {
    let store = SnapshotStore::new(home.join("snapshots"))?;
    let stored = store.list()?;
    let size = |key: &Key| stored.iter().find(|stored| stored.key == *key).map(|s| s.bytes);
    let mut sizes = [None; 3];
    for (size_of, key) in sizes.iter_mut().zip(&keys(study, guest, Some(prepared))) {
        *size_of = size(key);
    }
    Ok(sizes)
}
