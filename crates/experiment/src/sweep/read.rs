//! From TOML to the axes of an experiment. Everything that is wrong is told, not only the first.

use super::error::Problem;
use super::point::{
    Choice, FUNCTION, LUKEWARM, OPTIONS, SEED, SET, STATE, SYSTEM, Setting, VARIANT,
};
use super::reader::{Reader, inline, join};
use std::collections::BTreeMap;
use toml::{Table, Value};

/// An experiment as written.
#[derive(Debug, Default)]
pub(super) struct File {
    pub description: String,
    pub functions_file: Option<String>,
    /// The axes of the matrix; the last one varies fastest.
    pub axes: Vec<Axis>,
    /// What all points have.
    pub set: Vec<Setting>,
    /// Values of points that are left out, and where they are named.
    pub exclude: Vec<(String, Vec<(&'static str, String)>)>,
    /// Points besides the matrix, as far as they are given.
    pub include: Vec<(String, Choice)>,
}

/// Values of which each point of the matrix has one.
#[derive(Debug)]
pub(super) struct Axis {
    /// The key that tells its choices apart.
    pub key: &'static str,
    pub choices: Vec<Choice>,
    /// Whether a point may do without.
    pub optional: bool,
}

/// The keys of a point, in `[[exclude]]` and `[[include]]`, besides those of options.
const OF_POINTS: [&str; 7] = [FUNCTION, SYSTEM, STATE, LUKEWARM, VARIANT, SET, SEED];

pub(super) fn read(table: &Table) -> (File, Vec<Problem>) {
    let mut reader = Reader::default();
    let file = reader.file(table);
    (file, reader.problems)
}

impl Reader {
    fn file(&mut self, table: &Table) -> File {
        const KEYS: [&str; 11] = [
            "description",
            "functions_file",
            "functions",
            "systems",
            "states",
            "lukewarm",
            "seeds",
            "set",
            "overrides",
            "exclude",
            "include",
        ];
        self.known(table, "", &[&KEYS[..], &[VARIANT], &OPTIONS].concat());
        let variants = self.variants(table);
        let mut axes = vec![
            self.names(table, "functions", FUNCTION),
            self.names(table, "systems", SYSTEM),
            self.states(table),
        ];
        if !variants.is_empty() {
            axes.push(Axis { key: VARIANT, choices: variants, optional: true });
        }
        axes.extend(self.overrides(table));
        axes.extend(self.options(table));
        axes.push(self.seeds(table));
        for axis in &axes {
            self.no_repeats(axis);
        }
        File {
            description: self.text(table, "", "description").unwrap_or_default(),
            functions_file: self.text(table, "", "functions_file"),
            set: self.set(table, ""),
            exclude: self.excluded(table),
            include: self.included(table, &axes),
            axes,
        }
    }

    /// An axis that every experiment must have.
    fn names(&mut self, table: &Table, key: &str, of: &'static str) -> Axis {
        if !table.contains_key(key) {
            self.wrong(key, format!("is missing; give a list of them, such as {key} = [\"...\"]"));
        }
        let choices = self.texts(table, "", key);
        let choices = choices.into_iter().map(|setting| Choice::of(of, setting)).collect();
        Axis { key: of, choices, optional: false }
    }

    fn states(&mut self, table: &Table) -> Axis {
        let common = self.text(table, "", "lukewarm");
        let common = common.map(|text| Setting { text, at: LUKEWARM.to_owned() });
        let mut choices = Vec::new();
        for (at, value) in self.list(table, "", "states") {
            match value {
                Value::String(state) => {
                    choices.push(Choice::of(STATE, Setting { text: state.clone(), at }));
                }
                Value::Table(inner) => choices.push(self.state(inner, &at)),
                _ => {
                    self.wrong(at, "must be a state, such as \"warm\" or {lukewarm = \"flush=l2\"}")
                }
            }
        }
        if !table.contains_key("states") {
            let warm = Setting { text: "warm".to_owned(), at: "states".to_owned() };
            choices.push(Choice::of(STATE, warm));
        }
        if let Some(common) = common {
            let is_lukewarm = |choice: &&mut Choice| choice.text(STATE) == Some("lukewarm");
            let lukewarm: Vec<&mut Choice> = choices.iter_mut().filter(is_lukewarm).collect();
            if lukewarm.is_empty() {
                self.wrong(LUKEWARM, "is of no use: no state is \"lukewarm\"");
            }
            for choice in lukewarm {
                choice.values.entry(LUKEWARM).or_insert_with(|| common.clone());
            }
        }
        Axis { key: STATE, choices, optional: false }
    }

    /// A state with how it comes about.
    fn state(&mut self, table: &Table, at: &str) -> Choice {
        self.known(table, at, &[STATE, LUKEWARM]);
        let state = self.text(table, at, STATE).unwrap_or_else(|| "lukewarm".to_owned());
        let mut choice = Choice::of(STATE, Setting { text: state, at: at.to_owned() });
        if let Some(text) = self.text(table, at, LUKEWARM) {
            choice.values.insert(LUKEWARM, Setting { text, at: join(at, LUKEWARM) });
        }
        choice
    }

    fn seeds(&mut self, table: &Table) -> Axis {
        let mut choices = Vec::new();
        for (at, value) in self.list(table, "", "seeds") {
            choices.extend(self.seed(value, at));
        }
        if !table.contains_key("seeds") {
            let one = Setting { text: "1".to_owned(), at: "seeds".to_owned() };
            choices.push(Choice::of(SEED, one));
        }
        Axis { key: SEED, choices, optional: false }
    }

    fn seed(&mut self, value: &Value, at: String) -> Option<Choice> {
        match value {
            Value::Integer(seed) if *seed >= 0 => {
                Some(Choice::of(SEED, Setting { text: seed.to_string(), at }))
            }
            _ => {
                self.wrong(at, "must be a whole number, not negative");
                None
            }
        }
    }

    fn set(&mut self, table: &Table, at: &str) -> Vec<Setting> {
        let set = self.texts(table, at, SET);
        for setting in set.iter().filter(|setting| !setting.text.contains('=')) {
            self.wrong(&setting.at, format!("{:?} is not path=value", setting.text));
        }
        set
    }

    fn variants(&mut self, table: &Table) -> Vec<Choice> {
        let mut variants = Vec::new();
        for (at, inner) in self.tables(table, VARIANT) {
            self.known(inner, &at, &["name", SET]);
            let set = self.set(inner, &at);
            match self.text(inner, &at, "name") {
                Some(name) if !name.is_empty() => {
                    let setting = Setting { text: name, at };
                    variants.push(Choice { set, ..Choice::of(VARIANT, setting) });
                }
                Some(_) => self.wrong(join(&at, "name"), "is empty"),
                None => self.wrong(at, "has no name"),
            }
        }
        variants
    }

    /// An axis for each path, in their order.
    fn overrides(&mut self, table: &Table) -> Vec<Axis> {
        let Some(value) = table.get("overrides") else { return Vec::new() };
        let Value::Table(paths) = value else {
            self.wrong("overrides", "must be a table: [overrides], and \"path\" = [values] below");
            return Vec::new();
        };
        let mut names: Vec<&String> = paths.keys().collect();
        names.sort();
        let mut axes = Vec::new();
        for path in names {
            if matches!(paths[path], Value::Table(_)) {
                let what = "must be a list of values; a path with dots stands in quotes";
                self.wrong(format!("overrides.{path}"), what);
                continue;
            }
            let mut choices = Vec::new();
            for (at, value) in self.list(paths, "overrides", path) {
                let text = format!("{path}={}", inline(value));
                choices.push(Choice { set: vec![Setting { text, at }], ..Choice::default() });
            }
            axes.push(Axis { key: SET, choices, optional: true });
        }
        axes
    }

    /// An axis for each option that is given.
    fn options(&mut self, table: &Table) -> Vec<Axis> {
        let mut axes = Vec::new();
        for key in OPTIONS {
            let settings = match table.get(key) {
                None => continue,
                Some(Value::Array(_)) => self.list(table, "", key),
                Some(value) => vec![(key.to_owned(), value)],
            };
            let mut choices = Vec::new();
            for (at, value) in settings {
                choices.extend(self.option(key, value, at));
            }
            axes.push(Axis { key, choices, optional: true });
        }
        axes
    }

    fn option(&mut self, key: &'static str, value: &Value, at: String) -> Option<Choice> {
        match value {
            Value::String(_) | Value::Integer(_) | Value::Float(_) => {
                let text = value.as_str().map_or_else(|| inline(value), str::to_owned);
                Some(Choice::of(key, Setting { text, at }))
            }
            _ => {
                self.wrong(at, "must be a text or a number");
                None
            }
        }
    }

    fn no_repeats(&mut self, axis: &Axis) {
        let mut seen: BTreeMap<Vec<(&str, &str)>, &Setting> = BTreeMap::new();
        for choice in &axis.choices {
            let first = choice.values.get(axis.key).or_else(|| choice.set.first());
            let setting = first.expect("a choice says something");
            let identity = match axis.key {
                VARIANT => vec![(VARIANT, setting.text.as_str())],
                _ => choice.texts().collect(),
            };
            match seen.get(&identity) {
                Some(earlier) => self.wrong(
                    &setting.at,
                    format!("{} is there already: {}", setting.text, earlier.at),
                ),
                None => drop(seen.insert(identity, setting)),
            }
        }
    }

    fn excluded(&mut self, table: &Table) -> Vec<(String, Vec<(&'static str, String)>)> {
        let mut excluded = Vec::new();
        for (at, inner) in self.tables(table, "exclude") {
            self.known(inner, &at, &[&OF_POINTS[..], &OPTIONS].concat());
            let mut values = Vec::new();
            for key in OF_POINTS.into_iter().chain(OPTIONS) {
                let Some(value) = inner.get(key) else { continue };
                match value {
                    Value::String(text) => values.push((key, text.clone())),
                    Value::Integer(_) | Value::Float(_) => values.push((key, inline(value))),
                    _ => self.wrong(join(&at, key), "must be a text or a number"),
                }
            }
            if inner.is_empty() {
                self.wrong(&at, "names nothing, and would leave out everything");
            }
            excluded.push((at, values));
        }
        excluded
    }

    fn included(&mut self, table: &Table, axes: &[Axis]) -> Vec<(String, Choice)> {
        let mut included = Vec::new();
        for (at, inner) in self.tables(table, "include") {
            self.known(inner, &at, &[&OF_POINTS[..], &OPTIONS].concat());
            let choice = self.point(inner, &at, axes);
            included.push((at, choice));
        }
        included
    }

    /// What an included point says itself.
    fn point(&mut self, table: &Table, at: &str, axes: &[Axis]) -> Choice {
        let mut choice = Choice { set: self.set(table, at), ..Choice::default() };
        for key in [FUNCTION, SYSTEM, STATE, LUKEWARM] {
            if let Some(text) = self.text(table, at, key) {
                choice.values.insert(key, Setting { text, at: join(at, key) });
            }
        }
        if choice.values.contains_key(LUKEWARM) {
            let state = Setting { text: "lukewarm".to_owned(), at: join(at, LUKEWARM) };
            choice.values.entry(STATE).or_insert(state);
        }
        if let Some(seed) = table.get(SEED).and_then(|seed| self.seed(seed, join(at, SEED))) {
            choice.add(&seed);
        }
        for key in OPTIONS {
            if let Some(value) = table.get(key)
                && let Some(option) = self.option(key, value, join(at, key))
            {
                choice.add(&option);
            }
        }
        if let Some(name) = self.text(table, at, VARIANT) {
            let variants = axes.iter().filter(|axis| axis.key == VARIANT);
            let mut variants = variants.flat_map(|axis| &axis.choices);
            match variants.find(|variant| variant.text(VARIANT) == Some(&name)) {
                Some(variant) => {
                    let mut whole = variant.clone();
                    whole.add(&choice);
                    choice = whole;
                }
                None => self.wrong(join(at, VARIANT), format!("there is no variant {name:?}")),
            }
        }
        choice
    }
}
