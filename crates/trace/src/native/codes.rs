//! The numbers that stand for kinds of things in a trace. They never change their meaning: a new
//! kind gets a new number, and a kind without one does not compile.

use super::bytes::Malformed;
use std::num::NonZeroU8;
use stream::{BranchKind, CacheOp, Class, Event, MemKind, Privilege, Reg, RegKind};

macro_rules! codes {
    ($put:ident, $get:ident: $kind:ty, $what:literal { $($number:literal $name:path),* $(,)? }) => {
        #[inline]
        pub(super) fn $put(kind: $kind) -> u8 {
            match kind { $($name => $number),* }
        }

        #[inline]
        pub(super) fn $get(number: u8) -> Result<$kind, Malformed> {
            match number {
                $($number => Ok($name),)*
                _ => Err(Malformed(concat!("there is no such ", $what))),
            }
        }
    };
}

codes!(of_class, class: Class, "class of instructions" {
    0 Class::IntAlu, 1 Class::IntMul, 2 Class::IntDiv, 3 Class::FpAdd, 4 Class::FpMul, 5 Class::FpFma,
    6 Class::FpDiv, 7 Class::FpSqrt, 8 Class::FpConvert, 9 Class::Load, 10 Class::Store,
    11 Class::Atomic, 12 Class::Branch, 13 Class::Csr, 14 Class::Fence, 15 Class::Cache,
    16 Class::System, 17 Class::Nop,
});

codes!(of_branch, branch: BranchKind, "kind of branches" {
    0 BranchKind::Conditional, 1 BranchKind::Jump, 2 BranchKind::IndirectJump, 3 BranchKind::Call,
    4 BranchKind::IndirectCall, 5 BranchKind::Return, 6 BranchKind::ReturnAndCall,
});

codes!(of_privilege, privilege: Privilege, "privilege" {
    0 Privilege::User, 1 Privilege::Supervisor, 2 Privilege::Machine,
});

codes!(of_event, event: Event, "event" {
    0 Event::None, 1 Event::Interrupt, 2 Event::Exception,
});

codes!(of_cache_op, cache_op: CacheOp, "cache operation" {
    0 CacheOp::Clean, 1 CacheOp::Flush, 2 CacheOp::Invalidate, 3 CacheOp::Zero,
    4 CacheOp::PrefetchInstruction, 5 CacheOp::PrefetchRead, 6 CacheOp::PrefetchWrite,
});

/// Cache operations come after the accesses that are none.
const FIRST_CACHE_OP: u8 = 3;

pub(super) fn of_mem(kind: MemKind) -> u8 {
    match kind {
        MemKind::Load => 0,
        MemKind::Store => 1,
        MemKind::Amo => 2,
        MemKind::Cache(op) => FIRST_CACHE_OP + of_cache_op(op),
    }
}

pub(super) fn mem(number: u8) -> Result<MemKind, Malformed> {
    Ok(match number {
        0 => MemKind::Load,
        1 => MemKind::Store,
        2 => MemKind::Amo,
        _ => MemKind::Cache(cache_op(number - FIRST_CACHE_OP)?),
    })
}

/// No register is 0, the others follow from 1 as they are indexed.
pub(super) fn of_reg(reg: Option<Reg>) -> u8 {
    reg.map_or(0, |reg| reg.index() as u8 + 1)
}

pub(super) fn reg(number: u8) -> Result<Option<Reg>, Malformed> {
    const KINDS: [RegKind; 4] = [RegKind::Int, RegKind::Fp, RegKind::Vector, RegKind::Status];
    let Some(one_more) = NonZeroU8::new(number) else { return Ok(None) };
    let index = one_more.get() - 1;
    let kind = KINDS.get(usize::from(index / 32)).ok_or(Malformed("there is no such register"))?;
    Ok(Some(Reg::new(*kind, index % 32)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_in_use_means_one_thing_and_the_others_nothing() {
        fn check<T>(used: u8, of: impl Fn(T) -> u8, get: impl Fn(u8) -> Result<T, Malformed>) {
            for number in 0..=u8::MAX {
                assert_eq!(get(number).ok().map(&of), (number < used).then_some(number));
            }
        }
        check(18, of_class, class);
        check(7, of_branch, branch);
        check(3, of_privilege, privilege);
        check(3, of_event, event);
        check(10, of_mem, mem);
        check(129, of_reg, reg);
    }
}
