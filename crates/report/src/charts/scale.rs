//! From values to positions, and where the ticks are.

/// An axis of numbers.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scale {
    low: f64,
    high: f64,
    is_log: bool,
    ticks: Vec<f64>,
}

/// Ticks there may be on a linear axis.
const MOST_TICKS: f64 = 6.0;

impl Scale {
    /// From zero, or less where `low` is less, to a tick at or above `high`.
    pub(crate) fn from_zero(low: f64, high: f64) -> Self {
        let (low, high) = (low.min(0.0), high.max(0.0));
        Self::linear(low, if high > low { high } else { low + 1.0 })
    }

    /// From a tick at or below `low` to one at or above `high`.
    pub(crate) fn linear(low: f64, high: f64) -> Self {
        let step = step(high - low);
        // A value that is at a tick but for rounding is at the tick.
        let (first, last) = ((low / step + 1e-9).floor(), (high / step - 1e-9).ceil());
        let mut ticks = Vec::new();
        let mut tick = first;
        while tick <= last {
            ticks.push(tick * step);
            tick += 1.0;
        }
        Self { low: first * step, high: last * step, is_log: false, ticks }
    }

    /// Between powers of ten. Both values must be positive.
    pub(crate) fn logarithmic(low: f64, high: f64) -> Self {
        let (mut bottom, mut top) = (1.0, 1.0);
        while bottom > low {
            bottom /= 10.0;
        }
        while bottom * 10.0 <= low {
            bottom *= 10.0;
        }
        while top < high {
            top *= 10.0;
        }
        let mut decades = vec![bottom];
        while decades.last().is_some_and(|last| *last < top) {
            decades.extend(decades.last().map(|last| last * 10.0));
        }
        let few = decades.len() <= 3;
        let between = |decade: &f64| {
            [*decade, decade * 2.0, decade * 5.0].into_iter().take(if few { 3 } else { 1 })
        };
        let ticks = decades.iter().flat_map(between).filter(|tick| *tick <= top).collect();
        Self { low: bottom, high: top, is_log: true, ticks }
    }

    /// Where the value lies: 0 at the low end, 1 at the high end, and never outside.
    pub(crate) fn position(&self, value: f64) -> f64 {
        let of = |value: f64| if self.is_log { value.ln() } else { value };
        let share = (of(value) - of(self.low)) / (of(self.high) - of(self.low));
        if share.is_finite() { share.clamp(0.0, 1.0) } else { 0.0 }
    }

    /// The values that have a tick, in order, and what to write there.
    pub(crate) fn ticks(&self) -> impl Iterator<Item = (f64, String)> {
        let label = |tick: f64| {
            let tick = if tick == 0.0 { 0.0 } else { tick };
            let text = format!("{tick:.6}");
            let text = text.trim_end_matches('0').trim_end_matches('.');
            text.to_owned()
        };
        self.ticks.iter().map(move |&tick| (tick, label(tick)))
    }
}

/// The least of 1, 2, 2.5 and 5 times a power of ten that needs no more ticks than there may be.
fn step(span: f64) -> f64 {
    let least = span / MOST_TICKS;
    let mut power = 1.0;
    while power > least {
        power /= 10.0;
    }
    while power * 10.0 <= least {
        power *= 10.0;
    }
    let steps = [1.0, 2.0, 2.5, 5.0, 10.0];
    steps.into_iter().map(|times| times * power).find(|step| *step >= least).unwrap_or(power * 10.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(scale: &Scale) -> Vec<String> {
        scale.ticks().map(|(_, label)| label).collect()
    }

    #[test]
    fn a_linear_axis_ends_at_round_numbers_around_its_values() {
        // 3.03 / 6 is 0.505, so the step is 1.
        assert_eq!(labels(&Scale::from_zero(0.0, 3.03)), ["0", "1", "2", "3", "4"]);
        // 2.9 / 6 is 0.483.
        assert_eq!(labels(&Scale::from_zero(0.0, 2.9)), ["0", "0.5", "1", "1.5", "2", "2.5", "3"]);
        assert_eq!(
            labels(&Scale::from_zero(-0.1, 0.9)),
            ["-0.2", "0", "0.2", "0.4", "0.6", "0.8", "1"]
        );
        assert_eq!(labels(&Scale::from_zero(0.0, 0.0)), ["0", "0.2", "0.4", "0.6", "0.8", "1"]);
        assert_eq!(
            labels(&Scale::linear(1.3, 1.4)),
            ["1.3", "1.32", "1.34", "1.36", "1.38", "1.4"]
        );
    }

    #[test]
    fn positions_are_shares_of_the_axis() {
        let scale = Scale::from_zero(0.0, 4.0);
        assert_eq!([0.0, 1.0, 4.0, 5.0].map(|value| scale.position(value)), [0.0, 0.25, 1.0, 1.0]);
        let scale = Scale::logarithmic(2.0, 900.0);
        assert_eq!(labels(&scale), ["1", "10", "100", "1000"]);
        assert!((scale.position(100.0) - 2.0 / 3.0).abs() < 1e-9);
        assert_eq!(
            labels(&Scale::logarithmic(0.3, 8.0)),
            ["0.1", "0.2", "0.5", "1", "2", "5", "10"]
        );
    }
}
