//! Threaded code: each decoded instruction is executed by a function that goes on to the next.
//!
//! The call of the next function is in tail position, so optimised code jumps from instruction to
//! instruction without coming back to a loop in between. Nothing depends on that: a block has at
//! most [`MAX_BLOCK`](crate::code::MAX_BLOCK) instructions, which bounds the depth where a compiler
//! makes it a call.
//!
//! `pc` lags behind inside a block: only the instructions that use it are brought up to date first
//! ([`Semantics::USES_PC`]), and an exception makes up for the rest.

use crate::port::Hits;
use crate::{Bus, FastPort};
use hart::exec::{Semantics, Wrap};
use hart::{Hart, Leave};
use isa::{Class, Inst};
use std::marker::PhantomData;

/// Executes the first instruction of a block and what follows it, until something leaves the block.
pub(crate) type Threaded<B> =
    fn(&mut Hart, &mut FastPort<B>, this: &Decoded<B>, rest: &[Decoded<B>]) -> Exit;

/// An instruction with the function that executes it.
pub(crate) struct Decoded<B: Bus> {
    pub exec: Threaded<B>,
    pub inst: Inst,
    /// Bytes between `pc` as the instructions before have left it and this one's address.
    pub lag: u8,
}

/// How a block was left, with `pc` up to date: how many of its instructions come after the one that
/// left it, and [`How`]. One word, so that a call of the next function can be a jump.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Exit(usize);

/// See [`Exit`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum How {
    /// The instruction retired.
    Retired,
    /// It raised an exception.
    Raised,
    /// Nothing was executed: the block is no longer what memory holds.
    Stale,
}

impl Exit {
    const RAISED: usize = 1 << 16;
    const STALE: usize = 2 << 16;

    #[inline(always)]
    pub(crate) fn left(self) -> usize {
        self.0 & 0xffff
    }

    #[inline(always)]
    pub(crate) fn how(self) -> How {
        match self.0 >> 16 {
            0 => How::Retired,
            1 => How::Raised,
            _ => How::Stale,
        }
    }
}

fn threaded<B: Bus, S: Semantics>(
    hart: &mut Hart,
    port: &mut FastPort<B>,
    this: &Decoded<B>,
    rest: &[Decoded<B>],
) -> Exit {
    if S::USES_PC {
        hart.pc = hart.pc.wrapping_add(u64::from(this.lag));
    }
    let outcome = if tries_hits(S::CLASS) {
        S::execute(hart, &mut Hits::of(port), &this.inst)
    } else {
        S::execute(hart, port, &this.inst)
    };
    match outcome {
        Ok(()) => advance::<B, S>(hart, port, this, rest),
        Err(Leave::Jump) => Exit(rest.len()),
        Err(Leave::Raised) if tries_hits(S::CLASS) => missed::<B, S>(hart, port, this, rest),
        Err(Leave::Raised) => raised::<B, S>(hart, this, rest),
    }
}

/// Whether instructions of `class` are tried with [`Hits`] first.
const fn tries_hits(class: Class) -> bool {
    matches!(class, Class::Load | Class::Store | Class::Amo)
}

/// Goes on behind `this`.
#[inline(always)]
fn advance<B: Bus, S: Semantics>(
    hart: &mut Hart,
    port: &mut FastPort<B>,
    this: &Decoded<B>,
    rest: &[Decoded<B>],
) -> Exit {
    if let Some((next, rest)) = rest.split_first() {
        return (next.exec)(hart, port, next, rest);
    }
    let lag = if S::USES_PC { 0 } else { this.lag };
    hart.pc = hart.pc.wrapping_add(u64::from(lag) + u64::from(this.inst.len));
    Exit(0)
}

/// An exception of `this` ends the block.
#[inline(always)]
fn raised<B: Bus, S: Semantics>(hart: &mut Hart, this: &Decoded<B>, rest: &[Decoded<B>]) -> Exit {
    if !S::USES_PC {
        hart.pc = hart.pc.wrapping_add(u64::from(this.lag));
    }
    Exit(rest.len() | Exit::RAISED)
}

/// An access that is no plain hit in the TLB. On its own, so that the functions of the common case
/// have nothing to save on the stack.
#[cold]
#[inline(never)]
fn missed<B: Bus, S: Semantics>(
    hart: &mut Hart,
    port: &mut FastPort<B>,
    this: &Decoded<B>,
    rest: &[Decoded<B>],
) -> Exit {
    match S::execute(hart, port, &this.inst) {
        // A device or a watched word was touched, or code was stored to: that is acted on before
        // the next instruction.
        Ok(()) if port.attention => {
            let lag = if S::USES_PC { 0 } else { this.lag };
            hart.pc = hart.pc.wrapping_add(u64::from(lag) + u64::from(this.inst.len));
            Exit(rest.len())
        }
        Ok(()) => advance::<B, S>(hart, port, this, rest),
        Err(Leave::Jump) => Exit(rest.len()),
        Err(Leave::Raised) => raised::<B, S>(hart, this, rest),
    }
}

/// Takes the place of the first function of a block that was stored to.
pub(crate) fn stale<B: Bus>(
    _: &mut Hart,
    _: &mut FastPort<B>,
    _: &Decoded<B>,
    rest: &[Decoded<B>],
) -> Exit {
    Exit(rest.len() | Exit::STALE)
}

/// Makes of each instruction its [`Threaded`] function, with [`Semantics::USES_PC`].
pub(crate) struct Thread<B>(PhantomData<B>);

impl<B: Bus> Wrap for Thread<B> {
    type Wrapped = (Threaded<B>, bool);

    fn wrap<S: Semantics>() -> Self::Wrapped {
        (threaded::<B, S>, S::USES_PC)
    }
}
