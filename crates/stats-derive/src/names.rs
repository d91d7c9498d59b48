//! Names as they appear in statistic paths.

/// `DataLoad` becomes `data_load`, `L2` becomes `l2`.
pub(crate) fn snake_case(name: &str) -> String {
    let mut snake = String::new();
    for (at, letter) in name.chars().enumerate() {
        if letter.is_uppercase() && at > 0 {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

#[cfg(test)]
mod tests {
    use super::snake_case;

    #[test]
    fn variants_become_snake_case() {
        assert_eq!(snake_case("Load"), "load");
        assert_eq!(snake_case("PageWalk"), "page_walk");
        assert_eq!(snake_case("L2"), "l2");
    }
}
