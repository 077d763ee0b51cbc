//! A function may do what its policy lists, in its own gallery, and nothing else.
//!
//! Only Lambda may assume the roles, so that a test cannot. A user who carries the very policy documents that a role has, read
//! back from IAM, is held to them by the same enforcement.

use anyhow::{Context as _, Result, ensure};
use aws_sdk_dynamodb::types::AttributeValue;
use functions_core::contract::FunctionName;
use percent_encoding::percent_decode_str;
use photogallery_operator::graph::BucketRole;
use photogallery_tests::local_aws::Clients;
use photogallery_tests::stack::Stack;
use serde_json::{Value, json};

use crate::photos::processed;
use crate::support::pictures::phone_jpeg;
use crate::support::{Gallery, refusal, shared};

/// No photo's key: the thumbnail function lets it lie.
const INCOMING: &str = "incoming/probe";

/// A gallery with one photo.
struct Place {
    photos: String,
    thumbnails: String,
    site: String,
    table: String,
    photo: String,
}

/// What can be done to a place. Each is tried by each role.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Deed {
    ReadIncoming,
    PutIncoming,
    DeleteIncoming,
    ReadPhoto,
    PutPhoto,
    DeletePhoto,
    ReadThumbnail,
    PutThumbnail,
    DeleteThumbnail,
    ListPhotos,
    ListThumbnails,
    ReadSite,
    PutSite,
    GetRow,
    PutRow,
    DeleteRow,
    UpdateRow,
    QueryIndex,
    Scan,
}

use Deed::{
    DeleteIncoming, DeletePhoto, DeleteRow, DeleteThumbnail, GetRow, ListPhotos, ListThumbnails, PutIncoming,
    PutPhoto, PutRow, PutSite, PutThumbnail, QueryIndex, ReadIncoming, ReadPhoto, ReadSite, ReadThumbnail,
    Scan, UpdateRow,
};

/// Those that destroy come last.
const DEEDS: [Deed; 19] = [
    ReadPhoto,
    ReadThumbnail,
    ReadSite,
    GetRow,
    QueryIndex,
    Scan,
    ListPhotos,
    ListThumbnails,
    PutIncoming,
    ReadIncoming,
    PutPhoto,
    PutThumbnail,
    PutSite,
    PutRow,
    UpdateRow,
    DeleteIncoming,
    DeletePhoto,
    DeleteThumbnail,
    DeleteRow,
];

/// What each function needs for its work. Whoever changes a policy changes this too.
const fn needs(function: FunctionName) -> &'static [Deed] {
    match function {
        FunctionName::Upload => &[PutIncoming],
        FunctionName::List => &[ReadPhoto, ReadThumbnail, QueryIndex],
        FunctionName::Delete => &[PutRow, DeletePhoto, DeleteThumbnail, DeleteIncoming],
        FunctionName::Thumbnail => &[
            ReadIncoming,
            DeleteIncoming,
            PutPhoto,
            DeletePhoto,
            PutThumbnail,
            DeleteThumbnail,
            ListPhotos,
            GetRow,
            PutRow,
        ],
    }
}

#[test]
fn each_function_may_do_its_work_in_its_own_gallery_and_nothing_in_another() -> Result<()> {
    shared(async |stack| {
        let (mine, theirs) = futures::try_join!(
            Gallery::apply(stack, "isolation-mine", json!({})),
            Gallery::apply(stack, "isolation-theirs", json!({}))
        )?;
        let own = with_a_photo(&mine).await?;
        let other = with_a_photo(&theirs).await?;
        let mut wrong = Vec::new();
        for function in FunctionName::ALL {
            let role = mine.identity().role(function);
            only_lambda_may_assume(stack, &role).await?;
            let user = bearer_of(stack, &role).await?;
            for deed in DEEDS {
                // Another gallery first: what is allowed in one's own may delete what a later deed needs.
                for (place, whose, allowed) in
                    [(&other, "another", false), (&own, "its own", needs(function).contains(&deed))]
                {
                    let refused = attempt(&user, deed, place).await?;
                    if refused == allowed {
                        let verb = if refused { "may not" } else { "may" };
                        wrong.push(format!("{function} {verb} {deed:?} in {whose} gallery"));
                    }
                }
            }
            restore(stack, &own).await?;
        }
        ensure!(wrong.is_empty(), "{wrong:#?}");
        let visitor = theirs.visitor().await?;
        ensure!(visitor.photos().await?.len() == 1, "the other gallery is not as it was");
        Ok(())
    })
}

async fn with_a_photo(gallery: &Gallery<'_>) -> Result<Place> {
    let visitor = gallery.visitor().await?;
    visitor.upload("one.jpg", "image/jpeg", &phone_jpeg(60, 80)?).await?;
    let photos = processed(&visitor, 1).await?;
    let identity = gallery.identity();
    let place = Place {
        photos: identity.bucket(BucketRole::Photos),
        thumbnails: identity.bucket(BucketRole::Thumbnails),
        site: identity.bucket(BucketRole::Frontend),
        table: identity.table(),
        photo: photos[0]["photoId"].as_str().context("no photoId")?.to_owned(),
    };
    restore(gallery.stack, &place).await?;
    Ok(place)
}

