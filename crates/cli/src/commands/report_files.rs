//! Writing a report into its folder, in place of the one before.

use crate::failure::Failure;
use ::report::html::{GENERATOR, Report};
use anyhow::{Context as _, anyhow};
use std::fs::{self, File};
use std::io::{ErrorKind, Read as _};
use std::path::{Path, PathBuf};

const PAGE: &str = "index.html";
const CHARTS: &str = "charts";
/// Where they are written before they take the place of the old.
const NEW_PAGE: &str = ".index.html.new";
const NEW_CHARTS: &str = ".charts.new";
/// As much of a page as says who wrote it.
const BEGINNING: u64 = 1024;

/// Writes the files of a report and returns the place of its page.
pub fn write(report: &Report, folder: &Path) -> Result<PathBuf, Failure> {
    ours_or_free(folder).map_err(Failure::input)?;
    charts(report, folder).and_then(|()| page(report, folder)).map_err(|error| {
        Failure::failed(error.context(format!(
            "writing the report into {}; check free space and permissions, name another folder with \
             --out, or print tables with --text",
            folder.display()
        )))
    })
}

/// Refuses a folder that has something else in it: what is there would be replaced.
fn ours_or_free(folder: &Path) -> anyhow::Result<()> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => {
            return Err(error).context(format!("writing the report into {}", folder.display()));
        }
    };
    let is_new = |name: &std::ffi::OsStr| name == NEW_PAGE || name == NEW_CHARTS;
    if entries.flatten().all(|entry| is_new(&entry.file_name())) || is_report(folder) {
        return Ok(());
    }
    Err(anyhow!(
        "writing the report into {}: the folder has something in it that is no report; name another \
         with --out",
        folder.display()
    ))
}

fn is_report(folder: &Path) -> bool {
    let mut beginning = Vec::new();
    let read = File::open(folder.join(PAGE))
        .and_then(|file| file.take(BEGINNING).read_to_end(&mut beginning));
    read.is_ok()
        && String::from_utf8_lossy(&beginning).contains(&format!("content=\"{GENERATOR}\""))
}

fn charts(report: &Report, folder: &Path) -> anyhow::Result<()> {
    let (new, place) = (folder.join(NEW_CHARTS), folder.join(CHARTS));
    remove(&new)?;
    fs::create_dir_all(&new).with_context(|| format!("creating {}", new.display()))?;
    for (name, content) in &report.charts {
        let path = new.join(name);
        fs::write(&path, content).with_context(|| format!("writing {}", path.display()))?;
    }
    remove(&place)?;
    fs::rename(&new, &place).with_context(|| format!("renaming {}", new.display()))
}

fn page(report: &Report, folder: &Path) -> anyhow::Result<PathBuf> {
    let (new, place) = (folder.join(NEW_PAGE), folder.join(PAGE));
    fs::write(&new, &report.html).with_context(|| format!("writing {}", new.display()))?;
    fs::rename(&new, &place).with_context(|| format!("renaming {}", new.display()))?;
    Ok(place)
}

fn remove(folder: &Path) -> anyhow::Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(error).context(format!("removing {}", folder.display()))
        }
        _ => Ok(()),
    }
}
