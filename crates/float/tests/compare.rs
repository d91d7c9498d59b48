//! Comparisons, minimum, maximum and classification against the exact order.

mod support;

use std::cmp::Ordering;

use support::{
    MODULES, Module,
    operands::{Random, corners},
    raised,
};

const NV: u8 = 16;

fn for_pairs(mut check: impl FnMut(&Module, u64, u64)) {
    for module in &MODULES {
        let corners = corners(module.layout);
        for &a in &corners {
            corners.iter().for_each(|&b| check(module, a, b));
        }
        let mut random = Random(1);
        for _ in 0..20_000 {
            let a = random.operand(module.layout);
            check(module, a, random.partner(module.layout, a));
        }
    }
}

#[test]
fn comparisons_follow_the_exact_order_and_signal_nans_as_specified() {
    for_pairs(|module, a, b| {
        let layout = module.layout;
        let order = layout.order(a, b);
        let quiet = if layout.is_signaling(a) || layout.is_signaling(b) { NV } else { 0 };
        let signaling = if order.is_none() { NV } else { 0 };
        let context = format!("{} {a:#x} {b:#x}", module.name);
        let equal = order == Some(Ordering::Equal);
        assert_eq!(raised(|f| (module.eq)(a, b, f)), (equal, quiet), "{context}");
        let less = order == Some(Ordering::Less);
        assert_eq!(raised(|f| (module.lt)(a, b, f)), (less, signaling), "{context}");
        assert_eq!(raised(|f| (module.le)(a, b, f)), (less || equal, signaling), "{context}");
    });
}

#[test]
fn minimum_and_maximum_prefer_numbers_and_order_zeros() {
    for_pairs(|module, a, b| {
        let layout = module.layout;
        let nan = |bits| layout.order(bits, bits).is_none();
        let flags = if layout.is_signaling(a) || layout.is_signaling(b) { NV } else { 0 };
        let (min, max) = match (layout.order(a, b), nan(a), nan(b)) {
            (Some(Ordering::Less), ..) => (a, b),
            (Some(Ordering::Greater), ..) => (b, a),
            // Equal patterns, or zeros of opposite sign.
            (Some(Ordering::Equal), ..) => (a | b, a & b),
            (None, true, true) => (layout.nan(), layout.nan()),
            (None, true, false) => (b, b),
            (None, ..) => (a, a),
        };
        assert_eq!(raised(|f| (module.min)(a, b, f)), (min, flags), "{a:#x} {b:#x}");
        assert_eq!(raised(|f| (module.max)(a, b, f)), (max, flags), "{a:#x} {b:#x}");
    });
}

#[test]
fn classes_are_the_bits_of_fclass() {
    for module in &MODULES {
        let layout = module.layout;
        let (unit, infinity, sign) = (layout.min_normal(), layout.infinity(), layout.sign());
        let expected = [
            (infinity | sign, 0),
            ((infinity - 1) | sign, 1),
            (unit | sign, 1),
            ((unit - 1) | sign, 2),
            (1 | sign, 2),
            (sign, 3),
            (0, 4),
            (1, 5),
            (unit - 1, 5),
            (unit, 6),
            (infinity - 1, 6),
            (infinity, 7),
            (infinity + 1, 8),
            ((layout.nan() - 1) | sign, 8),
            (layout.nan(), 9),
            (layout.nan() | sign | 1, 9),
        ];
        for (bits, class) in expected {
            assert_eq!((module.classify)(bits), 1 << class, "{} {bits:#x}", module.name);
        }
    }
}
