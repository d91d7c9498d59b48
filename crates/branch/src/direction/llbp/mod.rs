//! The last-level branch predictor: a second level of patterns behind TAGE-SC-L for programs with
//! more branches than TAGE has room for (D. Schall, A. Sandberg and B. Grot, "The last-level branch
//! predictor", MICRO 2024).
//!
//! Few of a program's patterns matter at any place of it. So they are kept by context, which is named
//! by the unconditional branches that led there ([`crate::Context`]), and are fetched context by
//! context from a large store into a small buffer near TAGE, ahead of need. There the longest history
//! that knows a branch stands against TAGE's longest: the longer one's opinion, LLBP's of equals, goes
//! on to the loop predictor and the statistical corrector. The one that was followed is trained, and
//! what TAGE allocates at a misprediction is entered in the context's pattern set, too.
//!
//! A set whose name has been known for the store's latency, or that the buffer still holds, can be
//! predicted from; any other is late. Time is counted in branches, for predictors have no clock.
//!
//! Left out: the queue of fetches, so that their number at once is not limited and a squash costs
//! none: those of the right path have arrived before a branch is resolved. Fetches from wrong paths and
//! for contexts without conditional branches; traffic is counted where contexts are used, at commit.
//!
//! Differences: in the released code, the second level's guess is final and the corrector cannot turn
//! it, and patterns that match but are not followed change which of TAGE's entries count as useful.
//! Among the tables of one length, TAGE's and LLBP's are equals.

mod buffer;
mod config;
mod keys;
mod patterns;
mod store;

pub use config::LlbpConfig;

use super::tage_sc_l::{
    Allocated, Confidence, Opinion, TageScL, TageScLToken, history_bits, provider_of,
};
use super::{BranchSite, DirectionPredictor, Moved, Origin, SecondLevel};
use crate::{Context, History, HistorySpec, Problems};
use buffer::Buffer;
use keys::Keys;
use patterns::Match;
use store::{Created, Store};
use stream::VirtAddr;

/// What the second level said of a branch.
#[derive(Clone, Copy, Debug, Default)]
enum Answer {
    /// It does not know the context.
    #[default]
    Unknown,
    /// The context's pattern set was not there in time.
    Late,
    /// No pattern of the set matches.
    NoMatch,
    /// The longest match is of a shorter history than TAGE's.
    Shorter,
    /// The longest match, whose opinion goes on.
    Followed(Match),
}

/// What the predictor remembers from a guess.
#[derive(Clone, Copy, Debug, Default)]
pub struct LlbpToken {
    base: TageScLToken,
    keys: Keys,
    context: u16,
    /// The number of the branch for which the context's pattern set is here at the latest.
    arrival: u32,
    answer: Answer,
}

impl LlbpToken {
    /// The pattern whose opinion was followed.
    fn followed(&self) -> Option<Match> {
        match self.answer {
            Answer::Followed(pattern) => Some(pattern),
            _ => None,
        }
    }
}

/// The last-level branch predictor.
#[derive(Clone, Debug)]
pub struct Llbp {
    config: LlbpConfig,
    base: TageScL,
    store: Store,
    buffer: Buffer,
    /// What the latest training moved.
    moved: Moved,
}

impl DirectionPredictor for Llbp {
    type Config = LlbpConfig;
    type Token = LlbpToken;

    fn validate(config: &Self::Config, problems: &mut Problems) {
        config.validate(problems);
        problems.below("base", |problems| TageScL::validate(&config.base, problems));
    }

    fn new(config: &Self::Config) -> Self {
        let bits = config.context_bits;
        Self {
            base: TageScL::new(&config.base),
            store: Store::new(bits, config.log2_sets, config.ways),
            buffer: Buffer::new(bits, config.buffer_log2_sets, config.buffer_ways),
            moved: Moved::default(),
            config: config.clone(),
        }
    }

    fn history(&self) -> HistorySpec {
        let mut spec = self.base.history();
        spec.folds.extend(keys::folds());
        spec.contexts = Some(self.config.contexts());
        spec
    }

    fn predict(&self, site: BranchSite, history: &History, token: &mut LlbpToken) -> bool {
        let context = history.context().expect("the history has the contexts that were asked for");
        (token.context, token.arrival) = (context.id, self.arrival(&context));
        token.keys = Keys::new(site.pc, history);
        let first = self.base.look_up(site.pc, history, &mut token.base);
        let opinion;
        (token.answer, opinion) = self.ask(&context, &token.keys, first);
        self.base.check(site.pc, history, opinion, &mut token.base)
    }

    fn speculate(&mut self, token: &LlbpToken, taken: bool) {
        self.base.speculate(&token.base, taken);
    }

    fn repair(&mut self, token: &LlbpToken) {
        self.base.repair(&token.base);
    }

