//! Which figures of which paper a study repeats, and what of our results stands beside each of their values.

use super::Study;
use super::measures::{
    Component, Level, bandwidth, code_mpki, cpi, footprint_kib, jaccard, rate, speedup, statistic,
    taken_branches,
};
use super::published::Paper;
use super::results::Subject;
use crate::model::{Run, State};

/// A table: one of our systems against one paper.
pub(crate) struct Figure {
    pub title: &'static str,
    pub paper: Paper,
    pub system: &'static str,
    pub columns: Vec<Column>,
}

/// A column.
pub(crate) struct Column {
    /// Its name in JSON.
    pub key: &'static str,
    pub heading: &'static str,
    pub digits: usize,
    pub mean: Mean,
    pub published: Source,
    pub ours: Ours,
}

/// Our value for a function.
pub(crate) type Ours = fn(&Subject<'_, '_>) -> Option<f64>;

/// How values of functions come to one.
#[derive(Clone, Copy)]
pub(crate) enum Mean {
    Arithmetic,
    /// Of ratios.
    Geometric,
    /// Of 1 + percent / 100.
    OfPercent,
}

/// Where the published value is.
#[derive(Clone, Copy)]
pub(crate) enum Source {
    Key(&'static str),
    /// The quotient of two.
    Ratio(&'static str, &'static str),
    Nowhere,
}

pub(crate) fn figures(study: Study) -> Vec<Figure> {
    match study {
        Study::Lukewarm => lukewarm(),
        Study::Jukebox => jukebox(),
        Study::Ignite => ignite(),
    }
}

fn column(key: &'static str, heading: &'static str, digits: usize, ours: Ours) -> Column {
    Column { key, heading, digits, mean: Mean::Arithmetic, published: Source::Key(key), ours }
}

fn percent(key: &'static str, heading: &'static str, ours: Ours) -> Column {
    Column { mean: Mean::OfPercent, ..column(key, heading, 1, ours) }
}

fn unpublished(column: Column) -> Column {
    Column { published: Source::Nowhere, ..column }
}

fn warm<'a>(of: &Subject<'_, 'a>) -> Option<&'a Run> {
    of.plain(State::Warm)
}

fn cold_core<'a>(of: &Subject<'_, 'a>) -> Option<&'a Run> {
    of.plain(State::Lukewarm)
}

fn ratio(of: &Subject<'_, '_>) -> Option<f64> {
    Some(cpi(cold_core(of)?)? / cpi(warm(of)?)?)
}

fn lukewarm() -> Vec<Figure> {
    let of = |paper, system, titles: [&'static str; 3]| {
        let [costs, misses, stack] = titles;
        let figure = |title, columns| Figure { title, paper, system, columns };
        [
            figure(costs, cost_columns()),
            figure(misses, miss_columns()),
            figure(stack, stack_columns()),
        ]
    };
    let jukebox = of(
        Paper::Jukebox,
        "jukebox-broadwell",
        [
            "CPI and footprint, Jukebox paper",
            "Misses per 1000 instructions, Jukebox paper",
            "CPI stack, Jukebox paper",
        ],
    );
    let ignite = of(
        Paper::Ignite,
        "ignite-icelake",
        [
            "CPI and footprint, Ignite paper and thesis",
            "Misses per 1000 instructions, Ignite paper and thesis",
            "CPI stack, Ignite paper",
        ],
    );
    jukebox.into_iter().chain(ignite).collect()
}

fn cost_columns() -> Vec<Column> {
    vec![
        column("cpi_warm", "CPI warm", 2, |of| cpi(warm(of)?)),
        column("cpi_lukewarm", "CPI lukewarm", 2, |of| cpi(cold_core(of)?)),
        Column {
            mean: Mean::Geometric,
            published: Source::Ratio("cpi_lukewarm", "cpi_warm"),
            ..column("cpi_ratio", "ratio", 2, ratio)
        },
        column("footprint_kib", "code KiB", 0, |of| footprint_kib(cold_core(of)?)),
        column("jaccard", "Jaccard", 3, |of| jaccard(cold_core(of)?)),
        column("taken_branches", "taken branches, thousands", 1, |of| {
            taken_branches(cold_core(of)?)
        }),
    ]
}

fn miss_columns() -> Vec<Column> {
    vec![
        column("l1i_mpki_warm", "L1I warm", 1, |of| code_mpki(warm(of)?, Level::L1)),
        column("l1i_mpki_lukewarm", "L1I", 1, |of| code_mpki(cold_core(of)?, Level::L1)),
        column("l2_instruction_mpki_warm", "L2 instr. warm", 1, |of| {
            code_mpki(warm(of)?, Level::L2)
        }),
        column("l2_data_mpki_warm", "L2 data warm", 1, |of| rate(warm(of)?, "l2.data_mpki")),
        column("l2_instruction_mpki_lukewarm", "L2 instr.", 1, |of| {
            code_mpki(cold_core(of)?, Level::L2)
        }),
        column("l2_data_mpki_lukewarm", "L2 data", 1, |of| rate(cold_core(of)?, "l2.data_mpki")),
        column("llc_instruction_mpki_lukewarm", "LLC instr.", 1, |of| {
            code_mpki(cold_core(of)?, Level::Llc)
        }),
        column("llc_data_mpki_lukewarm", "LLC data", 1, |of| rate(cold_core(of)?, "llc.data_mpki")),
    ]
}

fn stack_columns() -> Vec<Column> {
    use Component::{BackEnd, BadSpeculation, FetchBandwidth, FetchLatency, Retiring};
    vec![
        column("cpi_retiring_warm", "retiring warm", 2, |of| Retiring.cpi(warm(of)?)),
        column("cpi_frontend_warm", "front end warm", 2, |of| front_end(warm(of)?)),
        column("cpi_bad_speculation_warm", "bad spec. warm", 2, |of| BadSpeculation.cpi(warm(of)?)),
        column("cpi_backend_warm", "back end warm", 2, |of| BackEnd.cpi(warm(of)?)),
        column("cpi_retiring_lukewarm", "retiring", 2, |of| Retiring.cpi(cold_core(of)?)),
        column("cpi_frontend_lukewarm", "front end", 2, |of| front_end(cold_core(of)?)),
        column("cpi_bad_speculation_lukewarm", "bad spec.", 2, |of| {
            BadSpeculation.cpi(cold_core(of)?)
        }),
        column("cpi_backend_lukewarm", "back end", 2, |of| BackEnd.cpi(cold_core(of)?)),
        unpublished(column("cpi_fetch_latency_added", "added fetch latency", 2, |of| {
            Some(FetchLatency.cpi(cold_core(of)?)? - FetchLatency.cpi(warm(of)?)?)
        })),
        unpublished(column("cpi_fetch_bandwidth_added", "added fetch bandwidth", 2, |of| {
            Some(FetchBandwidth.cpi(cold_core(of)?)? - FetchBandwidth.cpi(warm(of)?)?)
        })),
    ]
}

fn front_end(run: &Run) -> Option<f64> {
    Some(Component::FetchLatency.cpi(run)? + Component::FetchBandwidth.cpi(run)?)
}

/// Of the variant `better`, over the variant `base`.
fn gain(of: &Subject<'_, '_>, base: &str, better: &str) -> Option<f64> {
    speedup(of.variant(base)?, of.variant(better)?)
}

/// By how many percent the variant `better` has less of a rate than `base`.
fn cut(of: &Subject<'_, '_>, base: &str, better: &str, path: &str) -> Option<f64> {
    let [base, better] = [rate(of.variant(base)?, path)?, rate(of.variant(better)?, path)?];
    (base > 0.0).then(|| (1.0 - better / base) * 100.0)
}

fn jukebox() -> Vec<Figure> {
    let columns = vec![
        percent("jukebox_speedup", "Jukebox %", |of| gain(of, "none", "jukebox")),
        percent("perfect_l1i_speedup", "perfect L1I %", |of| gain(of, "none", "perfect_l1i")),
        percent("pif_speedup", "PIF %", |of| gain(of, "none", "pif")),
        percent("pif_ideal_speedup", "PIF ideal %", |of| gain(of, "none", "pif_ideal")),
        column("jukebox_coverage", "covered %", 1, |of| {
            share(of.variant("jukebox")?, "restored.coverage")
        }),
        column("jukebox_overpredicted", "over-predicted %", 1, |of| {
            share(of.variant("jukebox")?, "restored.overpredicted")
        }),
        column("jukebox_bandwidth", "memory traffic +%", 1, |of| {
            let [base, with] = [of.variant("none")?, of.variant("jukebox")?];
            Some((bandwidth(with)? / bandwidth(base)? - 1.0) * 100.0)
        }),
        column("jukebox_l2_instruction_mpki_cut", "L2 instr. misses -%", 1, |of| {
            cut(of, "none", "jukebox", "l2.instruction_mpki")
        }),
        column("jukebox_llc_instruction_mpki_cut", "LLC instr. misses -%", 1, |of| {
            cut(of, "none", "jukebox", "llc.instruction_mpki")
        }),
    ];
    let title = "Jukebox over a core that lost its state";
    vec![Figure { title, paper: Paper::Jukebox, system: "jukebox-skylake", columns }]
}

/// A ratio of the function's hart, in percent.
fn share(run: &Run, path: &str) -> Option<f64> {
    statistic(run, path).map(|share| share * 100.0)
}

fn ignite() -> Vec<Figure> {
    let speedups = vec![
        percent("jukebox_speedup", "Jukebox %", |of| gain(of, "next_line", "jukebox")),
        percent("fdip_speedup", "FDIP %", |of| gain(of, "next_line", "fdip")),
        percent("ignite_speedup", "Ignite %", |of| gain(of, "next_line", "ignite")),
        percent("perfect_front_end_speedup", "perfect front end %", |of| {
            gain(of, "next_line", "perfect_front_end")
        }),
    ];
    let misses = vec![
        column("l1i_mpki_next_line", "L1I next line", 1, |of| {
            of_variant(of, "next_line", "l1i.mpki")
        }),
        column("l1i_mpki_fdip", "L1I FDIP", 1, |of| of_variant(of, "fdip", "l1i.mpki")),
        column("l1i_mpki_ignite", "L1I Ignite", 1, |of| of_variant(of, "ignite", "l1i.mpki")),
        column("btb_mpki_next_line", "BTB next line", 1, |of| {
            of_variant(of, "next_line", "btb.mpki")
        }),
        column("btb_mpki_fdip", "BTB FDIP", 1, |of| of_variant(of, "fdip", "btb.mpki")),
        column("btb_mpki_ignite", "BTB Ignite", 1, |of| of_variant(of, "ignite", "btb.mpki")),
        column("conditional_mpki_next_line", "conditional next line", 1, |of| {
            of_variant(of, "next_line", "branch.conditional_mpki")
        }),
        column("conditional_mpki_fdip", "conditional FDIP", 1, |of| {
            of_variant(of, "fdip", "branch.conditional_mpki")
        }),
        column("conditional_mpki_ignite", "conditional Ignite", 1, |of| {
            of_variant(of, "ignite", "branch.conditional_mpki")
        }),
    ];
    let figure =
        |title, columns| Figure { title, paper: Paper::Ignite, system: "ignite-icelake", columns };
    vec![
        figure("Speed-up over a next-line prefetcher", speedups),
        figure("Misses per 1000 instructions", misses),
    ]
}

fn of_variant(of: &Subject<'_, '_>, variant: &str, path: &str) -> Option<f64> {
    rate(of.variant(variant)?, path)
}

#[cfg(test)]
mod tests {
    use super::super::published::Published;
    use super::*;

    #[test]
    fn every_published_measure_has_its_column() {
        let mut used = Vec::new();
        for figure in Study::ALL.into_iter().flat_map(figures) {
            let published = Published::of(figure.paper).unwrap();
            for column in &figure.columns {
                if let Source::Key(key) = column.published
                    && published.source(key).is_some()
                {
                    used.push((figure.paper, key.to_owned()));
                }
            }
        }
        for paper in [Paper::Jukebox, Paper::Ignite] {
            for key in Published::of(paper).unwrap().keys() {
                assert!(used.contains(&(paper, key.to_owned())), "{key} is published for nobody");
            }
        }
    }
}
