//! The out-of-order core, cycle by cycle.
//!
//! ```text
//!  predict -> [fetch target queue] -> fetch -> decode -> rename -> [schedulers] -> issue -> [rob] -> commit
//!     ^            |  prefetch          |         |        |            |   ^                 |
//!     |            v                    v         |        |   loads, stores: queues, DTLB,   |
//!     |        ITLB, L1I            the source    |        |   L1D, stores after commit       |
//!     +------ resteer (decode) -------------------+        |                                  |
//!     +------ squash (wrong guess, memory order) ----------+-- train <------------------------+
//! ```
//!
//! The source executes an instruction when it is fetched, so the core knows every outcome and pretends
//! not to until the model has found it out. After a wrong guess the source executes what lies on the
//! wrong path, which takes up everything a real wrong path takes up, until the branch is resolved.
//! Branches on it are resolved, too, and send the front end where the speculative execution goes.
//! Instructions that change the state others run in are executed when the core is empty.
//!
//! One file a stage; [`OutOfOrder::tick`] lists them from back to front, so that an
//! instruction passes one stage a cycle and what commit frees is there for rename in the same cycle. Cycles in which nothing can happen are skipped.
//!
//! Left out: several threads on a core, a micro-operation cache, and fusion.

mod commit;
mod config;
mod decode;
mod fetch;
mod front;
mod issue;
mod lsq;
mod predict;
mod queues;
mod ready;
mod rename;
mod request;
mod restore;
mod sharing;
mod slot;
mod squash;
mod stats;
mod store_sets;
mod targets;
mod tick;
mod viewer;
mod wheel;

pub use config::{FrontConfig, LoadStoreConfig, OutOfOrderConfig, SchedulerConfig};
pub use stats::{Cause, Guess, IssueSlot, Lost, OutOfOrderStats, Spent, Wait};
pub use viewer::Viewer;

use crate::core::{Core, LostPredictors, NoPipeline, Progress, State};
use crate::footprint::Footprint;
use crate::profile::Profile;
use crate::restoring::Restoring;
use crate::stats::{CoreStats, Stream};
use crate::warming::Warming;
use branch::Predictor;
use front::Front;
use issue::Scheduler;
use mem::{Cycle, Hierarchy, Level, Ticket, Translation};
use queues::{Loads, Stores};
use ready::Ready;
use rename::Registers;
use sharing::Sharing;
use slot::{NOBODY, Name, Position, Window};
use std::collections::VecDeque;
use store_sets::StoreSets;
use stream::{
    Class, Followed, Follower, HartId, Instr, LineAddr, MemKind, PhysAddr, Privilege, Reg, Source,
    Translate,
};
use wheel::Wheel;

/// Who waits for a request that memory has not answered.
#[derive(Clone, Copy, Debug)]
enum Claimant {
    /// The fetch target whose translation it is.
    FetchTranslation,
    /// The fetch target whose bytes they are.
    FetchLine,
    /// The access whose address is translated.
    Translation(Name, Translate),
    /// The access whose data it is.
    Data(Name),
    /// The committed store that is written.
    Store(Name),
    /// Nobody: a hint.
    Nobody,
}

/// What happens at a known cycle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Happening {
    /// All operands are there.
    Ready(Name),
    /// A branch that was guessed wrong has been executed.
    Resolve(Name),
    /// An access has its physical address.
    Access(Name),
    /// A translation is asked for again.
    Translate(Name),
    /// A stage has something to do again.
    Wake,
}

/// Requests under way that there is room for from the start.
const USUAL_CLAIMS: usize = 256;