    fn set_base(&mut self, pc: VirtAddr, taken: bool) -> bool {
        self.base.set_base(pc, taken)
    }

    fn train(&mut self, token: &LlbpToken, actual: bool) {
        self.moved = Moved::default();
        self.base.train_checks(&token.base, actual);
        if self.store.find(token.context).is_some() {
            self.moved += self.buffer.take_in(token.context, token.arrival);
        }
        let allocated = match token.followed() {
            Some(pattern) => self.train_pattern(token, pattern, actual),
            None => self.base.train_tage(&token.base, actual),
        };
        for length in allocated.tables().filter_map(keys::length_of) {
            self.add_pattern(token, length, actual);
        }
    }

    fn origin(token: &LlbpToken) -> Option<Origin> {
        let mut origin = TageScL::origin(&token.base)?;
        origin.second_level = match token.answer {
            Answer::Unknown | Answer::NoMatch => SecondLevel::Silent,
            Answer::Late => SecondLevel::Late,
            Answer::Shorter => SecondLevel::Shorter,
            Answer::Followed(pattern) => {
                (origin.provider, origin.alternate) = (provider_of(pattern.table()), false);
                let turned = pattern.guess != token.base.tage_guess();
                SecondLevel::Followed { guess: pattern.guess, turned }
            }
        };
        Some(origin)
    }

    fn moved(&self) -> Moved {
        self.moved
    }

    fn storage_bits(&self) -> u64 {
        let store = self.store.directory_bits() + self.store.pattern_bits();
        let buffer = self.buffer.pattern_bits() + self.buffer.tag_bits();
        self.base.storage_bits() + store + self.store.register_bits() + buffer
    }
}

impl Llbp {
    /// What the second level says of a branch, and whose opinion counts: its own or that of the first
    /// level.
    #[inline]
    fn ask(&self, context: &Context, keys: &Keys, first: Opinion) -> (Answer, Opinion) {
        let Some(at) = self.store.find(context.id) else { return (Answer::Unknown, first) };
        let here = self.buffer.has(context.id, context.now);
        if !here && is_before(context.now, self.arrival(context)) {
            return (Answer::Late, first);
        }
        match self.store.longest(at, keys) {
            None => (Answer::NoMatch, first),
            Some(pattern) if reaches_as_far(pattern, first) => {
                (Answer::Followed(pattern), opinion_of(pattern, first))
            }
            Some(_) => (Answer::Shorter, first),
        }
    }

    /// The branch by which a context's pattern set is here if it is fetched as soon as it can be.
    fn arrival(&self, context: &Context) -> u32 {
        context.known_since.wrapping_add(self.config.latency_branches)
    }

    /// Trains the pattern that was followed; where the branch got entries in TAGE, if it was wrong.
    fn train_pattern(&mut self, token: &LlbpToken, pattern: Match, actual: bool) -> Allocated {
        let length = usize::from(pattern.length);
        if let Some(at) = self.store.find(token.context) {
            self.store.train(at, length, token.keys.of(length), actual);
            self.buffer.change(token.context);
        }
        if pattern.guess == actual {
            return Allocated::default();
        }
        if pattern.confidence == Confidence::Low {
            self.base.train_base(&token.base, actual);
        }
        self.base.allocate_above(&token.base, pattern.table(), actual)
    }

    /// Adds a pattern to the context of a branch, which may be new.
    fn add_pattern(&mut self, token: &LlbpToken, length: usize, actual: bool) {
        let at = self.store.find(token.context).unwrap_or_else(|| self.begin(token.context));
        self.store.add(at, length, token.keys.of(length), actual);
        self.buffer.change(token.context);
    }

    /// Begins a context: its pattern set is made in the buffer.
    fn begin(&mut self, context: u16) -> usize {
        let Created { at, evicted } = self.store.create(context);
        evicted.into_iter().for_each(|evicted| self.buffer.drop(evicted));
        self.moved += self.buffer.begin(context);
        at
    }
}

/// Whether a branch comes before another, by their numbers.
fn is_before(branch: u32, other: u32) -> bool {
    (branch.wrapping_sub(other) as i32) < 0
}

/// The pattern's history is no shorter than that of TAGE's longest match.
fn reaches_as_far(pattern: Match, first: Opinion) -> bool {
    first.table == 0 || history_bits(pattern.table()) >= history_bits(first.table)
}

/// A pattern's opinion, in the terms of the first level that it stands in for.
fn opinion_of(pattern: Match, first: Opinion) -> Opinion {
    let doubtful = pattern.confidence == Confidence::Low && pattern.guess != first.guess;
    Opinion {
        guess: pattern.guess,
        confidence: pattern.confidence,
        doubtful,
        has_alternate: first.table != 0,
        table: pattern.table(),
    }
}

#[cfg(test)]
mod tests;
