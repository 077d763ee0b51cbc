//! What came of a death, by comparing what there is with what there should be.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::AddAssign;

use crate::inventory::Item;

/// What the gallery has, by kind and name, without what differs from one gallery to the next: uid and assigned ids.
pub type Shape = BTreeMap<String, Vec<String>>;

/// Everything in `found` that was not there before, by name.
pub fn shape(found: &[Item], before: &[Item], uid: &str) -> Shape {
    let own: Vec<_> = found.iter().filter(|item| !before.iter().any(|other| other.is_same(item))).collect();
    let general = |text: &str| {
        let mut text = text.to_owned();
        if !uid.is_empty() {
            text = text.replace(uid, "UID");
        }
        for item in &own {
            for given in [&item.id, &item.host].into_iter().filter(|given| !given.is_empty()) {
                text = text.replace(given, item.kind);
            }
        }
        text
    };
    let mut shape = Shape::new();
    for item in &own {
        shape
            .entry(general(&format!("{} {}", item.kind, item.name)))
            .or_default()
            .push(general(&item.content));
    }
    for contents in shape.values_mut() {
        contents.sort();
    }
    shape
}

/// What is not as it should be.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Difference {
    /// Things of a name that should not be there.
    pub orphans: Vec<String>,
    /// Things that are there more often than they should.
    pub duplicates: Vec<String>,
    /// Things that are not there, or otherwise than they should be.
    pub wrong: Vec<String>,
    /// What happened to others' things.
    pub touches: Vec<String>,
}

impl Difference {
    pub fn between(found: &Shape, should: &Shape) -> Self {
        let mut difference = Self::default();
        for (name, contents) in found {
            match should.get(name) {
                None => difference.orphans.extend(contents.iter().map(|_| name.clone())),
                Some(wanted) if contents.len() > wanted.len() => {
                    difference.duplicates.extend(contents[wanted.len()..].iter().map(|_| name.clone()));
                }
                Some(wanted) if contents != wanted => {
                    difference.wrong.push(format!("{name}:\n{}", differing(contents, wanted)));
                }
                Some(_) => {}
            }
        }
        let missing = should.keys().filter(|name| !found.contains_key(*name));
        difference.wrong.extend(missing.map(|name| format!("{name} is missing")));
        difference
    }

    pub fn is_none(&self) -> bool {
        *self == Self::default()
    }
}

/// The lines that are not the same, without their ends.
fn differing(is: &[String], should: &[String]) -> String {
    let (is, should) = (is.join("\n"), should.join("\n"));
    let lines = is.lines().zip(should.lines()).filter(|(is, should)| is != should);
    let short = |line: &str| line.chars().take(600).collect::<String>();
    let lines = lines.map(|(is, should)| format!("{}\n  should be\n{}", short(is), short(should)));
    lines.collect::<Vec<_>>().join("\n")
}

/// Others' things that are no longer as they were.
pub fn touched(found: &[Item], before: &[Item]) -> Vec<String> {
    let changed = before.iter().filter(|item| !found.contains(item));
    changed.map(|item| format!("{} {} {} changed", item.kind, item.name, item.id)).collect()
}

/// Sums over deaths.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Score {
    pub points: usize,
    /// Of those, how many ended as a life without deaths.
    pub converged: usize,
    pub orphans: usize,
    pub duplicates: usize,
    pub touches: usize,
}

impl Score {
    /// One death. `settled`: the gallery said that it is as its spec says, or was gone.
    pub fn of(settled: bool, difference: &Difference) -> Self {
        Self {
            points: 1,
            converged: usize::from(settled && difference.wrong.is_empty()),
            orphans: difference.orphans.len(),
            duplicates: difference.duplicates.len(),
            touches: difference.touches.len(),
        }
    }

    /// Is there nothing to complain of?
    pub fn is_clean(self) -> bool {
        let Self { points, converged, orphans, duplicates, touches } = self;
        points == converged && orphans + duplicates + touches == 0
    }
}

impl AddAssign for Score {
    fn add_assign(&mut self, other: Self) {
        self.points += other.points;
        self.converged += other.converged;
        self.orphans += other.orphans;
        self.duplicates += other.duplicates;
        self.touches += other.touches;
    }
}

/// Cells of a table.
impl fmt::Display for Score {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { points, converged, orphans, duplicates, touches } = self;
        write!(f, "{points} | {converged} | {orphans} | {duplicates} | {touches}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(kind: &'static str, name: &str, id: &str, content: &str) -> Item {
        Item { kind, name: name.into(), id: id.into(), host: String::new(), content: content.into() }
    }

    /// A gallery as it should be, beside somebody else's bucket.
    fn account(api: &str, uid: &str) -> Vec<Item> {
        vec![
            item("REST API", "pg-api", api, &format!("tags: {uid}")),
            item("bucket", "theirs", "", "precious"),
            item("stage", &format!("api of pg-api {api}"), "", "throttled"),
        ]
    }

    #[test]
    fn galleries_that_differ_by_their_ids_alone_are_the_same() {
        let before = [item("bucket", "theirs", "", "precious")];
        let (one, other) = (account("a1", "u1"), account("b2", "u2"));
        let should = shape(&one, &before, "u1");
        assert_eq!(Difference::between(&shape(&other, &before, "u2"), &should), Difference::default());
        assert_eq!(should.len(), 2);
    }

    #[test]
    fn orphans_duplicates_and_what_is_wrong_are_told_apart() {
        let before = [item("bucket", "theirs", "", "precious")];
        let should = shape(&account("a1", "u1"), &before, "u1");
        let mut found = account("b2", "u2");
        found[2].content = "not throttled".into();
        found.push(item("REST API", "pg-api", "c3", "tags: u2"));
        found.push(item("role", "left", "", ""));
        let difference = Difference::between(&shape(&found, &before, "u2"), &should);
        assert_eq!(difference.orphans, ["role left"]);
        assert_eq!(difference.duplicates, ["REST API pg-api"]);
        assert_eq!(difference.wrong.len(), 1, "{difference:#?}");
        let missing = Difference::between(&Shape::new(), &should);
        assert_eq!(missing.wrong.len(), 2);
        let mut score = Score::of(true, &difference);
        score += Score::of(true, &Difference::default());
        assert_eq!(score.to_string(), "2 | 1 | 1 | 1 | 0");
        assert!(!score.is_clean());
    }

    #[test]
    fn what_is_no_longer_as_it_was_is_touched() {
        let before = [item("bucket", "theirs", "", "precious"), item("role", "theirs", "", "")];
        let found = [item("bucket", "theirs", "", "gone"), item("role", "theirs", "", "")];
        assert_eq!(touched(&found, &before), ["bucket theirs  changed"]);
        assert!(touched(&before, &before).is_empty());
    }
}
