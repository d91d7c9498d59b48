//! A repeated study for people: on a terminal, and as Markdown.

use super::{Pair, Row, Table, Validation};

/// What `reproduce` prints.
#[must_use]
pub fn text(validation: &Validation) -> String {
    let mut text = String::from("ours (published); - where there is no value\n");
    for table in &validation.tables {
        text += &format!("\n{}; ours on {}\n\n", table.title, table.system);
        text += &aligned(&cells(table));
    }
    text += "\nshapes\n\n";
    text += &aligned(&shape_rows(validation));
    text
}

/// The same as Markdown, with the source of every published value.
#[must_use]
pub fn markdown(validation: &Validation) -> String {
    let mut text =
        format!("# The study `{}` repeated\n\nOurs (published).\n", validation.study.name());
    for table in &validation.tables {
        text += &format!("\n## {}\n\n", table.title);
        text += &format!("System `{}`; published: {}.\n\n", table.system, table.paper);
        text += &piped(&cells(table));
        text += "\n";
        for head in &table.columns {
            if let Some(source) = &head.source {
                text += &format!("- {}: {source}\n", head.heading);
            }
        }
    }
    text += "\n## Shapes\n\n";
    text + &piped(&shape_rows(validation))
}

/// A row of heads, and one for each shape.
pub(crate) fn shape_rows(validation: &Validation) -> Vec<Vec<String>> {
    let mut rows = vec![["shape", "expected", "ours", "verdict"].map(str::to_owned).to_vec()];
    rows.extend(validation.checks.iter().map(|check| {
        let verdict = check.verdict.word().to_owned();
        vec![check.shape.clone(), check.expected.clone(), check.ours.clone(), verdict]
    }));
    rows
}

/// Columns of which nothing is known on either side are left out.
fn cells(table: &Table) -> Vec<Vec<String>> {
    let is_known = |number: &usize| {
        let known = |pair: &Pair| pair.ours.is_some() || pair.published.is_some();
        known(&table.mean[*number]) || table.paper_mean[*number].is_some()
    };
    let columns: Vec<usize> = (0..table.columns.len()).filter(is_known).collect();
    let line = |name: &str, of: &dyn Fn(usize) -> String| {
        let mut line = vec![name.to_owned()];
        line.extend(columns.iter().map(|number| of(*number)));
        line
    };
    let digits = |number: usize| table.columns[number].digits;
    let mut lines = vec![line("function", &|number| table.columns[number].heading.to_owned())];
    for Row { function, values, .. } in &table.rows {
        lines.push(line(function, &|number| both(values[number], digits(number))));
    }
    lines.push(line("mean of these", &|number| both(table.mean[number], digits(number))));
    let papers = |number: usize| table.paper_mean[number];
    lines.push(line("the paper's mean", &|n| {
        both(Pair { ours: None, published: papers(n) }, digits(n))
    }));
    lines
}

fn both(pair: Pair, digits: usize) -> String {
    let number = |value: f64| format!("{value:.digits$}");
    let ours = pair.ours.map_or_else(|| "-".to_owned(), number);
    match pair.published {
        Some(published) => format!("{ours} ({})", number(published)),
        None => ours,
    }
}

/// The first column to the left, the others too: they hold text as well as numbers.
fn aligned(rows: &[Vec<String>]) -> String {
    let width = |column: usize| {
        let cells = rows.iter().filter_map(|row| row.get(column));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let line = |row: &Vec<String>| {
        let cells = row.iter().enumerate();
        let text: String =
            cells.map(|(column, cell)| format!("{cell:<0$}  ", width(column))).collect();
        text.trim_end().to_owned() + "\n"
    };
    rows.iter().map(line).collect()
}

/// A table of Markdown, its first row the heads.
pub(crate) fn piped(rows: &[Vec<String>]) -> String {
    let line = |cells: Vec<String>| format!("| {} |\n", cells.join(" | "));
    let escaped = |row: &Vec<String>| row.iter().map(|cell| cell.replace('|', "\\|")).collect();
    let Some((heads, body)) = rows.split_first() else { return String::new() };
    let mut text = line(escaped(heads));
    text += &format!("|{}\n", "---|".repeat(heads.len()));
    text += &body.iter().map(|row| line(escaped(row))).collect::<String>();
    text
}
