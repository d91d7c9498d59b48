//! What a run on an out-of-order system shows, against a text written by hand, and `windows.parquet`.

mod support;

use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::Field;
use report::books::imbalances;
use report::model::{About, Catalogue, Run, Statistics};
use support::{catalogue, run};

/// Shares of slots and parts of the CPI, in thousandths: for all, in user mode, in the kernel.
const OURS: [(&str, [u32; 3]); 55] = [
    ("topdown_retiring", [250, 300, 100]),
    ("topdown_bad_speculation", [100, 90, 130]),
    ("topdown_bad_speculation_branches", [80, 75, 90]),
    ("topdown_bad_speculation_memory_order", [20, 15, 40]),
    ("topdown_bad_speculation_with_refill", [180, 150, 240]),
    ("topdown_frontend", [450, 410, 570]),
    ("topdown_frontend_without_refill", [370, 350, 460]),
    ("topdown_frontend_latency", [350, 310, 470]),
    ("topdown_frontend_bandwidth", [100, 100, 100]),
    ("topdown_backend", [200, 200, 200]),
    ("topdown_backend_memory", [150, 140, 180]),
    ("topdown_backend_core", [50, 60, 20]),
    ("topdown_lost.itlb", [2, 1, 3]),
    ("topdown_lost.itlb_walk", [8, 10, 4]),
    ("topdown_lost.icache_in_flight", [20, 30, 40]),
    ("topdown_lost.icache_l2", [80, 60, 90]),
    ("topdown_lost.icache_llc", [20, 19, 23]),
    ("topdown_lost.icache_memory", [3, 1, 9]),
    ("topdown_lost.resteer_conditional", [40, 30, 50]),
    ("topdown_lost.resteer_indirect", [20, 15, 30]),
    ("topdown_lost.resteer_return", [15, 10, 20]),
    ("topdown_lost.resteer_memory", [5, 5, 10]),
    ("topdown_lost.resteer_decode", [60, 50, 90]),
    ("topdown_lost.serialise", [30, 28, 36]),
    ("topdown_lost.branch", [40, 44, 28]),
    ("topdown_lost.front_other", [7, 7, 37]),
    ("topdown_lost.bandwidth", [100, 100, 100]),
    ("topdown_lost.recovery", [9, 8, 12]),
    ("topdown_lost.rob_full", [150, 150, 150]),
    ("topdown_lost.alone", [50, 50, 50]),
    ("cpi_commit.base", [320, 310, 330]),
    ("cpi_commit.itlb", [11, 21, 31]),
    ("cpi_commit.icache", [12, 22, 32]),
    ("cpi_commit.resteer", [13, 23, 33]),
    ("cpi_commit.serialise", [14, 24, 34]),
    ("cpi_commit.front", [15, 25, 35]),
    ("cpi_commit.dtlb", [16, 26, 36]),
    ("cpi_commit.l1d", [17, 27, 37]),
    ("cpi_commit.l2", [18, 28, 38]),
    ("cpi_commit.llc", [19, 29, 39]),
    ("cpi_commit.memory", [20, 30, 40]),
    ("cpi_commit.store", [21, 31, 41]),
    ("cpi_commit.execute", [20, 30, 40]),
    ("cpi_commit.divide", [2, 2, 2]),
    ("cpi_commit.dispatch", [11, 21, 31]),
    ("cpi_commit.port", [12, 12, 12]),
    ("cpi_commit.latency", [759, 639, 1189]),
    ("cpi_dispatch_base", [125, 125, 125]),
    ("cpi_dispatch_squashed", [50, 40, 60]),
    ("cpi_dispatch_unfinished", [0, 0, 0]),
    ("cpi_dispatch_lost.itlb", [10, 11, 12]),
    ("topdown_wrong_path", [91, 82, 118]),
    ("topdown_frontend_latency_without_refill", [270, 250, 360]),
    ("topdown_backend_waits.l1d", [150, 140, 180]),
    ("topdown_backend_waits.execute", [50, 60, 20]),
];

/// Events in hundredths for each 1000 instructions.
const RATES: [(&str, [u32; 3]); 16] = [
    ("l1i.mpki", [4610, 3680, 6960]),
    ("l1d.mpki", [1354, 1093, 2014]),
    ("l2.instruction_mpki", [717, 668, 843]),
    ("l2.data_mpki", [120, 74, 237]),
    ("llc.instruction_mpki", [654, 647, 670]),
    ("llc.data_mpki", [76, 58, 122]),
    ("itlb.mpki", [384, 481, 141]),
    ("dtlb.mpki", [703, 608, 944]),
    ("branch.mpki", [1791, 1628, 2199]),
    ("branch.conditional_mpki", [1305, 1306, 1303]),
    ("branch.indirect_mpki", [297, 82, 839]),
    ("branch.return_mpki", [188, 240, 57]),
    ("branch.target_mpki", [1, 0, 3]),
    ("btb.mpki", [2961, 2727, 3549]),
    ("decode_resteer.mpki", [2962, 2728, 3550]),
    ("memory_order.mpki", [93, 94, 92]),
];

