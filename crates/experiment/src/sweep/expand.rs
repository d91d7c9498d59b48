//! From axes to points: the product, less what is excluded, and what is included besides.

use super::error::Problem;
use super::point::{Choice, Point, SET};
use super::read::{Axis, File};

/// More points than anybody waits for: a slip in the file.
pub const MOST_POINTS: usize = 100_000;

/// The points of an experiment, in order; what is wrong goes into `problems`.
pub(super) fn expand(file: &File, problems: &mut Vec<Problem>) -> Vec<Point> {
    let mut lengths = file.axes.iter().map(|axis| axis.choices.len());
    let count = lengths.try_fold(1_usize, usize::checked_mul);
    if count.is_none_or(|count| count > MOST_POINTS) {
        let what = format!("the matrix has more than {MOST_POINTS} points; split the experiment");
        problems.push(Problem::new("matrix", what));
        return Vec::new();
    }
    let common = Choice { set: file.set.clone(), ..Choice::default() };
    let matrix = product(common.clone(), &file.axes);
    let mut choices = less_excluded(matrix, file, problems);
    for (at, own) in &file.include {
        let Some(point) = completed(at, own, &common, &file.axes, problems) else { continue };
        if choices.iter().any(|other| other.is_like(&point)) {
            problems.push(Problem::new(at, "this point is there already"));
        }
        choices.push(point);
    }
    if choices.is_empty() && problems.is_empty() {
        problems.push(Problem::new("exclude", "nothing is left of the matrix"));
    }
    let numbered = choices.into_iter().enumerate();
    numbered.map(|(index, choice)| Point { index, choice }).collect()
}

/// Every combination; the last axis varies fastest.
fn product(common: Choice, axes: &[Axis]) -> Vec<Choice> {
    axes.iter().fold(vec![common], |points, axis| {
        let extend = |point: &Choice| -> Vec<Choice> {
            let with = |choice: &Choice| {
                let mut point = point.clone();
                point.add(choice);
                point
            };
            axis.choices.iter().map(with).collect()
        };
        points.iter().flat_map(extend).collect()
    })
}

fn less_excluded(matrix: Vec<Choice>, file: &File, problems: &mut Vec<Problem>) -> Vec<Choice> {
    for (at, values) in &file.exclude {
        if !matrix.iter().any(|point| has_all(point, values)) {
            problems.push(Problem::new(at, "no point of the matrix has all of these values"));
        }
    }
    let excluded = |point: &Choice| file.exclude.iter().any(|(_, values)| has_all(point, values));
    matrix.into_iter().filter(|point| !excluded(point)).collect()
}

fn has_all(point: &Choice, values: &[(&'static str, String)]) -> bool {
    values.iter().all(|(key, text)| match *key {
        SET => point.set.iter().any(|setting| setting.text == *text),
        key => point.text(key) == Some(text),
    })
}

/// An included point with what it takes from axes that leave no choice.
fn completed(
    at: &str,
    own: &Choice,
    common: &Choice,
    axes: &[Axis],
    problems: &mut Vec<Problem>,
) -> Option<Choice> {
    let before = problems.len();
    let mut point = common.clone();
    for axis in axes.iter().filter(|axis| !own.values.contains_key(axis.key)) {
        match axis.choices.as_slice() {
            [only] => point.add(only),
            _ if axis.optional => {}
            _ => {
                let what = format!("names no {}, and the matrix has several", axis.key);
                problems.push(Problem::new(at, what));
            }
        }
    }
    point.add(own);
    (problems.len() == before).then_some(point)
}
