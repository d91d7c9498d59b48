//! Control data: the stanza format of `Release`, `Packages` and apt's `.sources` files (`deb822(5)`).

/// One `Name: value` pair; continuation lines are joined with newlines, their leading blank kept out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Field<'a> {
    pub name: &'a str,
    pub value: String,
}

/// The fields of one stanza in file order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Stanza<'a> {
    pub fields: Vec<Field<'a>>,
}

impl Stanza<'_> {
    /// The value of `name`, whatever its letter case.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.fields.iter().find(|f| f.name.eq_ignore_ascii_case(name)).map(|f| f.value.as_str())
    }
}

/// Splits text into stanzas; comment lines and lines that are no field are skipped, as apt does.
pub(super) fn stanzas(text: &str) -> impl Iterator<Item = Stanza<'_>> {
    let mut lines = text.lines();
    std::iter::from_fn(move || {
        let mut stanza = Stanza::default();
        for line in lines.by_ref() {
            if line.trim().is_empty() {
                if stanza.fields.is_empty() {
                    continue;
                }
                return Some(stanza);
            }
            push_line(&mut stanza, line);
        }
        (!stanza.fields.is_empty()).then_some(stanza)
    })
}

fn push_line<'a>(stanza: &mut Stanza<'a>, line: &'a str) {
    if line.starts_with('#') {
        return;
    }
    if line.starts_with([' ', '\t']) {
        if let Some(field) = stanza.fields.last_mut() {
            field.value.push('\n');
            field.value.push_str(line.trim());
        }
        return;
    }
    if let Some((name, value)) = line.split_once(':') {
        stanza.fields.push(Field { name: name.trim(), value: value.trim().to_owned() });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stanzas_are_separated_by_blank_lines_and_continuations_are_joined() {
        let text = "\nA: 1\nList:\n one\n two\n\n\n# note\nB: x: y\n";
        let all: Vec<_> = stanzas(text).collect();
        assert_eq!(all.len(), 2);
        assert_eq!(all[0].get("a"), Some("1"));
        assert_eq!(all[0].get("List"), Some("\none\ntwo"));
        assert_eq!(all[1].get("B"), Some("x: y"));
        assert_eq!(all[1].get("A"), None);
    }

    #[test]
    fn a_comment_inside_a_list_does_not_end_it() {
        let all: Vec<_> = stanzas("L:\n a\n# no\n b").collect();
        assert_eq!(all[0].get("L"), Some("\na\nb"));
    }
}
