//! The table of `docs/aws-weather.md`, from the rules.

use std::fmt::Write as _;

use super::rules::{Profile, Row, Rules};

/// A line a row.
pub(super) fn markdown(rules: &Rules) -> String {
    let mut text =
        String::from("| # | What AWS does | What we do | Weather | Shown by |\n|---|---|---|---|---|\n");
    for row in &rules.rows {
        let Row { id, aws, ours, .. } = row;
        let _ =
            writeln!(text, "| {id} | {} | {} | {} | {} |", cell(aws), cell(ours), weather(row), shown(row));
    }
    text.trim_end().to_owned()
}

fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn weather(row: &Row) -> String {
    match (row.cannot, row.profile) {
        (true, _) => "cannot concern us".into(),
        (false, Some(profile)) if row.by_itself => format!("{profile}; the local AWS does it by itself"),
        (false, profile) => profile.map(|profile| profile.to_string()).unwrap_or_default(),
    }
}

/// The end-to-end tests of the row's weather, and the row's own.
fn shown(row: &Row) -> String {
    let whole = match (row.cannot, row.profile) {
        (true, _) | (_, None) => None,
        (false, Some(profile)) => Some(end_to_end(profile)),
    };
    let own = row.tests.iter().map(String::as_str);
    let names: Vec<_> = whole.into_iter().chain(own).map(|name| format!("`{name}`")).collect();
    if names.is_empty() { "no such call is in `operator/src/aws`".into() } else { names.join(", ") }
}

fn end_to_end(profile: Profile) -> &'static str {
    match profile {
        Profile::Calm => "weather::galleries_live_through_calm_weather_and_then_rest",
        Profile::Normal => "weather::galleries_live_through_normal_weather",
        Profile::Storm => "weather::galleries_live_through_a_storm_and_come_back_under_the_same_name",
        Profile::Hostile => "weather::what_a_person_must_mend_is_said_and_nothing_else_and_goes_on_by_itself",
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::{artifacts, section};

    #[test]
    fn the_docs_hold_the_table() {
        let text = markdown(&Rules::read().unwrap());
        let path = artifacts::root().join("docs/aws-weather.md");
        let content = std::fs::read_to_string(&path).unwrap();
        let wanted = section::replaced(&content, "weather", &text).unwrap();
        if content == wanted {
            return;
        }
        assert!(
            std::env::var_os("UPDATE_GENERATED").is_some(),
            "docs/aws-weather.md is out of date: run make generate"
        );
        std::fs::write(&path, wanted).unwrap();
    }

    /// Every Rust file of a folder, in one text.
    fn sources(folder: &Path, text: &mut String) {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                sources(&path, text);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                text.push_str(&std::fs::read_to_string(path).unwrap());
            }
        }
    }

    #[test]
    fn every_test_that_the_table_names_is_there() {
        let mut text = String::new();
        for folder in ["operator/src", "tests/src", "tests/tests"] {
            sources(&artifacts::root().join(folder), &mut text);
        }
        let e2e = artifacts::root().join("tests/tests/e2e");
        let profiles = [Profile::Calm, Profile::Normal, Profile::Storm, Profile::Hostile];
        let rules = Rules::read().unwrap();
        let named = rules.rows.iter().flat_map(|row| row.tests.iter().map(String::as_str));
        for name in named.chain(profiles.map(end_to_end)) {
            let last = name.rsplit("::").next().unwrap();
            let is_there = text.contains(&format!("fn {last}(")) || e2e.join(format!("{name}.rs")).exists();
            assert!(is_there, "no test {name}");
        }
    }
}
