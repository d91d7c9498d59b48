//! How wide a text will be, without a font.

/// What charts are set in. Liberation Sans has the widths of Arial, and Arial those of Helvetica; where none
/// of them is, a Linux desktop has DejaVu Sans, which is a seventh wider.
pub(crate) const FONT: &str = "Helvetica, Arial, 'Liberation Sans', 'DejaVu Sans', sans-serif";

/// The width of `text` in pixels at `size`: at least that of Helvetica and of DejaVu Sans, from the widths
/// that their metrics give their characters, and a fiftieth more for what a renderer rounds.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    let thousandths: u32 = text.chars().map(of).sum();
    f64::from(thousandths) / 1000.0 * size * 1.02
}

/// In thousandths of the size: what it is in the wider of the two fonts, rounded up to that of the widest of
/// similar characters.
const fn of(c: char) -> u32 {
    match c {
        'i' | 'j' | 'l' | 'I' | '\'' => 295,
        ' ' | ',' | '.' | '/' | ':' | ';' | '\\' | '|' => 337,
        '(' | ')' | '[' | ']' | '-' | 'f' | 't' | '!' | 'r' | '"' => 460,
        'a'..='h' | 'k' | 'n'..='q' | 's' | 'u' | 'v' | 'x'..='z' | '0'..='9' => 636,
        'm' | 'M' => 974,
        'w' => 818,
        'A' | 'B' | 'E' | 'F' | 'J' | 'K' | 'L' | 'P' | 'S' | 'T' | 'V' | 'X' | 'Y' | 'Z' => 686,
        'C' | 'D' | 'G' | 'H' | 'N' | 'O' | 'Q' | 'R' | 'U' => 787,
        'W' | '%' => 989,
        '@' => 1015,
        ' '..='~' => 838,
        // Not in the table: as wide as they are high.
        _ => 1000,
    }
}

/// The text, or as much of its beginning as `most` characters hold.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    text.chars().take(most - 1).chain(['…']).collect()
}