/// The out-of-order core.
#[derive(Debug)]
pub struct OutOfOrder {
    hart: HartId,
    now: Cycle,
    /// Up to when nothing from outside acts on the core in this step.
    until: Cycle,
    config: OutOfOrderConfig,
    /// From issue to the result, by class.
    latency: [u64; Class::ALL.len()],
    unpipelined: [bool; Class::ALL.len()],
    /// The schedulers that take each class.
    takers: Vec<Vec<u8>>,
    /// Cycles from fetch to rename.
    front_depth: u64,
    stats: CoreStats,
    footprint: Footprint,
    /// The privilege of what is in the core; it changes only while the core is empty.
    privilege: Privilege,
    asid: u16,
    fetch_translated: bool,
    predictor: Predictor,
    /// A predictor is perfect: it is shown what branches will do.
    shows_outcomes: bool,
    front: Front,
    /// The page of the latest fetch translation: virtual page number and physical address.
    last_fetch_page: Option<(u64, PhysAddr)>,
    window: Window,
    /// For each register, the instruction in the core that will write it last.
    map: [u64; Reg::COUNT],
    registers: Registers,
    /// Which physical registers are shared, if moves are eliminated.
    sharing: Option<Sharing>,
    schedulers: Vec<Scheduler>,
    /// No instruction before this one waits to be issued.
    oldest_unissued: Position,
    /// Slots of the stack at issue in a cycle.
    issue_slots: u64,
    /// Instructions of the right path and of wrong ones that were issued and have had no slot yet.
    issued_ahead: [u64; 2],
    loads: Loads,
    stores: Stores,
    store_sets: StoreSets,
    /// Fences and atomics in the core: younger accesses wait for the oldest.
    barriers: VecDeque<Position>,
    /// Loads that wait for a store that overlaps to reach the cache.
    blocked_loads: Vec<Name>,
    wheel: Wheel<Happening>,
    happening: Vec<Happening>,
    /// For each of the next cycles, modulo [`ready::NEAR`], whether something in the schedulers is ready
    /// from then on: most is that soon, and goes round the wheel.
    soon: u16,
    claims: Vec<(Ticket, Claimant)>,
    /// What a squash left to take back is taken back then.
    recovered_at: Cycle,
    /// The last serialising instruction lets the front end go on behind it.
    flow_continues: bool,
    /// The source had no instruction but something was done: time must pass.
    progress_without_instruction: bool,
    /// The source has nothing to execute.
    waiting: Option<State>,
    /// The source was asked for an instruction of the right path in this cycle.
    asked: bool,
    /// The time that the source was told last.
    told: Cycle,
    last_lost: Lost,
    last_commit: Cycle,
    viewer: Option<Box<Viewer>>,
    profile: Option<Box<Profile>>,
    restoring: Option<Box<Restoring>>,
    /// The front end knows what comes.
    perfect_front: bool,
    /// The source is on a wrong path that was abandoned.
    leave_wrong_path: bool,
    /// The line that warming fetched last.
    warm_line: Option<LineAddr>,
}

