//! What a request says: the same every time, or something else from request to request.
//!
//! vSwarm's client has an input generator per function ("unique", "linear", "random"); here a generator is written in the
//! compose file. It has an order and a source: a list of whole requests, or one request with values to fill in. The n-th
//! request is a function of n and, in random order, of the seed: nothing is remembered from one to the next, so a study that
//! goes on from a snapshot sends what one without a snapshot sends.
//!
//! Left out: values that depend on replies or on time, and numbers other than natural ones.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::draw::Draw;
use super::fill::Filling;
use super::request::Expect;
use super::schema::ProtocolDoc;

/// A message and what is known of its reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body {
    /// What is sent.
    pub payload: Json,
    /// What the reply must say.
    pub expect: Option<Expect>,
}

/// What is sent where nothing is given: an empty message, or no body.
pub(super) fn no_payload(protocol: ProtocolDoc) -> Json {
    match protocol {
        ProtocolDoc::Grpc => Json::Object(serde_json::Map::new()),
        ProtocolDoc::Http => Json::Null,
    }
}

/// What a request says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Content {
    /// The same every time.
    Fixed(Body),
    /// Something else from request to request.
    Generated(Generator),
}

/// How requests follow from their numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Generator {
    /// How it is chosen.
    pub order: Order,
    /// What it is chosen from.
    pub source: Source,
}

/// How a request is chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Order {
    /// One after the other, then again from the first.
    Sequence,
    /// At random, evenly, each without regard to the others.
    Random {
        /// The same seed gives the same requests.
        seed: u64,
    },
}

/// What requests are chosen from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// Whole requests; never empty.
    Listed(Vec<Body>),
    /// One request, in which `{name}` stands for a value.
    Template {
        /// The values by name; never empty.
        values: BTreeMap<String, Values>,
        /// The request.
        body: Body,
    },
}

/// What can stand for a name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Values {
    /// A number, or as many as `times` says.
    Numbers {
        /// Which.
        range: Range,
        /// How many.
        times: Range,
    },
    /// A text, for random order.
    Text {
        /// The characters it is made of; never empty.
        alphabet: Vec<char>,
        /// How many.
        length: Range,
    },
    /// One of these; never empty.
    OneOf(Vec<String>),
}

/// Natural numbers, both ends included; `from` is not above `to`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Range {
    /// The least.
    pub from: u64,
    /// The greatest.
    pub to: u64,
}

impl Content {
    /// What request number `n`, from 0, says.
    #[must_use]
    pub fn nth(&self, n: u64) -> Body {
        match self {
            Self::Fixed(body) => body.clone(),
            Self::Generated(generator) => generator.nth(n),
        }
    }

    /// After how many requests they come again; none if they are random.
    #[must_use]
    pub fn period(&self) -> Option<u64> {
        match self {
            Self::Fixed(_) => Some(1),
            Self::Generated(Generator { order: Order::Random { .. }, .. }) => None,
            Self::Generated(Generator { source, .. }) => Some(source.period()),
        }
    }
}

impl Generator {
    fn nth(&self, n: u64) -> Body {
        match &self.source {
            Source::Listed(bodies) => {
                let index = match self.order {
                    Order::Sequence => n % bodies.len() as u64,
                    Order::Random { seed } => Draw::new(seed, n, 0).below(bodies.len() as u64),
                };
                bodies[index as usize].clone()
            }
            Source::Template { values, body } => {
                let chosen = values.iter().zip(0..).map(|((name, values), place)| {
                    let chosen = match self.order {
                        Order::Sequence => values.in_turn(n),
                        Order::Random { seed } => values.drawn(&mut Draw::new(seed, n, place)),
                    };
                    (name.as_str(), chosen)
                });
                Filling(chosen.collect()).body(body)
            }
        }
    }
}

impl Source {
    /// All values go on with every request; together they come again when each does.
    fn period(&self) -> u64 {
        match self {
            Self::Listed(bodies) => bodies.len() as u64,
            Self::Template { values, .. } => {
                values.values().map(Values::count).fold(1, least_common_multiple)
            }
        }
    }
}

impl Values {
    /// How many there are to go through in turn. The check lets no text into a sequence.
    fn count(&self) -> u64 {
        match self {
            Self::Numbers { range, .. } => range.count(),
            Self::Text { .. } => 1,
            Self::OneOf(texts) => texts.len() as u64,
        }
    }

    fn in_turn(&self, n: u64) -> Vec<String> {
        let index = n % self.count();
        vec![match self {
            Self::Numbers { range, .. } => (range.from + index).to_string(),
            Self::Text { .. } => String::new(),
            Self::OneOf(texts) => texts[index as usize].clone(),
        }]
    }

    fn drawn(&self, draw: &mut Draw) -> Vec<String> {
        match self {
            Self::Numbers { range, times } => {
                let times = times.drawn(draw);
                (0..times).map(|_| range.drawn(draw).to_string()).collect()
            }
            Self::Text { alphabet, length } => {
                let length = length.drawn(draw);
                let letter = |_| alphabet[draw.below(alphabet.len() as u64) as usize];
                vec![(0..length).map(letter).collect()]
            }
            Self::OneOf(texts) => vec![texts[draw.below(texts.len() as u64) as usize].clone()],
        }
    }
}

impl Range {
    /// Just the number one.
    pub const ONCE: Self = Self { from: 1, to: 1 };

