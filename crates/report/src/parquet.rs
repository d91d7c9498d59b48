//! `windows.parquet`, and `results.parquet` of several runs: a row for each hart of each invocation, with everything
//! that was counted.
//!
//! Columns are what names the window (in `results.parquet` after what names the point), the hart's counts, its statistics under their paths, and what all
//! harts share under `system.`, as in `stats.txt`. The latter stand on the row of the function's hart only,
//! so that sums over rows count them once. Counts are 64-bit integers, ratios doubles; a statistic without a
//! value, or that a hart does not have, is null.
//!
//! Plain encoding in one row group, neither compressed nor with statistics of pages: files are small, and
//! the same run gives the same bytes.

use crate::PointRun;
use crate::model::{HartWindow, Invocation, Run, Statistics, Value};
use parquet::basic::{LogicalType, Repetition, Type as Physical};
use parquet::data_type::{BoolType, ByteArray, ByteArrayType, DoubleType, Int64Type};
use parquet::errors::ParquetError;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::file::writer::{SerializedColumnWriter, SerializedFileWriter};
use parquet::schema::types::{Type, TypePtr};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Windows that could not be put into a Parquet file.
#[derive(Debug, thiserror::Error)]
#[error(
    "making a Parquet file: {0}; this is a defect of vswarm-u, the other files have the same results"
)]
pub struct ParquetFailure(#[from] ParquetError);

/// The file.
///
/// # Errors
/// None that is known: the writer's own checks of what it is given.
pub fn windows_parquet(run: &Run) -> Result<Vec<u8>, ParquetFailure> {
    file(&columns(&rows(run).collect::<Vec<_>>()))
}

/// The file with the rows of all points. All points must have the same labels.
///
/// # Errors
/// As for [`windows_parquet`].
pub fn results_parquet(points: &[PointRun<'_>]) -> Result<Vec<u8>, ParquetFailure> {
    let of_points: Vec<(&PointRun<'_>, Row<'_>)> =
        points.iter().flat_map(|point| rows(point.run).map(move |row| (point, row))).collect();
    let index = of_points.iter().map(|(point, _)| Some(point.point)).collect();
    let mut all = vec![("point".to_owned(), Cells::Count(index))];
    for (number, (name, _)) in points.iter().take(1).flat_map(|point| &point.labels).enumerate() {
        let cells = of_points.iter().map(|(point, _)| point.labels[number].1.clone()).collect();
        all.push((name.clone(), Cells::Text(cells)));
    }
    all.extend(columns(&of_points.into_iter().map(|(_, row)| row).collect::<Vec<_>>()));
    file(&all)
}

fn file(columns: &[Column]) -> Result<Vec<u8>, ParquetFailure> {
    let schema = schema(columns)?;
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
        .build();
    let mut bytes = Vec::new();
    let mut file = SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties))?;
    let mut group = file.next_row_group()?;
    for (_, cells) in columns {
        let mut column = group.next_column()?.expect("the schema has a field for each column");
        write(&mut column, cells)?;
        column.close()?;
    }
    group.close()?;
    file.close()?;
    Ok(bytes)
}

/// A column: its name and the cell of each row.
type Column = (String, Cells);

enum Cells {
    Text(Vec<Option<String>>),
    Flag(Vec<Option<bool>>),
    Count(Vec<Option<u64>>),
    Real(Vec<Option<f64>>),
}

/// A row: a run, one of its invocations, and one of its harts.
#[derive(Clone, Copy)]
struct Row<'a> {
    run: &'a Run,
    one: &'a Invocation,
    hart: &'a HartWindow,
}

fn rows(run: &Run) -> impl Iterator<Item = Row<'_>> {
    let of = move |one| move |hart| Row { run, one, hart };
    run.invocations.iter().flat_map(move |one| one.harts.iter().map(of(one)))
}

fn columns(rows: &[Row<'_>]) -> Vec<Column> {
    let mut columns = named(rows);
    // What a hart counts and what is already there, idle cycles for one, are the same number.
    let there: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
    let own = statistics("", rows, |row| Some(&row.hart.statistics));
    columns.extend(own.into_iter().filter(|(name, _)| !there.contains(name)));
    columns.extend(statistics("system.", rows, shared));
    columns
}

/// What all harts share, on the row of the function's hart.
fn shared<'a>(row: Row<'a>) -> Option<&'a Statistics> {
    (row.one.hart == row.hart.hart).then_some(&row.one.statistics)
}

