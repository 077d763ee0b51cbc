//! What a candidate decides, one case at a time; and that no interleaving of two makes both of them leaders.

use proptest::prelude::*;

use super::*;

const TIMING: Timing = Timing { lease: Duration::from_secs(15) };

fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// A lease as the API server gives it out. Its wall clock is far off, which must not matter.
fn lease(version: u64, holder: &str) -> Lease {
    let mut lease = held(None, "lease", holder, TIMING, Timestamp::UNIX_EPOCH);
    lease.metadata.resource_version = Some(version.to_string());
    lease
}

fn observe(before: Option<Observation>, lease: &Lease, now: Instant) -> Option<Observation> {
    Observation::next(before, Some(lease), TIMING, now)
}

#[test]
fn the_holder_ends_before_a_candidate_begins() {
    for lease in [5, 15, 300].map(seconds) {
        let timing = Timing { lease };
        assert!(timing.term() < lease);
        let second_try = timing.renew_every() + timing.retry_every();
        assert!(second_try < timing.term() && timing.patience() < timing.term(), "no second try in a term");
        assert!(timing.look_every() < timing.term());
    }
}

#[test]
fn a_lease_that_nobody_ever_held_is_taken() {
    let now = Instant::now();
    assert_eq!(evaluate(None, now, "a"), Decision::Take);
    assert_eq!(Observation::next(None, None, TIMING, now), None);
    let free = released(lease(1, "b"), Timestamp::UNIX_EPOCH);
    assert_eq!(evaluate(observe(None, &free, now).as_ref(), now, "a"), Decision::Take);
}

#[test]
fn a_lease_is_left_to_its_holder_until_it_has_not_changed_for_its_duration() {
    let start = Instant::now();
    let first = observe(None, &lease(1, "b"), start);
    assert_eq!(evaluate(first.as_ref(), start + seconds(14), "a"), Decision::Wait(seconds(1)));
    assert_eq!(evaluate(first.as_ref(), start + seconds(15), "a"), Decision::Take);
    let same = observe(first, &lease(1, "b"), start + seconds(14));
    assert_eq!(evaluate(same.as_ref(), start + seconds(15), "a"), Decision::Take);
    let renewed = observe(same, &lease(2, "b"), start + seconds(14));
    assert_eq!(evaluate(renewed.as_ref(), start + seconds(15), "a"), Decision::Wait(seconds(14)));
}

#[test]
fn the_holder_says_how_long_its_lease_is_good_for() {
    let now = Instant::now();
    let mut long = held(None, "lease", "b", Timing { lease: seconds(60) }, Timestamp::UNIX_EPOCH);
    assert_eq!(evaluate(observe(None, &long, now).as_ref(), now, "a"), Decision::Wait(seconds(60)));
    for nonsense in [None, Some(0), Some(-1)] {
        long.spec.as_mut().unwrap().lease_duration_seconds = nonsense;
        assert_eq!(evaluate(observe(None, &long, now).as_ref(), now, "a"), Decision::Wait(TIMING.lease));
    }
}

#[test]
fn a_container_that_starts_again_in_its_pod_takes_up_its_own_lease() {
    let now = Instant::now();
    assert_eq!(evaluate(observe(None, &lease(1, "a"), now).as_ref(), now, "a"), Decision::Take);
}

#[test]
fn a_lease_deleted_under_its_holder_is_not_free_yet() {
    let start = Instant::now();
    let before = observe(None, &lease(1, "b"), start);
    let gone = Observation::next(before, None, TIMING, start + seconds(14));
    assert_eq!(evaluate(gone.as_ref(), start + seconds(15), "a"), Decision::Wait(seconds(14)));
    let still = Observation::next(gone, None, TIMING, start + seconds(20));
    assert_eq!(evaluate(still.as_ref(), start + seconds(29), "a"), Decision::Take);
}

#[test]
fn a_renewal_keeps_what_a_takeover_changes() {
    let (then, now) = (Timestamp::UNIX_EPOCH, Timestamp::now());
    let first = held(None, "lease", "a", TIMING, then);
    let renewed = held(Some(first.clone()), "lease", "a", TIMING, now).spec.unwrap();
    assert_eq!((renewed.acquire_time, renewed.lease_transitions), (Some(MicroTime(then)), Some(1)));
    assert_eq!(renewed.renew_time, Some(MicroTime(now)));
    let mut found = first;
    found.metadata.resource_version = Some("7".into());
    let taken = held(Some(found), "lease", "b", TIMING, now);
    assert_eq!(
        taken.metadata.resource_version.as_deref(),
        Some("7"),
        "it would replace what it did not read"
    );
    let taken = taken.spec.unwrap();
    assert_eq!((taken.acquire_time, taken.lease_transitions), (Some(MicroTime(now)), Some(2)));
    assert_eq!(taken.lease_duration_seconds, Some(15));
}

/// Something that happens to two candidates.
#[derive(Clone, Copy, Debug)]
enum Event {
    /// A candidate looks, or a leader decides to renew; what it writes is on its way.
    Ask(usize),
    /// What it has written arrives.
    Arrive(usize),
    /// It gives the lease up.
    Release(usize),
    /// It dies, and another Pod is started in its place.
    Replace(usize),
    /// Somebody deletes the lease.
    Delete,
    /// Time passes; whoever does nothing in it was frozen.
    Pass(u64),
}

