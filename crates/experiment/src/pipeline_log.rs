//! The pipeline log of one invocation: a file that appears whole or not at all.

use crate::measure::FUNCTION_HART;
use crate::{Study, StudyError};
use pipeline::Viewer;
use std::io::{BufWriter, Write as _};
use std::path::{Path, PathBuf};
use stream::HartId;
use tempfile::NamedTempFile;

/// A log that is asked for.
#[derive(Clone, Debug)]
pub struct PipelineLog {
    /// The file.
    pub path: PathBuf,
    /// The measured invocation, from 0.
    pub invocation: u32,
    /// Instructions that are logged, squashed ones included.
    pub instructions: u64,
}

/// A log that is being made.
#[derive(Debug)]
pub(crate) struct Draft<'a> {
    order: &'a PipelineLog,
    file: NamedTempFile,
}

impl<'a> Draft<'a> {
    /// Checks that the log can be made before anything takes time.
    pub(crate) fn begin(order: &'a PipelineLog, study: &Study) -> Result<Self, StudyError> {
        let (wanted, measured) = (order.invocation, study.invocations);
        if wanted >= measured {
            return Err(StudyError::Input(format!(
                "there is no invocation {wanted} to log: {measured} are measured, counted from 0; \
                 choose another with --pipeline-log-invocation or ask for more with --invocations"
            )));
        }
        let mut model = system::Timing::new(&study.system.config)?;
        if model.view(HartId(FUNCTION_HART), None).is_err() {
            return Err(StudyError::Input(format!(
                "the system {} has no pipeline to log: its core executes one instruction at a time; \
                 choose an out-of-order one such as skylake with --system",
                study.system.name
            )));
        }
        let file = NamedTempFile::new_in(folder(&order.path)).map_err(io(&order.path))?;
        Ok(Self { order, file })
    }

    /// The viewer for invocation `index`, if that is the one.
    pub(crate) fn viewer(&self, index: u32) -> Option<Viewer> {
        (index == self.order.invocation).then(|| Viewer::new(self.order.instructions))
    }

    /// Writes what was seen and gives the file its name.
    pub(crate) fn finish(self, viewer: &Viewer) -> Result<(), StudyError> {
        let path = &self.order.path;
        let mut out = BufWriter::new(self.file.as_file());
        viewer
            .write(HartId(FUNCTION_HART), &mut out)
            .and_then(|()| out.flush())
            .and_then(|()| self.file.as_file().sync_all())
            .map_err(io(path))?;
        drop(out);
        open_to_others(self.file.path()).map_err(io(path))?;
        self.file.persist(path).map_err(|error| io(path)(error.error))?;
        Ok(())
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Temporary files are private; a log need not be.
fn open_to_others(path: &Path) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt as _;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o644))
}

fn io(path: &Path) -> impl FnOnce(std::io::Error) -> StudyError {
    let path = path.to_owned();
    move |source| StudyError::Io { doing: "writing the pipeline log", path, source }
}