impl OutOfOrder {
    /// A core at time zero. The configuration must have passed its validation.
    #[must_use]
    pub fn new(config: &OutOfOrderConfig, hart: HartId) -> Self {
        let predictor = Predictor::new(&config.branch).expect("the configuration was validated");
        let schedulers: Vec<Scheduler> = config.schedulers.values().map(scheduler).collect();
        let takes = |class: Class| {
            let takes = schedulers.iter().enumerate().filter(|(_, s)| s.ports[class as usize] != 0);
            takes.map(|(index, _)| index as u8).collect()
        };
        let front = &config.front;
        let capacity = config.rob + front.queue;
        let mut stats = CoreStats::default();
        stats.user.out_of_order = Some(OutOfOrderStats::default());
        stats.kernel.out_of_order = Some(OutOfOrderStats::default());
        Self {
            hart,
            now: Cycle(0),
            until: slot::NEVER,
            latency: Class::ALL.map(|class| config.latency(class)),
            unpipelined: Class::ALL.map(|class| config.unpipelined.contains(&class)),
            takers: Class::ALL.iter().map(|&class| takes(class)).collect(),
            front_depth: u64::from(front.fetch_to_decode_cycles + config.decode_to_rename_cycles),
            stats,
            footprint: Footprint::default(),
            privilege: Privilege::Machine,
            asid: 0,
            fetch_translated: false,
            predictor,
            shows_outcomes: is_perfect(&config.branch),
            front: Front::new(front.ftq),
            last_fetch_page: None,
            window: Window::new(capacity as usize),
            map: [NOBODY; Reg::COUNT],
            registers: Registers::new(config.int_registers, config.fp_registers),
            sharing: None,
            schedulers,
            oldest_unissued: 0,
            issue_slots: u64::from(config.rename_width.min(config.issue_width)),
            issued_ahead: [0; 2],
            loads: Loads::new(config.memory.load_queue),
            stores: Stores::new(config.memory.store_queue),
            store_sets: StoreSets::new(&config.memory),
            barriers: VecDeque::with_capacity(config.rob as usize),
            blocked_loads: Vec::with_capacity(config.memory.load_queue as usize),
            wheel: Wheel::new(),
            happening: Wheel::list(),
            soon: 0,
            claims: Vec::with_capacity(USUAL_CLAIMS),
            recovered_at: Cycle(0),
            flow_continues: false,
            progress_without_instruction: false,
            waiting: None,
            asked: false,
            told: Cycle(0),
            last_lost: Lost::FrontOther,
            last_commit: Cycle(0),
            viewer: None,
            profile: None,
            restoring: None,
            perfect_front: false,
            leave_wrong_path: false,
            warm_line: None,
            config: config.clone(),
        }
        .started()
    }

    /// With the front end waiting to be told where to begin.
    fn started(mut self) -> Self {
        self.reset();
        self
    }

    /// Forgets what is under way; registers, queues and caches are as an empty core has them.
    fn reset(&mut self) {
        self.front = Front::new(self.config.front.ftq);
        self.front.halt = Some(front::Halt::Alone);
        self.front.halted_at = self.now;
        self.front.resume_at = slot::NEVER;
        self.last_fetch_page = None;
        self.map = [NOBODY; Reg::COUNT];
        self.loads = Loads::new(self.config.memory.load_queue);
        self.stores = Stores::new(self.config.memory.store_queue);
        self.barriers.clear();
        self.blocked_loads.clear();
        self.registers = Registers::new(self.config.int_registers, self.config.fp_registers);
        let spare = self.registers.spare();
        self.sharing = self.config.move_elimination.then(|| Sharing::new(spare));
        for (scheduler, config) in self.schedulers.iter_mut().zip(self.config.schedulers.values()) {
            scheduler.ready = Ready::new();
            scheduler.free = config.entries;
            scheduler.busy_until.fill(Cycle(0));
            scheduler.busy = 0;
        }
        self.wheel.clear(self.now);
        self.happening.clear();
        self.soon = 0;
        self.claims.clear();
        self.issued_ahead = [0; 2];
        self.recovered_at = self.now;
        self.flow_continues = false;
        self.waiting = None;
        self.last_commit = self.now;
        if let Some(profile) = &mut self.profile {
            profile.lose_track();
        }
        if let Some(restoring) = &mut self.restoring {
            restoring.forget_under_way();
        }
    }

    /// Bits of storage of the predictors and of a restoration unit, by name.
    #[must_use]
    pub fn storage_bits(&self) -> Vec<(&'static str, u64)> {
        let of = self.predictor.storage_bits();
        let store_sets = self.store_sets.storage_bits(self.config.memory.store_queue);
        let mut bits = vec![
            ("history", of.history),
            ("direction", of.direction),
            ("btb", of.btb),
            ("indirect", of.indirect),
            ("ras", of.ras),
            ("store_sets", store_sets),
        ];
        bits.extend(self.restoring.as_ref().map(|unit| ("restoration", unit.storage_bits())));
        bits
    }

