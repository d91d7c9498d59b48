//! Cache keys: a hash of everything a layer or image is made from.

use serde::Serialize;

use super::tools::ToolSet;

/// Raised whenever a recipe changes what it makes from the same inputs.
const RECIPES: u32 = 2;

/// A key in the making. Every part is preceded by its length, so no two sequences of parts collide.
#[derive(Debug, Clone)]
pub(super) struct Key(blake3::Hasher);

impl Key {
    /// A key of the given kind.
    pub fn new(kind: &str) -> Self {
        let mut key = Self(blake3::Hasher::new());
        key.text(kind).text(&RECIPES.to_string()).text(super::SUITE).text(super::TARGET);
        key
    }

    pub fn bytes(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.update(&(bytes.len() as u64).to_le_bytes());
        self.0.update(bytes);
        self
    }

    pub fn text(&mut self, text: &str) -> &mut Self {
        self.bytes(text.as_bytes())
    }

    pub fn texts<'a>(&mut self, texts: impl IntoIterator<Item = &'a str>) -> &mut Self {
        for text in texts {
            self.text(text);
        }
        self.text("end of list")
    }

    pub fn flag(&mut self, flag: bool) -> &mut Self {
        self.bytes(&[u8::from(flag)])
    }

    /// The build tools a step works with.
    pub fn tools(&mut self, set: &ToolSet<'_>) -> &mut Self {
        self.texts(set.closure.iter().copied()).texts(set.exact.iter().copied())
    }

    pub fn json(&mut self, value: &impl Serialize) -> &mut Self {
        self.bytes(&serde_json::to_vec(value).expect("recipes hold only texts and lists"))
    }

    /// 32 hex digits: enough for a name, short enough to read.
    pub fn finish(&self) -> String {
        self.0.finalize().to_hex()[..32].to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_do_not_run_into_each_other() {
        let key = |parts: &[&str]| {
            let mut key = Key::new("t");
            parts.iter().for_each(|part| drop(key.text(part).finish()));
            key.finish()
        };
        assert_ne!(key(&["ab", "c"]), key(&["a", "bc"]));
        assert_eq!(key(&["ab", "c"]), key(&["ab", "c"]));
        assert_ne!(Key::new("a").finish(), Key::new("b").finish());
        assert_eq!(key(&[]).len(), 32);
    }
}
