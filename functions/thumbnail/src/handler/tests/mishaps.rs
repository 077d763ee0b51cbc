//! Deliveries that come twice, at once, late or never again, and what others do in between.

use super::world::Fault;
use super::*;

/// More calls than a delivery and its repeat make; each is looked at in turn.
const CALLS: usize = 14;
const SECOND_ATTEMPT: &str = "2026-11-26T10:01:01Z";
const LAST_ATTEMPT: &str = "2026-11-26T10:03:01Z";

/// A photo with a rendition that takes little time.
fn first() -> Vec<u8> {
    jpeg(1100, 16, 1)
}

/// Another one, without.
fn second() -> Vec<u8> {
    jpeg(320, 80, 1)
}

/// What there is of a file in the end if nothing goes wrong.
async fn undisturbed(file: &[u8]) -> World {
    let (world, aws) = world(file, "image/jpeg");
    deliver(&aws).await.unwrap();
    std::mem::take(&mut *world.locked())
}

/// As Lambda does it: until it succeeds, three times at most.
async fn deliver_until_done(aws: &FakeAws) -> Result<(), Failure> {
    for now in [NOW, SECOND_ATTEMPT] {
        if deliver_at(aws, now, &[]).await.is_ok() {
            return Ok(());
        }
    }
    deliver_at(aws, LAST_ATTEMPT, &[]).await
}

#[tokio::test]
async fn a_second_delivery_changes_nothing() {
    let (world, aws) = world(&first(), "image/jpeg");
    deliver(&aws).await.unwrap();
    let before = (world.keys(), world.locked().row.clone());
    let calls = aws.calls().len();
    deliver(&aws).await.unwrap();
    assert_eq!((world.keys(), world.locked().row.clone()), before);
    assert_eq!(
        aws.operations()[calls..],
        [format!("GET /photos/incoming/{ID}"), "DynamoDB GetItem".to_owned()]
    );
}

#[tokio::test]
async fn a_file_posted_later_with_the_same_form_does_not_spoil_the_photo() {
    let wanted = undisturbed(&first()).await;
    for later in [b"<html>".to_vec(), second()] {
        let (world, aws) = world(&first(), "image/jpeg");
        deliver(&aws).await.unwrap();
        world.locked().arrive(&later);
        deliver(&aws).await.unwrap();
        let world = world.locked();
        assert_eq!((&world.objects, &world.row), (&wanted.objects, &wanted.row));
    }
}

#[tokio::test]
async fn whatever_goes_wrong_at_whichever_call_is_finished_by_the_next_delivery() {
    let mut faults = 0;
    for file in [first(), b"<html>".to_vec()] {
        let wanted = undisturbed(&file).await;
        for (at, fault) in
            (1..=CALLS).flat_map(|at| [Fault::Before, Fault::After, Fault::Ever].map(|fault| (at, fault)))
        {
            let (world, aws) = world(&file, "image/jpeg");
            world.locked().fault = Some((at, fault));
            let result = deliver(&aws).await;
            if world.locked().count < at {
                result.unwrap();
                continue;
            }
            result.unwrap_err();
            faults += 1;
            world.locked().fault = None;
            deliver(&aws).await.unwrap();
            let world = world.locked();
            assert_eq!((&world.objects, &world.row), (&wanted.objects, &wanted.row), "{fault:?} at {at}");
        }
    }
    // The file, the row, three objects, the row again, the deletion; and the same without objects.
    assert_eq!(faults, 3 * (7 + 4));
}

#[tokio::test]
async fn what_fails_for_good_is_told_and_counted_and_a_late_success_mends_it() {
    for at in 1..=6 {
        let (world, aws) = world(&first(), "image/jpeg");
        world.locked().fault = Some((at, Fault::Before));
        let (names, reasons) = measured(async { drop(deliver(&aws).await.unwrap_err()) }).await;
        assert_eq!((world.locked().row.clone(), reasons), (None, Vec::new()), "there are attempts left");
        assert!(names.contains(&"Retries".to_owned()), "{names:?}");

        let fault = (world.locked().count + at, Fault::Before);
        world.locked().fault = Some(fault);
        let last = async { drop(deliver_at(&aws, LAST_ATTEMPT, &[]).await.unwrap_err()) };
        assert_eq!(measured(last).await.1, ["Aws"]);
        assert_eq!((world.row("status"), world.row("filename")), (json!("failed"), json!("été.jpg")));
        assert_eq!((world.row("fileSize"), world.row("listing")), (json!("4711"), json!("photos")));
        let reason = world.row("reason");
        assert!(reason.as_str().unwrap().ends_with("Send it again."), "{reason}");
        assert!(world.keys().contains(&format!("/photos/incoming/{ID}")), "for a late delivery");

        world.locked().fault = None;
        deliver_at(&aws, LAST_ATTEMPT, &[]).await.unwrap();
        assert_eq!(world.row("status"), "ready");
    }
}

#[tokio::test]
async fn a_last_attempt_that_can_tell_nobody_is_still_an_error() {
    let (world, aws) = world(&first(), "image/jpeg");
    world.locked().fault = Some((1, Fault::Ever));
    deliver_at(&aws, LAST_ATTEMPT, &[]).await.unwrap_err();
    assert!(world.locked().row.is_none());
}

