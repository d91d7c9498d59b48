//! The experiments that come with the program: the files of `experiments/`, embedded.

/// A built-in experiment.
#[derive(Clone, Copy, Debug)]
pub struct Builtin {
    /// Its name: that of its file, without the ending.
    pub name: &'static str,
    /// The file.
    pub toml: &'static str,
}

const EXPERIMENTS: &[(&str, &str)] = &include!(concat!(env!("OUT_DIR"), "/experiments.rs"));

/// All built-in experiments, by name.
pub fn builtins() -> impl Iterator<Item = Builtin> {
    EXPERIMENTS.iter().map(|&(name, toml)| Builtin { name, toml })
}

#[cfg(test)]
mod tests {
    use super::super::Experiment;
    use super::*;

    #[test]
    fn every_built_in_experiment_has_points() {
        assert!(builtins().count() > 0);
        for builtin in builtins() {
            let experiment = Experiment::load(builtin.name).unwrap();
            assert!(!experiment.description.is_empty(), "{}", builtin.name);
            assert!(!experiment.points.is_empty(), "{}", builtin.name);
        }
    }
}