/// The API server's half of the model: compare and swap.
#[derive(Default)]
struct Server {
    lease: Option<Lease>,
    version: u64,
}

impl Server {
    fn write(&mut self, mut written: Lease) -> bool {
        let current = self.lease.as_ref().and_then(|lease| lease.metadata.resource_version.clone());
        let fits = written.metadata.resource_version == current;
        if fits {
            self.version += 1;
            written.metadata.resource_version = Some(self.version.to_string());
            self.lease = Some(written);
        }
        fits
    }
}

struct Model {
    name: String,
    seen: Option<Observation>,
    /// When it was asked, and what is on its way.
    asked: Option<(Instant, Lease)>,
    /// The end of its term, as the guard knows it.
    until: Option<Instant>,
}

impl Model {
    fn new(name: String) -> Self {
        Self { name, seen: None, asked: None, until: None }
    }

    fn leads(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| now < until)
    }

    /// Has it seen who holds the lease? Who has not cannot know that one was deleted, as the module's documentation says.
    fn knows_of(&self, server: &Server) -> bool {
        let creates = self.asked.as_ref().is_some_and(|(_, lease)| lease.metadata.resource_version.is_none());
        let seen = self.seen.as_ref().filter(|seen| seen.version.is_some()).map(|seen| seen.holder.as_str());
        !creates && seen == server.lease.as_ref().map(holder)
    }

    fn ask(&mut self, server: &Server, now: Instant) {
        // It asks for one thing at a time.
        self.asked = None;
        let found = server.lease.clone();
        let whose = found.as_ref().map_or("", |lease| holder(lease)).to_owned();
        self.seen = Observation::next(self.seen.take(), found.as_ref(), TIMING, now);
        // As `Election::renew` and `Election::win` do.
        let writes = if self.leads(now) {
            whose.is_empty() || whose == self.name
        } else {
            evaluate(self.seen.as_ref(), now, &self.name) == Decision::Take
        };
        if writes {
            self.asked = Some((now, held(found, "lease", &self.name, TIMING, Timestamp::UNIX_EPOCH)));
        }
    }

    fn arrive(&mut self, server: &mut Server) {
        if let Some((asked, lease)) = self.asked.take()
            && server.write(lease)
        {
            self.until = Some(asked + TIMING.term());
        }
    }

    fn release(&mut self, server: &mut Server) {
        self.until = None;
        if let Some(found) = server.lease.clone().filter(|found| holder(found) == self.name) {
            server.write(released(found, Timestamp::UNIX_EPOCH));
        }
    }
}

/// How often each of two candidates began to lead.
fn play(events: &[Event]) -> usize {
    let mut now = Instant::now();
    let (mut server, mut pods, mut terms) = (Server::default(), 2, 0);
    let mut both = [Model::new("0".into()), Model::new("1".into())];
    for event in events {
        let led = [both[0].leads(now), both[1].leads(now)];
        match *event {
            Event::Ask(who) => both[who].ask(&server, now),
            Event::Arrive(who) => both[who].arrive(&mut server),
            Event::Release(who) => both[who].release(&mut server),
            Event::Replace(who) if server.lease.is_some() => {
                both[who] = Model::new(pods.to_string());
                pods += 1;
            }
            Event::Delete if both.iter().all(|model| model.knows_of(&server)) => server.lease = None,
            // As above: it would start without having seen what was deleted.
            Event::Replace(_) | Event::Delete => {}
            Event::Pass(seconds) => now += self::seconds(seconds),
        }
        assert!(!(both[0].leads(now) && both[1].leads(now)), "two leaders after {event:?}");
        terms += (0..2).filter(|who| !led[*who] && both[*who].leads(now)).count();
    }
    terms
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        6 => (0_usize..2).prop_map(Event::Ask),
        6 => (0_usize..2).prop_map(Event::Arrive),
        1 => (0_usize..2).prop_map(Event::Release),
        1 => (0_usize..2).prop_map(Event::Replace),
        1 => Just(Event::Delete),
        5 => (1_u64..20).prop_map(Event::Pass),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    /// To see it fail: let `Timing::term` be longer than the lease, let `held` drop the version, or let `Observation::next`
    /// forget a lease that is gone.
    #[test]
    fn there_are_never_two_leaders(events in prop::collection::vec(event(), 1..80)) {
        play(&events);
    }
}

#[test]
fn a_leader_that_dies_is_followed_by_another() {
    use Event::{Arrive, Ask, Pass};
    let dies = [Ask(0), Arrive(0), Ask(1), Pass(14), Ask(1), Arrive(1), Pass(1), Ask(1), Arrive(1)];
    assert_eq!(play(&dies), 2);
    let gives_up = [Ask(0), Arrive(0), Ask(1), Event::Release(0), Ask(1), Arrive(1)];
    assert_eq!(play(&gives_up), 2);
    let both_want_it = [Ask(0), Ask(1), Arrive(1), Arrive(0)];
    assert_eq!(play(&both_want_it), 1);
}