    /// Whether a step is over whatever the source says.
    #[inline]
    fn ends_step(&self) -> Option<State> {
        match self.waiting {
            Some(waiting) => Some(waiting),
            None if self.is_stuck() => Some(State::Stuck),
            None => (self.now >= self.until).then_some(State::Running),
        }
    }

    /// Tells the source the time, if it was told another.
    #[inline]
    fn tell_time(&mut self, now: Cycle, source: &mut dyn Source) {
        if self.told != now {
            source.passed(self.hart, now.0);
            self.told = now;
        }
    }

    /// Called before the source is asked for an instruction of the right path.
    #[inline]
    fn begin_asking(&mut self, source: &mut dyn Source) {
        self.tell_time(self.now, source);
        self.asked = true;
    }

    fn leave_wrong_path(&mut self, source: &mut dyn Source) {
        if std::mem::take(&mut self.leave_wrong_path) {
            source.squash(self.hart);
        }
    }

    fn drop_what_is_under_way(&mut self) {
        if !self.window.is_empty() || self.front.halt.is_none() {
            self.abandon();
        }
    }

    /// Drops what is under way, and follows what is executed from here on.
    fn warming<'a>(&'a mut self, source: &mut dyn Source, mem: &'a mut Hierarchy) -> Warming<'a> {
        self.drop_what_is_under_way();
        self.leave_wrong_path(source);
        let predictor = Some(&mut self.predictor);
        let (line, restoring) = (&mut self.warm_line, self.restoring.as_deref_mut());
        Warming { hart: self.hart, line, predictor, restoring, mem }
    }

    fn wake_at(&mut self, at: Cycle) {
        if at > self.now && at != slot::NEVER {
            self.wheel.put(at, Happening::Wake);
        }
    }

    /// Every renamed instruction has left the core or is in the reorder buffer. It holds at any time,
    /// so between any two a window's slots are short of that by what its edges have in flight.
    fn assert_balanced(&self) {
        let sides = [&self.stats.user, &self.stats.kernel];
        let ours = || sides.iter().filter_map(|side| side.out_of_order.as_ref());
        let renamed: u64 = ours().map(|side| side.renamed.get()).sum();
        let left: u64 = ours().map(OutOfOrderStats::left).sum();
        let in_flight = self.window.in_rob();
        assert!(
            renamed == left + in_flight,
            "hart {} at cycle {}: {renamed} instructions renamed, {left} left and {in_flight} in flight",
            self.hart.0,
            self.now.0,
        );
    }

    fn count_access(&mut self, found: Level, stream: Stream) {
        self.stats.at(self.privilege).found[found][stream].inc();
    }

    fn count_translation(&mut self, translation: &Translation, what: Translate) {
        let stats = self.stats.at(self.privilege);
        if translation.missed {
            match what {
                Translate::Fetch => stats.itlb_misses.inc(),
                Translate::Load | Translate::Store => stats.dtlb_misses.inc(),
            }
        }
        for found in translation.reads() {
            stats.found[*found][Stream::Walk].inc();
        }
    }
}

impl Core for OutOfOrder {
    fn step(&mut self, until: Cycle, source: &mut dyn Source, mem: &mut Hierarchy) -> Progress {
        self.until = until;
        self.waiting = None;
        self.leave_wrong_path(source);
        let before = self.now;
        self.told = before;
        let (mut instructions, mut knows_time) = (0, false);
        let state = loop {
            let began = self.now;
            instructions += self.tick(source, mem);
            if let Some(state) = self.ends_step() {
                self.tell_time(began, source);
                break state;
            }
            // A source that knows its owner's time has nothing for it to do where it gave nothing.
            if std::mem::take(&mut self.asked) || !knows_time {
                if source.passed(self.hart, self.now.0) {
                    break State::Running;
                }
                self.told = self.now;
                knows_time = true;
            }
        };
        self.show_restoration();
        Progress { cycles: self.now - before, instructions, state }
    }

