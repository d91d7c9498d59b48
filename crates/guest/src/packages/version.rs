//! Order of Debian version numbers (Debian Policy 5.6.12: `[epoch:]upstream[-revision]`).

use std::cmp::Ordering;

/// Compares two version strings as dpkg does.
///
/// ```
/// use std::cmp::Ordering::*;
/// assert_eq!(guest::packages::compare_versions("1.0~rc1", "1.0"), Less);
/// assert_eq!(guest::packages::compare_versions("1:0.1", "2.0"), Greater);
/// ```
pub fn compare(a: &str, b: &str) -> Ordering {
    let (a, b) = (split(a), split(b));
    compare_digits(a.0, b.0)
        .then_with(|| compare_part(a.1, b.1))
        .then_with(|| compare_part(a.2, b.2))
}

/// Epoch (default 0), upstream version, revision (default empty, which equals 0).
fn split(version: &str) -> (&str, &str, &str) {
    let (epoch, rest) = version.trim().split_once(':').unwrap_or(("0", version.trim()));
    let (upstream, revision) = rest.rsplit_once('-').unwrap_or((rest, ""));
    (epoch, upstream, revision)
}

/// Alternates between a non-digit run, compared by [`weight`], and a digit run, compared as numbers.
fn compare_part(mut a: &str, mut b: &str) -> Ordering {
    while !a.is_empty() || !b.is_empty() {
        let (text_a, text_b) =
            (take(&mut a, |c| !c.is_ascii_digit()), take(&mut b, |c| !c.is_ascii_digit()));
        let (digits_a, digits_b) =
            (take(&mut a, |c| c.is_ascii_digit()), take(&mut b, |c| c.is_ascii_digit()));
        let order = compare_text(text_a, text_b).then_with(|| compare_digits(digits_a, digits_b));
        if order != Ordering::Equal {
            return order;
        }
    }
    Ordering::Equal
}

fn take<'a>(rest: &mut &'a str, keep: impl Fn(char) -> bool) -> &'a str {
    let end = rest.find(|c| !keep(c)).unwrap_or(rest.len());
    let (head, tail) = rest.split_at(end);
    *rest = tail;
    head
}

fn compare_text(a: &str, b: &str) -> Ordering {
    let (mut a, mut b) = (a.chars(), b.chars());
    loop {
        let (x, y) = (a.next(), b.next());
        let order = weight(x).cmp(&weight(y));
        if order != Ordering::Equal || (x.is_none() && y.is_none()) {
            return order;
        }
    }
}

/// A tilde sorts before the end of the part, letters before everything else.
fn weight(c: Option<char>) -> i64 {
    match c {
        Some('~') => -1,
        None => 0,
        Some(c) if c.is_ascii_alphabetic() => i64::from(u32::from(c)),
        Some(c) => i64::from(u32::from(c)) + 256,
    }
}

/// Numbers of any length, leading zeros ignored.
fn compare_digits(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.trim_start_matches('0'), b.trim_start_matches('0'));
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Ordering::{Equal, Greater, Less};

    #[test]
    fn versions_order_as_the_policy_says() {
        let cases = [
            ("1.0", "1.0", Equal),
            ("1.0-0", "1.0", Equal),
            ("0:1.0", "1.0", Equal),
            ("1.00", "1.0", Equal),
            ("1.2", "1.10", Less),
            ("1.0-1", "1.0-2", Less),
            ("1.0~~", "1.0~~a", Less),
            ("1.0~~a", "1.0~", Less),
            ("1.0~", "1.0", Less),
            ("1.0", "1.0a", Less),
            ("1.0a", "1.0+b1", Less),
            ("1.0-1", "1.0-1+deb13u1", Less),
            ("2:1.0", "10:0.1", Less),
            ("1-2-3", "1-2-4", Less),
            ("6.12.9-1", "6.12.38-1", Less),
            ("20240203", "20231225", Greater),
            ("99999999999999999999999", "100000000000000000000000", Less),
        ];
        for (a, b, expected) in cases {
            assert_eq!(compare(a, b), expected, "{a} against {b}");
            assert_eq!(compare(b, a), expected.reverse(), "{b} against {a}");
        }
    }

    proptest::proptest! {
        #[test]
        fn the_order_is_antisymmetric(a in "[0-9a-z.+~:-]{0,12}", b in "[0-9a-z.+~:-]{0,12}") {
            proptest::prop_assert_eq!(compare(&a, &b), compare(&b, &a).reverse());
        }
    }
}