    /// How many numbers; all of them are counted as one less than that.
    fn count(self) -> u64 {
        (self.to - self.from).saturating_add(1)
    }

    fn drawn(self, draw: &mut Draw) -> u64 {
        self.from + draw.below(self.count())
    }
}

fn least_common_multiple(a: u64, b: u64) -> u64 {
    let (mut divisor, mut rest) = (a, b);
    while rest != 0 {
        (divisor, rest) = (rest, divisor % rest);
    }
    (a / divisor).saturating_mul(b)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn listed(order: Order, count: u64) -> Content {
        let body = |n: u64| Body { payload: json!({ "n": n }), expect: None };
        let source = Source::Listed((0..count).map(body).collect());
        Content::Generated(Generator { order, source })
    }

    fn template(order: Order, values: &[(&str, Values)], payload: Json) -> Content {
        let values = values.iter().map(|(name, values)| ((*name).to_owned(), values.clone()));
        let body = Body { payload, expect: None };
        let source = Source::Template { values: values.collect(), body };
        Content::Generated(Generator { order, source })
    }

    fn numbers(from: u64, to: u64) -> Values {
        Values::Numbers { range: Range { from, to }, times: Range::ONCE }
    }

    fn payloads(content: &Content, count: u64) -> Vec<Json> {
        (0..count).map(|n| content.nth(n).payload).collect()
    }

    #[test]
    fn a_sequence_begins_again_after_its_last_request() {
        let content = listed(Order::Sequence, 3);
        assert_eq!(content.period(), Some(3));
        let of = |n: u64| json!({ "n": n });
        assert_eq!(payloads(&content, 5), [of(0), of(1), of(2), of(0), of(1)]);
    }

    #[test]
    fn values_of_a_sequence_go_on_together_each_around_its_own_range() {
        let one_of = Values::OneOf(vec!["x".to_owned(), "y".to_owned()]);
        let values = [("a", numbers(1, 4)), ("b", one_of)];
        let content = template(Order::Sequence, &values, json!("{a}{b}"));
        assert_eq!(content.period(), Some(4));
        assert_eq!(payloads(&content, 5), ["1x", "2y", "3x", "4y", "1x"]);
        let values = [("a", numbers(0, 3)), ("b", numbers(0, 5))];
        assert_eq!(template(Order::Sequence, &values, json!("")).period(), Some(12));
    }

    #[test]
    fn a_random_request_depends_on_its_number_and_the_seed_alone() {
        let content = listed(Order::Random { seed: 1 }, 8);
        let forwards = payloads(&content, 100);
        let backwards: Vec<_> = (0..100).rev().map(|n| content.nth(n).payload).collect();
        assert!(forwards.iter().eq(backwards.iter().rev()));
        assert_ne!(forwards, payloads(&listed(Order::Random { seed: 2 }, 8), 100));
        assert_eq!(content.period(), None);
    }

    #[test]
    fn random_requests_are_those_that_earlier_versions_sent() {
        let content = listed(Order::Random { seed: 1 }, 8);
        let sent: Vec<_> = payloads(&content, 8).iter().map(|p| p["n"].as_u64().unwrap()).collect();
        assert_eq!(sent, [5, 2, 7, 6, 2, 1, 0, 7]);
    }

    #[test]
    fn every_request_of_a_list_has_its_share_in_random_order() {
        let content = listed(Order::Random { seed: 1 }, 8);
        let mut times = [0; 8];
        for payload in payloads(&content, 8000) {
            times[payload["n"].as_u64().unwrap() as usize] += 1;
        }
        assert!(times.iter().all(|times| (900..1100).contains(times)), "{times:?}");
    }

    #[test]
    fn random_values_reach_both_ends_of_their_ranges_and_no_further() {
        let values = [
            (
                "few",
                Values::Numbers {
                    range: Range { from: 7, to: 9 },
                    times: Range { from: 0, to: 2 },
                },
            ),
            ("text", Values::Text { alphabet: vec!['a', 'é'], length: Range { from: 1, to: 3 } }),
        ];
        let content = template(
            Order::Random { seed: 1 },
            &values,
            json!({"few": ["{few}"], "text": "{text}"}),
        );
        let (mut counts, mut numbers, mut lengths) = ([0; 3], [0; 10], [0; 4]);
        for payload in payloads(&content, 500) {
            let few = payload["few"].as_array().unwrap();
            counts[few.len()] += 1;
            for number in few {
                numbers[number.as_str().unwrap().parse::<usize>().unwrap()] += 1;
            }
            lengths[payload["text"].as_str().unwrap().chars().count()] += 1;
        }
        assert!(counts.iter().all(|times| *times > 100), "{counts:?}");
        assert!(numbers[7..].iter().all(|times| *times > 100), "{numbers:?}");
        assert_eq!((lengths[0], numbers[..7].iter().sum::<i32>()), (0, 0));
        assert!(lengths[1..].iter().all(|times| *times > 100), "{lengths:?}");
    }

    #[test]
    fn values_of_one_request_are_drawn_apart_from_each_other() {
        let values = [("a", numbers(0, 9)), ("b", numbers(0, 9))];
        let content = template(Order::Random { seed: 1 }, &values, json!(["{a}", "{b}"]));
        let same = payloads(&content, 1000).iter().filter(|pair| pair[0] == pair[1]).count();
        assert!((50..150).contains(&same), "{same}");
    }
}