const OF: [&str; 3] = ["", "user.", "kernel."];

fn set(statistics: &mut Statistics, path: &str, values: [u32; 3], scale: f64, ours: &str) {
    for (of, value) in OF.into_iter().zip(values) {
        statistics.ratio(format!("{of}{ours}{path}"), Some(f64::from(value) / scale), "");
    }
}

/// The fixture's run, on an out-of-order system with DRAM and a prefetcher.
fn out_of_order() -> (Run, Catalogue) {
    let (mut run, mut catalogue) = (run(), catalogue());
    run.system = "skylake".to_owned();
    for one in &mut run.invocations {
        let hart = one.harts.iter_mut().find(|hart| hart.hart == one.hart).expect("measured");
        for (path, values) in OURS {
            set(&mut hart.statistics, path, values, 1000.0, "out_of_order.");
        }
        for (path, values) in RATES {
            set(&mut one.statistics, path, values, 100.0, "");
        }
        hart.statistics.count("l2.prefetch.issued", 200 * (one.index + 1));
        hart.statistics.count("l2.prefetch.useful", 150);
        hart.statistics.count("l2.prefetch.late", 30);
        hart.statistics.count("l2.prefetch.useless", 60);
        one.statistics.count("dram.bytes_read", 64_000 + 128_000 * one.index);
        one.statistics.count("dram.bytes_written", 6_400);
        one.statistics.ratio("dram.row_hit_ratio", Some(0.625), "");
        one.statistics.ratio("dram.mean_read_latency", Some(150.25), "");
        let about = About { unit: "ratio".to_owned(), description: "Something.".to_owned() };
        let all = hart.statistics.values.keys().chain(one.statistics.values.keys());
        for path in all {
            catalogue.entry(path.clone()).or_insert_with(|| about.clone());
        }
    }
    run.summary = report::summarize(&run.invocations);
    (run, catalogue)
}

#[test]
fn an_out_of_order_run_shows_where_slots_and_cycles_went() {
    let (run, catalogue) = out_of_order();
    assert_eq!(imbalances(&run, &catalogue), []);
    let table = report::table(&run);
    for (number, (ours, expected)) in
        table.lines().zip(include_str!("golden/out-of-order.txt").lines()).enumerate()
    {
        assert_eq!(ours, expected, "line {}", number + 1);
    }
    assert_eq!(table, include_str!("golden/out-of-order.txt"));
}

#[test]
fn what_was_restored_is_told_relative_to_the_misses_there_would_have_been() {
    let (mut run, _) = out_of_order();
    assert!(!report::table(&run).contains("restored"), "there is no unit");
    for one in &mut run.invocations {
        let hart = one.harts.iter_mut().find(|hart| hart.hart == one.hart).expect("measured");
        hart.statistics.count("restored.lines", 90);
        hart.statistics.count("restored.used", 80);
        hart.statistics.count("restored.uncovered", 120);
    }
    let expected =
        "restored: 90 lines; of L2's instruction misses 40.0 % covered, 5.0 % over-predicted\n";
    let table = report::table(&run);
    assert!(table.contains(expected), "{table}");
}

#[test]
fn no_line_of_an_out_of_order_run_is_wider_than_120_columns() {
    let (run, _) = out_of_order();
    let table = report::table(&run);
    let widest = table.lines().max_by_key(|line| line.chars().count()).expect("it has lines");
    assert!(widest.chars().count() <= 120, "{widest}");
}

#[test]
fn a_share_without_a_value_is_a_dash_and_leaves_the_mean_to_the_others() {
    let (mut run, _) = out_of_order();
    for one in &mut run.invocations {
        for hart in &mut one.harts {
            let path = "out_of_order.topdown_bad_speculation_branches";
            hart.statistics.ratio(path, None, "no squashes");
        }
        if one.index == 0 {
            one.statistics.ratio("branch.mpki", None, "no instructions");
        }
    }
    let table = report::table(&run);
    let line = |label: &str| table.lines().find(|line| line.contains(label)).expect(label);
    assert!(
        line("  branches  ").starts_with("  branches                         -     7.5     9.0")
    );
    assert!(line("branches guessed wrong").ends_with("17.91   16.28   21.99"));
}

