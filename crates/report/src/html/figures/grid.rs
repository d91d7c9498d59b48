//! The cells of a system as groups of columns: a group a function, a column a condition and variant.

use super::super::cells::{Cell, Naming, about};
use crate::charts::{Column, Group, Heading};

/// The cells of a system, in the order of groups and columns.
pub(super) struct Grid<'a> {
    pub system: &'a str,
    pub cells: Vec<&'a Cell<'a>>,
    pub naming: Naming,
}

/// What the group is called that has the means over the functions.
const MEAN: &str = "mean";

impl<'a> Grid<'a> {
    /// A grid for each system.
    pub(super) fn of(cells: &'a [Cell<'a>]) -> Vec<Self> {
        // Cells are in the order of their systems.
        let systems = cells.chunk_by(|one, next| one.key.system == next.key.system);
        let grid = |cells: &'a [Cell<'a>]| {
            let system = cells.first().map_or("", |cell| &cell.key.system);
            let cells: Vec<_> = cells.iter().collect();
            Self { system, naming: Naming::of(&cells), cells }
        };
        systems.map(grid).collect()
    }

    /// Groups of the columns that `data` has something for.
    pub(super) fn groups<T>(&self, data: impl Fn(&Cell<'a>) -> Option<T>) -> Vec<Group<T>> {
        let mut groups: Vec<Group<T>> = Vec::new();
        for cell in &self.cells {
            let Some(data) = data(cell) else { continue };
            let (label, column) = (self.naming.group(&cell.key), self.naming.column(cell));
            let column = Column { label: column, about: about(cell), data };
            match groups.last_mut().filter(|group| group.label == label) {
                Some(group) => group.columns.push(column),
                None => groups.push(Group { label, columns: vec![column] }),
            }
        }
        groups
    }

    /// A heading whose files are named after the system, too.
    pub(super) fn heading(&self, slug: &str, title: &str, axis: &str) -> Heading {
        Heading {
            slug: format!("{slug}-{}", plain(self.system)),
            title: format!("{title}, {}", self.system),
            axis: axis.to_owned(),
        }
    }
}

/// Adds a group with the arithmetic means of the columns that every group has, if there are several.
pub(super) fn with_mean(groups: &mut Vec<Group<Vec<Option<f64>>>>) {
    let [first, _, ..] = &groups[..] else { return };
    let mean = |column: &Column<Vec<Option<f64>>>| {
        let same =
            groups.iter().map(|group| group.columns.iter().find(|c| c.about == column.about));
        let same: Vec<_> = same.collect::<Option<_>>()?;
        let of = |index: usize| {
            let sum: Option<f64> = same.iter().map(|column| column.data[index]).sum();
            Some(sum? / same.len() as f64)
        };
        let data = (0..column.data.len()).map(of).collect();
        Some(Column { label: column.label.clone(), about: column.about.clone(), data })
    };
    let columns: Vec<_> = first.columns.iter().filter_map(mean).collect();
    if !columns.is_empty() {
        groups.push(Group { label: MEAN.to_owned(), columns });
    }
}

/// The name as part of a file name: `[a-z0-9-]`.
fn plain(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    name.chars().map(plain).take(60).collect()
}
