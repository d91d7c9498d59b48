//! `windows.parquet`: a row for each hart of each invocation, with everything that was counted.
//!
//! Columns are what names the window, the hart's counts, its statistics under their paths, and what all
//! harts share under `system.`, as in `stats.txt`. The latter stand on the row of the function's hart only,
//! so that sums over rows count them once. Counts are 64-bit integers, ratios doubles; a statistic without a
//! value, or that a hart does not have, is null.
//!
//! Plain encoding in one row group, neither compressed nor with statistics of pages: files are small, and
//! the same run gives the same bytes.

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
    "making windows.parquet: {0}; this is a defect of vswarm-u, the other files have the same results"
)]
pub struct ParquetFailure(#[from] ParquetError);

/// The file.
///
/// # Errors
/// None that is known: the writer's own checks of what it is given.
pub fn windows_parquet(run: &Run) -> Result<Vec<u8>, ParquetFailure> {
    let columns = columns(run);
    let schema = schema(&columns)?;
    let properties = WriterProperties::builder()
        .set_dictionary_enabled(false)
        .set_statistics_enabled(EnabledStatistics::None)
        .set_offset_index_disabled(true)
        .build();
    let mut bytes = Vec::new();
    let mut file = SerializedFileWriter::new(&mut bytes, schema, Arc::new(properties))?;
    let mut group = file.next_row_group()?;
    for (_, cells) in &columns {
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

/// A row: an invocation and one of its harts.
type Row<'a> = (&'a Invocation, &'a HartWindow);

fn columns(run: &Run) -> Vec<Column> {
    let rows: Vec<Row<'_>> = run
        .invocations
        .iter()
        .flat_map(|one| one.harts.iter().map(move |hart| (one, hart)))
        .collect();
    let mut columns = named(run, &rows);
    // What a hart counts and what is already there, idle cycles for one, are the same number.
    let there: Vec<String> = columns.iter().map(|(name, _)| name.clone()).collect();
    let own = statistics("", &rows, |(_, hart)| Some(&hart.statistics));
    columns.extend(own.into_iter().filter(|(name, _)| !there.contains(name)));
    columns.extend(statistics("system.", &rows, shared));
    columns
}

/// What all harts share, on the row of the function's hart.
fn shared<'a>((one, hart): Row<'a>) -> Option<&'a Statistics> {
    (one.hart == hart.hart).then_some(&one.statistics)
}

/// What names a window, and its counts.
fn named(run: &Run, rows: &[Row<'_>]) -> Vec<Column> {
    let text = |text: &str| Cells::Text(vec![Some(text.to_owned()); rows.len()]);
    let count =
        |of: fn(&Row<'_>) -> u64| Cells::Count(rows.iter().map(|row| Some(of(row))).collect());
    let flag =
        |of: fn(&Row<'_>) -> bool| Cells::Flag(rows.iter().map(|row| Some(of(row))).collect());
    let columns = [
        ("function", text(&run.function)),
        ("system", text(&run.system)),
        ("state", text(run.state.name())),
        ("lukewarm", Cells::Text(vec![run.between.lukewarm.clone(); rows.len()])),
        ("seed", Cells::Count(vec![Some(run.seed); rows.len()])),
        ("invocation", count(|(one, _)| one.index)),
        ("ok", flag(|(one, _)| one.ok)),
        ("latency_ns", count(|(one, _)| one.latency_ns)),
        ("hart", count(|(_, hart)| u64::from(hart.hart))),
        ("runs_function", flag(|(one, hart)| one.hart == hart.hart)),
        ("cycles", count(|(_, hart)| hart.cycles)),
        ("idle_cycles", count(|(_, hart)| hart.idle_cycles)),
        ("instructions", count(|(_, hart)| hart.instructions)),
        ("cpi", Cells::Real(rows.iter().map(|(_, hart)| finite(hart.cpi())).collect())),
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
