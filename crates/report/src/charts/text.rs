//! How wide a text will be, without a font.

/// What charts are set in. Liberation Sans has the widths of Arial, and Arial those of Helvetica.
pub(crate) const FONT: &str = "Helvetica, Arial, 'Liberation Sans', sans-serif";

/// The width of `text` in pixels at `size`: at least that of Helvetica, from the widths that its metrics
/// give its characters, and a twelfth more for other fonts.
pub(crate) fn width(text: &str, size: f64) -> f64 {
    let thousandths: u32 = text.chars().map(of).sum();
    f64::from(thousandths) / 1000.0 * size * 13.0 / 12.0
}

/// In thousandths of the size, rounded up to that of the widest of similar characters.
const fn of(c: char) -> u32 {
    match c {
        'i' | 'j' | 'l' | '\'' | '|' => 222,
        ' ' | 'f' | 't' | 'I' | '.' | ',' | ':' | ';' | '/' | '!' | '[' | ']' => 278,
        'r' | '-' | '(' | ')' => 333,
        'm' => 833,
        'w' | 'C' | 'D' | 'H' | 'N' | 'R' | 'U' => 722,
        'A' | 'B' | 'E' | 'K' | 'P' | 'S' | 'V' | 'X' | 'Y' => 667,
        'M' | 'W' | '%' | '@' => 950,
        'G' | 'O' | 'Q' => 778,
        'F' | 'T' | 'Z' => 611,
        ' '..='~' => 556,
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