/// Puts there what the deeds read and delete.
async fn restore(stack: &Stack, place: &Place) -> Result<()> {
    let s3 = &stack.aws().s3;
    for (bucket, key) in [
        (&place.photos, INCOMING.to_owned()),
        (&place.photos, format!("photos/{}", place.photo)),
        (&place.thumbnails, format!("{}.jpg", place.photo)),
    ] {
        if s3.head_object().bucket(bucket).key(&key).send().await.is_err() {
            s3.put_object().bucket(bucket).key(key).body(b"x".to_vec().into()).send().await?;
        }
    }
    Ok(())
}

async fn only_lambda_may_assume(stack: &Stack, role: &str) -> Result<()> {
    let role = stack.aws().iam.get_role().role_name(role).send().await?.role.context("no role")?;
    let trust = percent_decode_str(role.assume_role_policy_document().unwrap_or_default())
        .decode_utf8()?
        .into_owned();
    let trust: Value = serde_json::from_str(&trust)?;
    let statements = trust["Statement"].as_array().context("no statements")?;
    ensure!(statements.len() == 1, "{trust:#}");
    ensure!(statements[0]["Principal"] == json!({ "Service": "lambda.amazonaws.com" }), "{trust:#}");
    Ok(())
}

/// A user with the very policies of the role.
async fn bearer_of(stack: &Stack, role: &str) -> Result<Clients> {
    let iam = &stack.aws().iam;
    let attached = iam.list_attached_role_policies().role_name(role).send().await?;
    ensure!(attached.attached_policies().is_empty(), "{role} has managed policies");
    let names = iam.list_role_policies().role_name(role).send().await?.policy_names;
    ensure!(names.len() == 1, "{role} has the policies {names:?}");
    let policy = iam.get_role_policy().role_name(role).policy_name(&names[0]).send().await?;
    let document = percent_decode_str(policy.policy_document()).decode_utf8()?.into_owned();
    let user = format!("bearer-of-{role}");
    Ok(stack.aws_as(stack.aws.create_user(&user, &document).await?))
}

/// Tries it. True: it was refused for want of permission.
async fn attempt(user: &Clients, deed: Deed, place: &Place) -> Result<bool> {
    let Place { photos, thumbnails, site, table, photo } = place;
    let (original, thumbnail) = (format!("photos/{photo}"), format!("{photo}.jpg"));
    let get = |bucket: &str, key: &str| user.s3.get_object().bucket(bucket).key(key).send();
    let put = |bucket: &str, key: &str| {
        user.s3.put_object().bucket(bucket).key(key).body(b"x".to_vec().into()).send()
    };
    let delete = |bucket: &str, key: &str| user.s3.delete_object().bucket(bucket).key(key).send();
    let text = |text: &str| AttributeValue::S(text.to_owned());
    let rows = &user.dynamodb;
    let code = match deed {
        ReadIncoming => refused(get(photos, INCOMING).await),
        ReadPhoto => refused(get(photos, &original).await),
        ReadThumbnail => refused(get(thumbnails, &thumbnail).await),
        ReadSite => refused(get(site, "index.html").await),
        PutIncoming => refused(put(photos, INCOMING).await),
        PutPhoto => refused(put(photos, &format!("photos/{photo}-2")).await),
        PutThumbnail => refused(put(thumbnails, &format!("{photo}-2.jpg")).await),
        PutSite => refused(put(site, "evil.html").await),
        DeleteIncoming => refused(delete(photos, INCOMING).await),
        DeletePhoto => refused(delete(photos, &original).await),
        DeleteThumbnail => refused(delete(thumbnails, &thumbnail).await),
        ListPhotos => refused(user.s3.list_objects_v2().bucket(photos).send().await),
        ListThumbnails => refused(user.s3.list_objects_v2().bucket(thumbnails).send().await),
        GetRow => refused(rows.get_item().table_name(table).key("photoId", text(photo)).send().await),
        PutRow => refused(rows.put_item().table_name(table).item("photoId", text("evil")).send().await),
        DeleteRow => refused(rows.delete_item().table_name(table).key("photoId", text("evil")).send().await),
        UpdateRow => {
            let update = rows.update_item().table_name(table).key("photoId", text(photo));
            let update =
                update.update_expression("SET evil = :e").expression_attribute_values(":e", text("x"));
            refused(update.send().await)
        }
        QueryIndex => {
            let query = rows.query().table_name(table).index_name("newest-first");
            let query = query.key_condition_expression("listing = :l");
            refused(query.expression_attribute_values(":l", text("photos")).send().await)
        }
        Scan => refused(rows.scan().table_name(table).send().await),
    }?;
    Ok(code)
}

fn refused<T, E>(result: std::result::Result<T, aws_sdk_s3::error::SdkError<E>>) -> Result<bool>
where
    E: aws_sdk_s3::error::ProvideErrorMetadata + std::error::Error + Send + Sync + 'static,
{
    if result.is_ok() {
        return Ok(false);
    }
    let code = refusal(result)?;
    ensure!(
        matches!(code.as_str(), "AccessDenied" | "AccessDeniedException"),
        "refused for another reason: {code}"
    );
    Ok(true)
}