    fn warm(&mut self, instr: &Instr, source: &mut dyn Source, mem: &mut Hierarchy) {
        let hart = self.hart;
        self.warming(source, mem).instr(instr, &mut |va, what| source.walk(hart, va, what));
        self.show_restoration();
    }

    fn follow(&mut self, most: u64, source: &mut dyn Source, mem: &mut Hierarchy) -> Followed {
        let hart = self.hart;
        let mut warming = self.warming(source, mem);
        let followed = source.follow(hart, most, &mut warming);
        self.show_restoration();
        followed
    }

    fn idle(&mut self, cycles: u64) {
        // The `wfi` it waits in has been fetched, and goes on through the core once it is over.
        debug_assert!(self.window.in_rob() == 0, "hart {} waits while it executes", self.hart.0);
        self.stats.idle_cycles.add(cycles);
        self.now += cycles;
        // What was to happen meanwhile is looked for in the next cycle anyway; stores that are still
        // being written wake the core later.
        self.wheel.pass(self.now, &mut self.happening);
        self.soon = 0;
        self.last_commit = self.now;
    }

    fn now(&self) -> Cycle {
        self.now
    }

    fn resume_at(&mut self, now: Cycle) {
        assert!(now >= self.now, "the clock of hart {} cannot go back", self.hart.0);
        if now > self.now {
            self.abandon();
            self.now = now;
            self.reset();
            self.warm_line = None;
        }
    }

    fn lose(&mut self, what: &LostPredictors) {
        self.drop_what_is_under_way();
        self.warm_line = None;
        let predictor = &mut self.predictor;
        if what.btb {
            predictor.flush_btb();
        }
        if what.direction {
            predictor.flush_direction();
        }
        if what.indirect {
            predictor.flush_indirect();
        }
        if what.ras {
            predictor.flush_ras();
        }
        if what.memory_dependence {
            self.store_sets = StoreSets::new(&self.config.memory);
        }
        if let Some(restoring) = &mut self.restoring {
            restoring.lose();
        }
    }

    fn stats(&self) -> &CoreStats {
        self.assert_balanced();
        &self.stats
    }

    fn begin_window(&mut self) {
        self.footprint.begin_window(&mut self.stats);
    }

    fn begin_request(&mut self) {
        self.begin_restoring();
    }

    fn end_request(&mut self) {
        self.end_restoring();
    }

    fn view(&mut self, viewer: Option<Viewer>) -> Result<Option<Viewer>, NoPipeline> {
        let viewer = viewer.map(|viewer| Box::new(viewer.starting_after(self.window.serial())));
        Ok(std::mem::replace(&mut self.viewer, viewer).map(|viewer| *viewer))
    }

    fn profile(&mut self) -> &mut Option<Box<Profile>> {
        &mut self.profile
    }

    fn diagnosis(&self) -> String {
        self.describe()
    }
}

fn is_perfect(config: &branch::BranchConfig) -> bool {
    use branch::{direction::DirectionConfig, indirect::IndirectConfig};
    matches!(config.direction, DirectionConfig::Perfect(_))
        || matches!(config.indirect, IndirectConfig::Perfect(_))
}

fn scheduler(config: &SchedulerConfig) -> Scheduler {
    let mut ports = [0; Class::ALL.len()];
    for (port, classes) in config.ports.values().enumerate() {
        for class in classes {
            ports[*class as usize] |= 1 << port;
        }
    }
    Scheduler {
        free: config.entries,
        ready: Ready::new(),
        ports,
        busy_until: vec![Cycle(0); config.ports.len()],
        busy: 0,
    }
}

/// Whether an instruction takes a load queue entry.
#[inline]
fn is_load(instr: &Instr) -> bool {
    instr.class == Class::Load
}

/// Whether an instruction takes a store queue entry: what is written after commit.
#[inline]
fn is_store(instr: &Instr) -> bool {
    let writes = instr.mem.is_some_and(|access| access.kind == MemKind::Store);
    instr.class == Class::Store && writes
}

#[cfg(test)]
mod tests;
