//! From the points of an experiment to studies, with everything checked before anything runs.

use super::blame;
use crate::args::{Cli, Command, RunArgs};
use crate::commands::run;
use crate::failure::Failure;
use ::guest::functions::Catalogue;
use ::guest::packages::Mirror;
use anyhow::anyhow;
use clap::Parser as _;
use experiment::Study;
use experiment::sweep::{Draft, Experiment, Point, Problem, Sources, fingerprint};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// An experiment that can be run.
pub struct Plan {
    /// Its name: that of its file, without the ending.
    pub name: String,
    /// Its points, by index, or the one that was asked for.
    pub points: Vec<Planned>,
}

/// A point that can be run.
pub struct Planned {
    /// What the experiment says of it.
    pub point: Point,
    /// The hash of all that decides its results.
    pub id: String,
    /// The same as a study.
    pub study: Study,
}

/// Reads and checks the experiment `name`; with `only` just that point of it.
pub fn plan(name: &str, only: Option<usize>, mirror: Option<&str>) -> Result<Plan, Failure> {
    if let Some(url) = mirror {
        Mirror::new(url).map_err(Failure::input)?;
    }
    let mut draft = Draft::load(name).map_err(Failure::input)?;
    let experiment = draft.experiment.clone();
    let points = chosen(&experiment, only, draft.problems.is_empty())?;
    let file = experiment.functions_file.as_deref();
    let folder = experiment.folder.as_deref();
    let path = file.map(|file| folder.map_or_else(|| file.into(), |folder| folder.join(file)));
    let catalogue = Catalogue::load(path.as_deref()).map_err(Failure::input)?;
    let mut planner = Planner {
        file,
        folder,
        mirror,
        catalogue,
        sources: BTreeMap::new(),
        systems: BTreeSet::new(),
        checked: BTreeSet::new(),
        problems: Vec::new(),
    };
    let points = points.iter().filter_map(|point| planner.planned(point)).collect();
    draft.problems.append(&mut planner.problems);
    draft.checked().map_err(Failure::input)?;
    let stem = Path::new(name).file_stem().unwrap_or_default();
    Ok(Plan { name: stem.to_string_lossy().into_owned(), points })
}

/// All points or one. A file that is `sound` has that one.
fn chosen(experiment: &Experiment, only: Option<usize>, sound: bool) -> Result<&[Point], Failure> {
    let points = &experiment.points;
    match only {
        None => Ok(points),
        Some(_) if !sound => Ok(points),
        Some(index) if index < points.len() => Ok(&points[index..=index]),
        Some(index) => Err(Failure::input(anyhow!(
            "there is no point {index}: the experiment has {}, numbered from 0; --list shows them",
            points.len()
        ))),
    }
}

struct Planner<'a> {
    file: Option<&'a str>,
    folder: Option<&'a Path>,
    mirror: Option<&'a str>,
    catalogue: Catalogue,
    /// What functions are made of.
    sources: BTreeMap<String, Sources>,
    /// Systems with overrides that can be loaded.
    systems: BTreeSet<(String, Vec<String>)>,
    /// Functions with requests that have been checked, as arguments.
    checked: BTreeSet<Vec<String>>,
    problems: Vec<Problem>,
}

impl Planner<'_> {
    /// What can be run of the point. What is wrong with it is kept, once however many points have it.
    fn planned(&mut self, point: &Point) -> Option<Planned> {
        let (sources, system) = (self.sources(point), self.check_system(point));
        let (sources, system) = (self.keep(sources), self.keep(system));
        let arguments = self.parsed(point);
        let arguments = self.keep(arguments)?;
        system?;
        let study = Self::study(point, &arguments);
        let (sources, study) = (sources?, self.keep(study)?);
        let checked = self.check_requests(point, &study);
        self.keep(checked)?;
        let sources = self.with_co_runners(point, &study, sources);
        let sources = self.keep(sources)?;
        let written = point.arguments(self.file, None);
        let id = fingerprint(&study, &written, &sources);
        // A point is the same run wherever it comes from, down to its manifest.
        let command = std::iter::once("vswarm-u".to_owned()).chain(written).collect();
        let mirror = self.mirror.map(str::to_owned);
        Some(Planned { point: point.clone(), id, study: Study { command, mirror, ..study } })
    }

    fn keep<T>(&mut self, result: Result<T, Problem>) -> Option<T> {
        match result {
            Ok(value) => return Some(value),
            Err(problem) if self.problems.contains(&problem) => {}
            Err(problem) => self.problems.push(problem),
        }
        None
    }

    /// The point's arguments as `run` reads them.
    fn parsed(&self, point: &Point) -> Result<RunArgs, Problem> {
        let program = std::iter::once("vswarm-u".to_owned());
        let arguments = program.chain(point.arguments(self.file, self.folder));
        let cli = Cli::try_parse_from(arguments).map_err(|error| blame::usage(point, &error))?;
        match cli.command {
            Command::Run(args) => Ok(*args),
            _ => unreachable!("the first argument is run"),
        }
    }

    /// What `run` makes of its arguments.
    fn study(point: &Point, args: &RunArgs) -> Result<Study, Problem> {
        let function = args.function.as_deref().unwrap_or_default();
        run::resolve(args, function).map_err(|failure| blame::resolving(point, &failure))
    }

    fn check_system(&mut self, point: &Point) -> Result<(), Problem> {
        let system = point.system_path(self.folder);
        let set: Vec<String> = point.set().iter().map(|setting| setting.text.clone()).collect();
        let key = (system, set);
        if !self.systems.contains(&key) {
            ::system::load(&key.0, &key.1).map_err(|e| blame::system(point, &key.0, &key.1, &e))?;
            self.systems.insert(key);
        }
        Ok(())
    }

    fn check_requests(&mut self, point: &Point, study: &Study) -> Result<(), Problem> {
        let of_system = |argument: &String| {
            ["--system=", "--set=", "--seed="].iter().any(|prefix| argument.starts_with(prefix))
        };
        let mut key = point.arguments(self.file, None);
        key.retain(|argument| !of_system(argument));
        if self.checked.contains(&key) {
            return Ok(());
        }
        experiment::check_input(study).map_err(|error| blame::checking(point, &error))?;
        self.checked.insert(key);
        Ok(())
    }

    fn sources(&mut self, point: &Point) -> Result<Sources, Problem> {
        let name = point.function();
        if let Some(known) = self.sources.get(name) {
            return Ok(known.clone());
        }
        let sources = Sources::of(&self.catalogue, name);
        let sources = sources.map_err(|error| blame::function(point, &error))?;
        self.sources.insert(name.to_owned(), sources.clone());
        Ok(sources)
    }

    /// Who runs in between is part of what is measured.
    fn with_co_runners(
        &self,
        point: &Point,
        study: &Study,
        mut sources: Sources,
    ) -> Result<Sources, Problem> {
        let names = experiment::co_runners(study, &self.catalogue);
        for name in names.map_err(|error| blame::checking(point, &error))? {
            let co_runner = Sources::of(&self.catalogue, &name);
            sources.add(&co_runner.map_err(|error| blame::function(point, &error))?);
        }
        Ok(sources)
    }
}