/// The rows of `windows.parquet`, each with its cells by name.
fn rows(bytes: Vec<u8>) -> Vec<Vec<(String, Field)>> {
    let reader = SerializedFileReader::new(bytes::Bytes::from(bytes)).expect("a Parquet file");
    let rows = reader.get_row_iter(None).expect("its schema is flat");
    rows.map(|row| row.expect("a row").into_columns()).collect()
}

fn cell<'a>(row: &'a [(String, Field)], name: &str) -> &'a Field {
    let mut cells = row.iter().filter(|(column, _)| column == name);
    let (_, cell) = cells.next().unwrap_or_else(|| panic!("there is no column {name}"));
    assert!(cells.next().is_none(), "two columns are {name}");
    cell
}

#[test]
fn windows_are_rows_with_everything_that_was_counted() {
    let (run, _) = out_of_order();
    let bytes = report::windows_parquet(&run).expect("it can be written");
    assert_eq!(bytes, report::windows_parquet(&run).expect("again"), "the same bytes");
    let rows = rows(bytes);
    // Two harts in two invocations, one in the failed third.
    let named: Vec<_> =
        rows.iter().map(|row| (cell(row, "invocation"), cell(row, "hart"))).collect();
    let long = Field::Long;
    let expected =
        [[0, 0], [0, 1], [1, 0], [1, 1], [2, 1]].map(|[one, hart]| (long(one), long(hart)));
    assert!(named.iter().zip(&expected).all(|((a, b), (c, d))| *a == c && *b == d), "{named:?}");
    assert_eq!(rows.len(), 5);
    let (other, ours, failed) = (&rows[0], &rows[1], &rows[4]);
    assert_eq!(*cell(ours, "function"), Field::Str("fibonacci-python".to_owned()));
    assert_eq!(*cell(ours, "cycles"), long(900_000));
    assert_eq!(*cell(ours, "cpi"), Field::Double(1.5));
    assert_eq!(*cell(ours, "itlb.misses"), long(5));
    assert_eq!(*cell(ours, "kernel.out_of_order.cpi_commit.base"), Field::Double(0.33));
    assert_eq!(*cell(failed, "ok"), Field::Bool(false));
    // What the other hart does not have, and what is shared, is null there.
    assert_eq!(*cell(other, "out_of_order.topdown_retiring"), Field::Null);
    assert_eq!(*cell(other, "system.dram.bytes_read"), Field::Null);
    assert_eq!(*cell(ours, "system.dram.bytes_read"), long(64_000));
    assert_eq!(*cell(failed, "system.llc.miss_ratio"), Field::Null, "undefined");
}

#[test]
fn a_run_without_invocations_is_a_file_without_rows() {
    let mut run = run();
    run.invocations.clear();
    assert_eq!(rows(report::windows_parquet(&run).expect("it can be written")).len(), 0);
}

#[test]
fn runs_of_several_points_are_one_table_with_the_columns_of_all() {
    let (with, _) = out_of_order();
    let without = run();
    let label = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    let point = |point, variant, run| report::PointRun {
        point,
        labels: vec![("variant".to_owned(), label(variant))],
        run,
    };
    let points = [point(3, "", &without), point(8, "jukebox, 16 KiB", &with)];
    let bytes = report::results_parquet(&points).expect("it can be written");
    let rows = rows(bytes);
    assert_eq!(rows.len(), 5 + 5, "each run has five windows");
    assert_eq!(*cell(&rows[4], "point"), Field::Long(3));
    assert_eq!(*cell(&rows[5], "point"), Field::Long(8));
    assert_eq!(*cell(&rows[4], "variant"), Field::Null);
    assert_eq!(*cell(&rows[5], "variant"), Field::Str("jukebox, 16 KiB".to_owned()));
    // Only the second run's core counts this.
    let path = "kernel.out_of_order.cpi_commit.base";
    assert_eq!(*cell(&rows[1], path), Field::Null);
    assert_eq!(*cell(&rows[6], path), Field::Double(0.33));
    let csv = report::results_csv(&points);
    assert!(csv.starts_with("point,variant,function,system,state,lukewarm,seed,index,ok,hart,"));
    assert!(csv.contains("\n3,,fibonacci-python,simple,warm,,7,0,true,1,"), "{csv}");
    assert!(csv.contains("\n8,\"jukebox, 16 KiB\",fibonacci-python,skylake,warm,,7,0,true,1,"));
}

#[test]
fn without_points_there_are_no_rows() {
    assert_eq!(rows(report::results_parquet(&[]).expect("it can be written")).len(), 0);
    assert_eq!(report::results_csv(&[]).lines().count(), 1);
}
