//! The guest's processes and what code they have mapped, from lines of files below `/proc` (proc(5)).
//!
//! Left out: what is mapped after the survey, which shows as code without a file.

use std::collections::BTreeMap;

/// A file mapped for execution.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Mapping {
    pub(crate) start: u64,
    pub(crate) end: u64,
    /// Where in the file it begins, in bytes.
    pub(crate) offset: u64,
    /// The file as its own container sees it, or a name in brackets; empty for memory without a file.
    pub(crate) path: String,
}

/// A process.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Process {
    /// What it is called.
    pub(crate) name: String,
    /// It runs in a container.
    pub(crate) contained: bool,
    /// The harts it may run on, as the kernel lists them.
    pub(crate) harts: String,
    /// Sorted by address.
    pub(crate) mappings: Vec<Mapping>,
}

impl Process {
    /// The mapping that `address` lies in.
    pub(crate) fn mapping(&self, address: u64) -> Option<&Mapping> {
        let after = self.mappings.partition_point(|mapping| mapping.start <= address);
        self.mappings[..after].last().filter(|mapping| address < mapping.end)
    }
}

/// Processes by number.
pub(crate) type Processes = BTreeMap<u64, Process>;

/// Reads lines of the form `/proc/NUMBER/FILE:LINE`, as `grep -H` gives them, of `maps`, `cgroup` and `status`.
/// Others are passed over: processes end while they are looked at.
pub(crate) fn parse(text: &str) -> Processes {
    let mut processes = Processes::new();
    for line in text.lines() {
        let Some((place, content)) = line.split_once(':') else { continue };
        let mut parts = place.split('/').skip(2);
        let (Some(number), Some(file)) = (parts.next(), parts.next()) else { continue };
        let Ok(number) = number.parse() else { continue };
        let process: &mut Process = processes.entry(number).or_default();
        match file {
            "maps" => process.mappings.extend(mapping(content)),
            "cgroup" => process.contained |= content.contains("docker"),
            "status" => match content.split_once(":\t") {
                Some(("Name", name)) => process.name = name.to_owned(),
                Some(("Cpus_allowed_list", harts)) => process.harts = harts.to_owned(),
                _ => {}
            },
            _ => {}
        }
    }
    for process in processes.values_mut() {
        process.mappings.sort_by_key(|mapping| mapping.start);
    }
    processes
}

/// A line of `maps`, if it is of memory that can be executed.
fn mapping(line: &str) -> Option<Mapping> {
    let mut words = line.splitn(6, ' ');
    let (start, end) = words.next()?.split_once('-')?;
    let executable = words.next()?.as_bytes().get(2) == Some(&b'x');
    let offset = words.next()?;
    let path = words.nth(2)?.trim_start();
    let number = |text| u64::from_str_radix(text, 16).ok();
    let mapping = Mapping {
        start: number(start)?,
        end: number(end)?,
        offset: number(offset)?,
        path: path.strip_suffix(" (deleted)").unwrap_or(path).to_owned(),
    };
    executable.then_some(mapping)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
/proc/412/maps:3f80001000-3f80003000 r-xp 00002000 00:1f 1234                   /usr/lib/libc.so.6
/proc/412/maps:00010000-00200000 r-xp 00000000 00:1f 77                         /app/server
/proc/412/maps:3f90000000-3f90001000 rwxp 00000000 00:00 0 
/proc/412/maps:3f80003000-3f80004000 rw-p 00004000 00:1f 1234                   /usr/lib/libc.so.6
/proc/412/cgroup:0::/docker/0123abcd
/proc/412/status:Name:\tserver
/proc/412/status:Cpus_allowed_list:\t1
/proc/1/cgroup:0::/
/proc/1/status:Name:\tvswarm-init
grep: /proc/9/maps: No such file or directory
";

    #[test]
    fn a_process_has_its_name_its_container_its_harts_and_its_executable_mappings() {
        let processes = parse(TEXT);
        assert_eq!(processes.keys().collect::<Vec<_>>(), [&1, &412]);
        let function = &processes[&412];
        assert_eq!((&*function.name, &*function.harts, function.contained), ("server", "1", true));
        assert!(!processes[&1].contained);
        let path = |address| function.mapping(address).map(|mapping| &*mapping.path);
        assert_eq!(path(0x10000), Some("/app/server"));
        assert_eq!(path(0x20_0000), None, "the end is outside");
        assert_eq!(path(0x3f_8000_1fff), Some("/usr/lib/libc.so.6"));
        assert_eq!(path(0x3f_8000_3000), None, "it cannot be executed");
        assert_eq!(path(0x3f_9000_0000), Some(""), "code without a file");
        assert_eq!(function.mapping(0x3f_8000_1000).unwrap().offset, 0x2000);
    }
}
