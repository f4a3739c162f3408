//! The name that somebody meant.
//!
//! Owns the judgement how far a name may be off. Invariant: it takes bounded time, however long the name is.

/// Longest name for which a suggestion is looked for, in bytes.
const MAX_NAME: usize = 200;

/// Of `candidates`, the one nearest to `name`: equal but for case and blanks, else with few letters wrong.
pub fn nearest<'a>(name: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > MAX_NAME {
        return None;
    }
    let wanted = name.trim().to_lowercase();
    let scored =
        candidates.into_iter().map(|candidate| (strsim::osa_distance(&wanted, &candidate.to_lowercase()), candidate));
    let (distance, candidate) = scored.min_by_key(|(distance, _)| *distance)?;
    (distance <= (wanted.chars().count() / 4).max(1)).then_some(candidate)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn few_letters_wrong() {
        let names = ["FileStreamSource", "FileStreamSink", "Echo"];
        for (name, expected) in [
            ("filestreamsource", Some("FileStreamSource")),
            (" FileStreamSource ", Some("FileStreamSource")),
            ("FileStreemSnk", Some("FileStreamSink")),
            ("ecoh", Some("Echo")),
            ("FileSource", None),
            ("JdbcSink", None),
            ("", None),
        ] {
            assert_eq!(nearest(name, names), expected, "{name}");
        }
        assert_eq!(nearest(&"x".repeat(1_000_000), names), None);
    }
}
