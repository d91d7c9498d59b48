//! The keys of a payload that changes from request to request.

use std::collections::BTreeMap;

use super::requests::{body, is_name};
use crate::functions::content::{Body, Generator, Order, Range, Source, Values};
use crate::functions::error::Problem;
use crate::functions::fill::mentions;
use crate::functions::schema::{ListedDoc, OrderDoc, PayloadDoc, ProtocolDoc, RangeDoc, ValuesDoc};

/// The seed where none is written.
const SEED: u64 = 1;
/// A request is made in memory, and sent in a window of a few segments.
const LONGEST_TEXT: u64 = 1 << 20;
const MOST_NUMBERS: u64 = 1 << 16;

/// What `doc` generates: none if it is the same every time, and none of that if it cannot be understood.
pub(super) fn generator(
    protocol: ProtocolDoc,
    doc: &PayloadDoc,
    at: &str,
    problems: &mut Vec<Problem>,
) -> Option<Option<Generator>> {
    let changes = doc.requests.is_some() || doc.values.is_some();
    if !changes && doc.order.is_none() && doc.seed.is_none() {
        return None;
    }
    let order = order(doc, at, problems);
    let source = source(protocol, doc, at, problems);
    Some(order.zip(source).map(|(order, source)| Generator { order, source }))
}

fn order(doc: &PayloadDoc, at: &str, problems: &mut Vec<Problem>) -> Option<Order> {
    match (doc.order, doc.seed) {
        (Some(OrderDoc::Sequence), None) => Some(Order::Sequence),
        (Some(OrderDoc::Random), seed) => Some(Order::Random { seed: seed.unwrap_or(SEED) }),
        (Some(OrderDoc::Sequence), Some(_)) => {
            problems.push(Problem::new(format!("{at}.seed"), "is for `order: random`"));
            None
        }
        (None, _) => {
            problems.push(Problem::new(
                format!("{at}.order"),
                "is missing; write `sequence` (one after the other, then again from the first) or `random`",
            ));
            None
        }
    }
}

fn source(
    protocol: ProtocolDoc,
    doc: &PayloadDoc,
    at: &str,
    problems: &mut Vec<Problem>,
) -> Option<Source> {
    match (&doc.requests, &doc.values) {
        (Some(requests), None) => {
            check_nothing_beside(doc, at, problems);
            listed(protocol, requests, at, problems).map(Source::Listed)
        }
        (None, Some(values)) => {
            let body = body(protocol, doc.payload.as_ref(), doc.expect.as_ref(), at, problems);
            check_mentioned(values, doc, at, problems);
            let values = all_values(values, doc.order, at, problems);
            values.zip(body).map(|(values, body)| Source::Template { values, body })
        }
        _ => {
            problems.push(Problem::new(
                at,
                "an order needs exactly one of `requests` (a list of requests) and `values` (what stands for `{name}` in `payload`)",
            ));
            None
        }
    }
}

fn check_nothing_beside(doc: &PayloadDoc, at: &str, problems: &mut Vec<Problem>) {
    for (key, present) in [("payload", doc.payload.is_some()), ("expect", doc.expect.is_some())] {
        if present {
            problems.push(Problem::new(
                format!("{at}.{key}"),
                "stands beside `requests`, each of which has its own; move it there",
            ));
        }
    }
}

fn listed(
    protocol: ProtocolDoc,
    requests: &[ListedDoc],
    at: &str,
    problems: &mut Vec<Problem>,
) -> Option<Vec<Body>> {
    if requests.is_empty() {
        problems.push(Problem::new(format!("{at}.requests"), "is empty; write a request at least"));
        return None;
    }
    let bodies = requests.iter().zip(0_usize..).map(|(doc, index)| {
        let at = format!("{at}.requests[{index}]");
        body(protocol, Some(&doc.payload), doc.expect.as_ref(), &at, problems)
    });
    // All of them, so that every mistake is told of.
    bodies.collect::<Vec<_>>().into_iter().collect()
}

fn check_mentioned(
    values: &BTreeMap<String, ValuesDoc>,
    doc: &PayloadDoc,
    at: &str,
    problems: &mut Vec<Problem>,
) {
    for name in values.keys() {
        if !doc.payload.as_ref().is_some_and(|payload| mentions(payload, name)) {
            problems.push(Problem::new(
                format!("{at}.values.{name}"),
                format!("is not sent; write `\"{{{name}}}\"` where it belongs in `payload`"),
            ));
        }
    }
}

fn all_values(
    docs: &BTreeMap<String, ValuesDoc>,
    order: Option<OrderDoc>,
    at: &str,
    problems: &mut Vec<Problem>,
) -> Option<BTreeMap<String, Values>> {
    let at = format!("{at}.values");
    if docs.is_empty() {
        problems.push(Problem::new(at, "is empty; write a name and what can stand for it"));
        return None;
    }
    let mut all = BTreeMap::new();
    for (name, doc) in docs {
        let at = format!("{at}.{name}");
        if !is_name(name) {
            problems.push(Problem::new(
                &at,
                "a value's name begins with a letter and holds letters, digits, `-` and `_`",
            ));
        }
        all.extend(values(doc, order, &at, problems).map(|values| (name.clone(), values)));
    }
    (all.len() == docs.len()).then_some(all)
}

fn values(
    doc: &ValuesDoc,
    order: Option<OrderDoc>,
    at: &str,
    problems: &mut Vec<Problem>,
) -> Option<Values> {
    let ValuesDoc { from, to, times, alphabet, length, one_of } = doc;
    if order == Some(OrderDoc::Sequence) && (times.is_some() || alphabet.is_some()) {
        problems.push(Problem::new(
            at,
            "`times` and `alphabet` are for `order: random`; a sequence goes through a range or `one_of`",
        ));
        return None;
    }
    match (from, to, times, alphabet, length, one_of) {
        (Some(from), Some(to), times, None, None, None) => {
            let numbers = range(RangeDoc { from: *from, to: *to }, u64::MAX, at, problems);
            let at = format!("{at}.times");
            let times =
                times.map_or(Some(Range::ONCE), |times| range(times, MOST_NUMBERS, &at, problems));
            Some(Values::Numbers { range: numbers?, times: times? })
        }
        (None, None, None, Some(alphabet), Some(length), None) if !alphabet.is_empty() => {
            let length = range(*length, LONGEST_TEXT, &format!("{at}.length"), problems)?;
            Some(Values::Text { alphabet: alphabet.chars().collect(), length })
        }
        (None, None, None, None, None, Some(texts)) if !texts.is_empty() => {
            Some(Values::OneOf(texts.clone()))
        }
        _ => {
            problems.push(Problem::new(
                at,
                "needs exactly one of `from` and `to` (numbers, with `times` for several of them), `alphabet` and `length` (a text), and `one_of` (a list of texts)",
            ));
            None
        }
    }
}

fn range(doc: RangeDoc, most: u64, at: &str, problems: &mut Vec<Problem>) -> Option<Range> {
    let RangeDoc { from, to } = doc;
    let wrong = if from > to {
        format!("goes from {from} to {to}, which is less; both ends belong to it")
    } else if to > most {
        format!("goes to {to}; {most} is the most")
    } else {
        return Some(Range { from, to });
    };
    problems.push(Problem::new(at, wrong));
    None
}
