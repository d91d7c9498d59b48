//! Numbers in words.

const KIB: f64 = 1024.0;

/// Bytes in the unit that leaves the fewest digits before the point.
pub(super) fn bytes(bytes: f64) -> String {
    let mut value = bytes;
    for unit in ["bytes", "KiB", "MiB"] {
        if value < KIB {
            let digits = usize::from(unit != "bytes");
            return format!("{value:.digits$} {unit}");
        }
        value /= KIB;
    }
    format!("{value:.1} GiB")
}

/// A time in two units at most.
pub(super) fn time(seconds: f64) -> String {
    let whole = seconds.round() as u64;
    match whole {
        0..=9 => format!("{seconds:.2} s"),
        10..=99 => format!("{seconds:.1} s"),
        100..=5999 => format!("{} min {} s", whole / 60, whole % 60),
        _ => {
            let minutes = (whole + 30) / 60;
            format!("{} h {} min", minutes / 60, minutes % 60)
        }
    }
}

/// A number and its noun, which gets an s unless there is one of it.
pub(super) fn count(number: usize, noun: &str) -> String {
    let end = if number == 1 { "" } else { "s" };
    format!("{number} {noun}{end}")
}

/// Names in code, each once, in their order.
pub(super) fn names<'a>(names: impl Iterator<Item = &'a str>) -> String {
    let mut seen: Vec<String> = Vec::new();
    for name in names {
        let name = format!("`{name}`");
        if !seen.contains(&name) {
            seen.push(name);
        }
    }
    seen.join(", ")
}