/// A photo is in the list as failed, so that it can be deleted, and its event is delivered once more.
fn failed_before(file: &[u8]) -> (WorldHandle, FakeAws) {
    let (world, aws) = world(file, "image/jpeg");
    let row = json!({"photoId": {"S": ID}, "listing": {"S": "photos"}, "status": {"S": "failed"}});
    world.locked().row = Some(row);
    (world, aws)
}

#[tokio::test]
async fn a_photo_deleted_at_whichever_call_does_not_come_back_and_leaves_nothing() {
    let mut late = 0;
    for file in [first(), b"<html>".to_vec()] {
        for (marked, swept) in
            (1..=CALLS).flat_map(|marked| (marked..=CALLS).map(move |swept| (marked, swept)))
        {
            let (world, aws) = failed_before(&file);
            world.meanwhile(marked, World::mark);
            world.meanwhile(swept, World::sweep);
            deliver(&aws).await.unwrap();
            late += world.catch_up();
            assert_eq!(world.keys(), Vec::<String>::new(), "marked before {marked}, swept before {swept}");
            // What the visitor had still under way makes no photo either.
            world.locked().arrive(&file);
            deliver(&aws).await.unwrap();
            assert_eq!(world.keys(), Vec::<String>::new(), "marked before {marked}, swept before {swept}");
            assert_eq!((world.row("status"), world.row("listing")), (json!("deleted"), Value::Null));
        }
    }
    assert!(late > 0, "some came after the delivery");
}

#[tokio::test]
async fn a_photo_deleted_while_its_delivery_stumbles_leaves_nothing() {
    for (at, deleted) in (1..=CALLS).flat_map(|at| (1..=CALLS).map(move |deleted| (at, deleted))) {
        for fault in [Fault::Before, Fault::After] {
            let (world, aws) = failed_before(&first());
            world.meanwhile(deleted, |world| {
                world.mark();
                world.sweep();
            });
            world.locked().fault = Some((at, fault));
            deliver_until_done(&aws).await.unwrap();
            world.catch_up();
            assert_eq!(world.keys(), Vec::<String>::new(), "{fault:?} at {at}, deleted before {deleted}");
            assert_eq!(world.row("status"), "deleted");
        }
    }
}

#[tokio::test]
async fn deliveries_at_the_same_time_make_one_photo() {
    let wanted = undisturbed(&first()).await;
    for seed in 0..100 {
        let (world, aws) = world(&first(), "image/jpeg");
        let aws = aws.mixed(seed);
        let (one, two) = tokio::join!(deliver_until_done(&aws), deliver_until_done(&aws));
        one.and(two).unwrap();
        let world = world.locked();
        assert_eq!((&world.objects, &world.row), (&wanted.objects, &wanted.row), "seed {seed}");
    }
}

#[tokio::test]
async fn two_files_of_one_form_do_not_become_one_photo() {
    let wanted = [undisturbed(&first()).await, undisturbed(&second()).await];
    let mut ends = [0; 3];
    for seed in 0..300 {
        let (world, aws) = world(&first(), "image/jpeg");
        let aws = aws.mixed(seed as u64);
        // Somewhere on the way the second file takes the place of the first, and somewhere both processes may end.
        world.meanwhile(1 + seed % 7, |world| world.arrive(&second()));
        if seed % 3 > 0 {
            world.locked().fault = Some((1 + seed / 7 % 14, Fault::Ever));
        }
        let (one, two) = tokio::join!(deliver(&aws), deliver(&aws));
        world.locked().fault = None;
        if one.is_err() || two.is_err() {
            let _may_be_given_up = tokio::join!(deliver_until_done(&aws), deliver_until_done(&aws));
        }
        let world = world.locked();
        let is_whole = |wanted: &World| {
            let is_there = |(path, bytes): (&String, &Vec<u8>)| world.objects.get(path) == Some(bytes);
            world.row == wanted.row && wanted.objects.iter().all(is_there)
        };
        let end = wanted.iter().position(is_whole).unwrap_or(2);
        let status = &world.row.as_ref().unwrap()["status"]["S"];
        assert_eq!(status, if end == 2 { "failed" } else { "ready" }, "seed {seed}");
        ends[end] += 1;
    }
    assert!(ends.iter().all(|count| *count > 0), "the first, the second, none: {ends:?}");
}

#[tokio::test]
async fn a_file_whose_original_is_anothers_is_given_up_in_the_end() {
    let (world, aws) = world(&first(), "image/jpeg");
    // The first one's process ends before the row is written; then the second file is there.
    world.locked().fault = Some((6, Fault::Ever));
    deliver(&aws).await.unwrap_err();
    world.locked().fault = None;
    world.locked().arrive(&second());
    let before = ready_objects().map(|path| world.object(&path));
    let attempts = async { drop(deliver_until_done(&aws).await.unwrap_err()) };
    assert_eq!(measured(attempts).await.1, ["AnotherFile"]);
    assert_eq!(world.row("status"), "failed");
    assert_eq!(ready_objects().map(|path| world.object(&path)), before, "nothing was overwritten");
}
