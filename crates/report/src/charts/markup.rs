//! Writing HTML and SVG. Text gets in through [`escape`] only, unless it is part of the program.

use std::fmt::{Display, Write as _};

/// A name and a value.
pub(crate) type Attribute<'a> = (&'static str, &'a dyn Display);

/// A piece of a document.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Markup(String);

impl Markup {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// An element and what is in it.
    pub(crate) fn element(
        &mut self,
        tag: &'static str,
        attributes: &[Attribute<'_>],
        inside: impl FnOnce(&mut Self),
    ) {
        self.open(tag, attributes);
        self.0.push('>');
        inside(self);
        write!(self.0, "</{tag}>").expect("writing to a string succeeds");
    }

    /// An element with text in it.
    pub(crate) fn words(&mut self, tag: &'static str, attributes: &[Attribute<'_>], text: &str) {
        self.element(tag, attributes, |inside| inside.text(text));
    }

    /// An element with nothing in it.
    pub(crate) fn empty(&mut self, tag: &'static str, attributes: &[Attribute<'_>]) {
        self.open(tag, attributes);
        self.0.push_str("/>");
    }

    /// Text, from wherever.
    pub(crate) fn text(&mut self, text: &str) {
        self.0.push_str(&escape(text));
    }

    /// Markup that is part of the program.
    pub(crate) fn constant(&mut self, markup: &'static str) {
        self.0.push_str(markup);
    }

    /// Another piece.
    pub(crate) fn piece(&mut self, piece: &Self) {
        self.0.push_str(&piece.0);
    }

    pub(crate) fn line_end(&mut self) {
        self.0.push('\n');
    }

    pub(crate) fn into_string(self) -> String {
        self.0
    }

    fn open(&mut self, tag: &'static str, attributes: &[Attribute<'_>]) {
        write!(self.0, "<{tag}").expect("writing to a string succeeds");
        for (name, value) in attributes {
            let value = escape(&value.to_string());
            write!(self.0, " {name}=\"{value}\"").expect("writing to a string succeeds");
        }
    }
}

/// The text as content of an element or an attribute. Control characters, which XML cannot hold in any
/// form, become U+FFFD.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            '\t' | '\n' => safe.push(c),
            c if c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}') => safe.push('\u{fffd}'),
            c => safe.push(c),
        }
    }
    safe
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_means_something_to_a_browser_is_harmless_as_text_and_as_a_value() {
        let mut markup = Markup::new();
        let hostile = "\"><script>alert('x')</script>&\u{1}";
        markup.words("p", &[("title", &hostile)], hostile);
        let safe = "&quot;&gt;&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;\u{fffd}";
        assert_eq!(markup.into_string(), format!("<p title=\"{safe}\">{safe}</p>"));
    }
}