/// What names a window, and its counts.
fn named(rows: &[Row<'_>]) -> Vec<Column> {
    let text = |of: fn(&Row<'_>) -> Option<String>| Cells::Text(rows.iter().map(of).collect());
    let count =
        |of: fn(&Row<'_>) -> u64| Cells::Count(rows.iter().map(|row| Some(of(row))).collect());
    let flag =
        |of: fn(&Row<'_>) -> bool| Cells::Flag(rows.iter().map(|row| Some(of(row))).collect());
    let columns = [
        ("function", text(|row| Some(row.run.function.clone()))),
        ("system", text(|row| Some(row.run.system.clone()))),
        ("state", text(|row| Some(row.run.state.name().to_owned()))),
        ("lukewarm", text(|row| row.run.between.lukewarm.clone())),
        ("seed", count(|row| row.run.seed)),
        ("invocation", count(|row| row.one.index)),
        ("ok", flag(|row| row.one.ok)),
        ("latency_ns", count(|row| row.one.latency_ns)),
        ("hart", count(|row| u64::from(row.hart.hart))),
        ("runs_function", flag(|row| row.one.hart == row.hart.hart)),
        ("cycles", count(|row| row.hart.cycles)),
        ("idle_cycles", count(|row| row.hart.idle_cycles)),
        ("instructions", count(|row| row.hart.instructions)),
        ("cpi", Cells::Real(rows.iter().map(|row| finite(row.hart.cpi())).collect())),
    ];
    columns.map(|(name, cells)| (name.to_owned(), cells)).into()
}

fn finite(value: Option<f64>) -> Option<f64> {
    value.filter(|value| value.is_finite())
}

/// A column for each path that some row has, in the order of paths.
fn statistics<'a>(
    prefix: &str,
    rows: &[Row<'a>],
    of: impl Fn(Row<'a>) -> Option<&'a Statistics>,
) -> Vec<Column> {
    let mut values: BTreeMap<&str, Vec<Option<Value>>> = BTreeMap::new();
    for (number, row) in rows.iter().enumerate() {
        for (path, value) in of(*row).into_iter().flat_map(|statistics| &statistics.values) {
            values.entry(path).or_insert_with(|| vec![None; rows.len()])[number] = Some(*value);
        }
    }
    values.into_iter().map(|(path, cells)| (format!("{prefix}{path}"), numbers(&cells))).collect()
}

/// Integers if all that have a value are counts.
fn numbers(cells: &[Option<Value>]) -> Cells {
    let is_count = |cell: &Option<Value>| matches!(cell, None | Some(Value::Count(_)));
    if cells.iter().all(is_count) {
        let count = |cell: &Option<Value>| match cell {
            Some(Value::Count(count)) => Some(*count),
            _ => None,
        };
        Cells::Count(cells.iter().map(count).collect())
    } else {
        Cells::Real(cells.iter().map(|cell| cell.and_then(Value::number)).collect())
    }
}

fn schema(columns: &[Column]) -> Result<TypePtr, ParquetError> {
    let field = |(name, cells): &Column| {
        let (physical, logical) = match cells {
            Cells::Text(_) => (Physical::BYTE_ARRAY, Some(LogicalType::String)),
            Cells::Flag(_) => (Physical::BOOLEAN, None),
            Cells::Count(_) => (Physical::INT64, None),
            Cells::Real(_) => (Physical::DOUBLE, None),
        };
        let field = Type::primitive_type_builder(name, physical)
            .with_repetition(Repetition::OPTIONAL)
            .with_logical_type(logical);
        field.build().map(Arc::new)
    };
    let fields = columns.iter().map(field).collect::<Result<Vec<_>, _>>()?;
    Ok(Arc::new(Type::group_type_builder("windows").with_fields(fields).build()?))
}

fn write(column: &mut SerializedColumnWriter<'_>, cells: &Cells) -> Result<(), ParquetError> {
    // A level of 1 says that the row has a value.
    fn levels<T>(cells: &[Option<T>]) -> Vec<i16> {
        cells.iter().map(|cell| i16::from(cell.is_some())).collect()
    }
    match cells {
        Cells::Text(cells) => {
            let values: Vec<ByteArray> =
                cells.iter().flatten().map(|text| text.as_str().into()).collect();
            column.typed::<ByteArrayType>().write_batch(&values, Some(&levels(cells)), None)?;
        }
        Cells::Flag(cells) => {
            let values: Vec<bool> = cells.iter().flatten().copied().collect();
            column.typed::<BoolType>().write_batch(&values, Some(&levels(cells)), None)?;
        }
        Cells::Count(cells) => {
            // Readers know signed integers best, and no counter comes to 2^63.
            let signed = |count: &u64| i64::try_from(*count).unwrap_or(i64::MAX);
            let values: Vec<i64> = cells.iter().flatten().map(signed).collect();
            column.typed::<Int64Type>().write_batch(&values, Some(&levels(cells)), None)?;
        }
        Cells::Real(cells) => {
            let values: Vec<f64> = cells.iter().flatten().copied().collect();
            column.typed::<DoubleType>().write_batch(&values, Some(&levels(cells)), None)?;
        }
    }
    Ok(())
}
