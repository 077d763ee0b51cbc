use aws_sdk_apigateway::Client;
use aws_sdk_apigateway::operation::create_rest_api::CreateRestApiOutput;
use aws_sdk_apigateway::operation::get_resources::GetResourcesOutput;
use aws_sdk_apigateway::operation::get_rest_apis::GetRestApisOutput;
use aws_sdk_apigateway::operation::put_rest_api::PutRestApiOutput;
use aws_sdk_apigateway::operation::update_rest_api::UpdateRestApiOutput;
use aws_sdk_apigateway::primitives::DateTime;
use aws_smithy_mocks::{Rule, mock};
use strum::IntoEnumIterator;

use super::*;
use crate::ownership::Maker;
use crate::resources::Kind as _;
use crate::testing::clients::{clients, repeating_clients, rest_refusal};
use crate::testing::galleries::{identity, summer};

fn wanted() -> rest_api::Desired {
    rest_api::RestApi::desired((), &summer(), &crate::cloud::Observed::default()).unwrap()
}

fn listed(apis: Vec<(&'static str, i64, Tags)>) -> Rule {
    mock!(Client::get_rest_apis).then_output(move || {
        let apis = apis.iter().map(|(id, second, tags)| {
            let created = DateTime::from_secs(*second);
            let tags = tags.clone().into_iter().collect();
            let api = RestApi::builder().id(*id).name("name").description("text; body digest");
            api.created_date(created).set_tags(Some(tags)).build()
        });
        GetRestApisOutput::builder().set_items(Some(apis.collect())).build()
    })
}

#[tokio::test]
async fn the_oldest_of_ours_is_it_and_others_are_not_in_the_way() {
    let identity = identity("photos", "summer");
    let owned = identity.owner_tags();
    let rule = listed(vec![("young", 9, owned.clone()), ("foreign", 1, Tags::new()), ("old", 5, owned)]);
    let empty = mock!(Client::get_resources)
        .match_requests(|request| request.rest_api_id() == Some("old") && request.embed() == ["methods"])
        .then_output(|| GetResourcesOutput::builder().build());
    let clients_ = clients(&[&rule, &empty]);
    let Seen::Ours(seen) = observe(&Looking::whole(&clients_, &identity)).await.unwrap() else { panic!() };
    assert_eq!((seen.id.as_str(), seen.duplicates), ("old", vec!["young".to_owned()]));
    assert_eq!((seen.description.as_str(), seen.body_sha256.as_deref()), ("text", Some("digest")));
    let rule = listed(vec![("foreign", 1, Tags::new())]);
    assert_eq!(observe(&Looking::whole(&clients(&[&rule]), &identity)).await.unwrap(), Seen::Nothing);
}

/// To see it fail: sort by age alone.
#[test]
fn one_that_visitors_may_be_calling_stays_though_an_older_one_shows_late() {
    let identity = identity("photos", "summer");
    let api = |id: &str, second, description: String| {
        let tags = identity.owner_tags().into_iter().collect();
        let created = DateTime::from_secs(second);
        let api = RestApi::builder().id(id).created_date(created).description(description);
        api.set_tags(Some(tags)).build()
    };
    let made = || rest_api::description(&identity);
    let given = || format!("{}; body digest", made());
    let ids = |all: &[RestApi]| {
        pick(&identity, all).unwrap().ours.into_iter().filter_map(|found| found.id).collect::<Vec<_>>()
    };
    let late = api("late", 1, made());
    assert_eq!(ids(&[late.clone(), api("called", 2, given())]), ["called", "late"]);
    assert_eq!(ids(&[late.clone(), api("changed by hand", 2, "text".into())]), ["changed by hand", "late"]);
    assert_eq!(ids(&[api("young", 2, made()), late]), ["late", "young"]);
    let called = || api("called", 2, given());
    assert_eq!(
        ids(&[called(), api("called", 2, made()), called()]),
        ["called"],
        "in two pages, it is no copy"
    );
}

/// To see it fail: let `left_out` find nothing.
#[tokio::test]
async fn what_a_list_leaves_out_is_asked_for_by_its_id() {
    let identity = identity("photos", "summer");
    let tags = identity.owner_tags();
    let (whole, empty) = (listed(vec![("a1", 5, tags.clone())]), listed(vec![]));
    let routes = mock!(Client::get_resources).then_output(|| GetResourcesOutput::builder().build());
    let asked = |tags: Tags| {
        mock!(Client::get_rest_api).match_requests(|request| request.rest_api_id() == Some("a1")).then_output(
            move || {
                let tags = tags.clone().into_iter().collect();
                GetRestApiOutput::builder()
                    .id("a1")
                    .description("text; body digest")
                    .set_tags(Some(tags))
                    .build()
            },
        )
    };
    let gone = mock!(Client::get_rest_api)
        .then_http_response(|| rest_refusal(404, "NotFoundException", "Invalid API identifier specified"));
    let look = async |known: Option<&str>, rules: &[&Rule]| {
        let clients = clients(rules);
        clients.recent.note_rest_api(&identity, known.map(str::to_owned));
        let seen = match observe(&Looking::whole(&clients, &identity)).await.unwrap() {
            Seen::Ours(seen) => seen.id,
            Seen::Nothing => "nothing".into(),
            Seen::Foreign(foreign) => panic!("{foreign:?}"),
        };
        (seen, clients.recent.rest_api(&identity))
    };
    let (there, missing) = (("a1".into(), Some("a1".into())), ("nothing".into(), None));
    assert_eq!(look(None, &[&empty]).await, missing);
    assert_eq!(look(None, &[&whole, &routes]).await, there);
    assert_eq!(look(Some("a1"), &[&empty, &asked(tags), &routes]).await, there);
    assert_eq!(look(Some("a1"), &[&empty, &asked(Tags::new())]).await, missing, "its tags were taken away");
    assert_eq!(look(Some("a1"), &[&empty, &gone]).await, missing, "somebody deleted it");
    let denied = mock!(Client::get_rest_api)
        .then_http_response(|| rest_refusal(403, "AccessDeniedException", "User is not authorized"));
    assert_eq!(look(Some("a1"), &[&empty, &denied]).await, missing, "and IAM sees no tags of it any more");
}

#[tokio::test]
async fn one_that_another_cluster_left_is_in_the_way_until_it_is_taken_over() {
    let identity = identity("photos", "summer");
    let mut tags = identity.owner_tags();
    tags.insert(TAG_OWNER.into(), "lost".into());
    let rule = listed(vec![("foreign", 1, Tags::new()), ("left", 5, tags)]);
    let Seen::Foreign(left) = observe(&Looking::whole(&clients(&[&rule]), &identity)).await.unwrap() else {
        panic!()
    };
    assert!(left.name == "left" && left.whose.adopt.is_some(), "{left:?}");
    let identity = Identity { adopts: Maker::parse("lost/uid-summer"), ..identity };
    let empty = mock!(Client::get_resources).then_output(|| GetResourcesOutput::builder().build());
    let Seen::Ours(seen) = observe(&Looking::whole(&clients(&[&rule, &empty]), &identity)).await.unwrap()
    else {
        panic!()
    };
    assert_eq!((seen.id.as_str(), seen.duplicates), ("left", vec![]));
}

#[test]
fn any_other_compression_is_told() {
    assert_eq!(compression(Some(1024)), None);
    assert_eq!(Setting::Compression.wanted(), format!("from {} bytes", rest_api::COMPRESSION_BYTES));
    assert_eq!(compression(Some(0)).as_deref(), Some("from 0 bytes"));
    assert_eq!(compression(None).as_deref(), Some("off"));
}

#[tokio::test]
async fn it_is_made_regional_compressing_and_tagged() {
    let create = mock!(Client::create_rest_api)
        .match_requests(|request| {
            let types = request.endpoint_configuration().map(EndpointConfiguration::types);
            types == Some(&[EndpointType::Regional])
                && request.minimum_compression_size() == Some(1024)
                && request.tags().is_some_and(|tags| tags.len() == 4)
        })
        .then_output(|| CreateRestApiOutput::builder().build());
    let identity = identity("photos", "summer");
    let (name, description) = ("name".into(), "text".into());
    let change = Change::Create { name, description, tags: identity.owner_tags() };
    apply(&clients(&[&create]), &identity, &change).await.unwrap();
    assert_eq!(create.num_calls(), 1);
}

#[tokio::test]
async fn a_creation_without_an_answer_is_not_repeated_blindly() {
    let create = mock!(Client::create_rest_api)
        .sequence()
        .http_status(503, None)
        .output(|| CreateRestApiOutput::builder().build())
        .build();
    let identity = identity("photos", "summer");
    let change =
        Change::Create { name: "name".into(), description: "text".into(), tags: identity.owner_tags() };
    let error = apply(&repeating_clients(&[&create]), &identity, &change).await.unwrap_err();
    assert_eq!((error.kind, create.num_calls()), (ErrorKind::Unavailable, 1));
    let other = mock!(Client::put_rest_api)
        .sequence()
        .http_status(503, None)
        .output(|| PutRestApiOutput::builder().build())
        .build();
    let change = Change::Body { id: "a1".into(), wanted: wanted() };
    apply(&repeating_clients(&[&other]), &identity, &change).await.unwrap();
    assert_eq!(other.num_calls(), 2, "the clients do repeat otherwise");
}

#[tokio::test]
async fn all_settings_are_put_right_in_one_call() {
    let update = mock!(Client::update_rest_api)
        .match_requests(|request| {
            let operations = request.patch_operations().iter().map(|it| {
                let value = it.value().map(|value| format!(" {value}")).unwrap_or_default();
                format!("{} {}{value}", it.op().map_or("", Op::as_str), it.path().unwrap_or_default())
            });
            operations.collect::<Vec<_>>()
                == [
                    "replace /disableExecuteApiEndpoint false",
                    "replace /endpointConfiguration/types/0 REGIONAL",
                    "replace /policy ",
                    "remove /binaryMediaTypes/image~1png",
                    "remove /binaryMediaTypes/*~1*",
                    "replace /minimumCompressionSize 1024",
                    "replace /apiKeySource HEADER",
                ]
        })
        .then_output(|| UpdateRestApiOutput::builder().build());
    let seen = Setting::iter().map(|setting| (setting, "image/png, */*".to_owned())).collect();
    let change = Change::Settings { id: "a1".into(), seen };
    apply(&clients(&[&update]), &identity("photos", "summer"), &change).await.unwrap();
    assert_eq!(update.num_calls(), 1);
}

#[tokio::test]
async fn the_body_overwrites() {
    let put = mock!(Client::put_rest_api)
        .match_requests(|request| request.mode() == Some(&PutMode::Overwrite))
        .then_output(|| PutRestApiOutput::builder().build());
    let change = Change::Body { id: "a1".into(), wanted: wanted() };
    apply(&clients(&[&put]), &identity("photos", "summer"), &change).await.unwrap();
    assert_eq!(put.num_calls(), 1);
}

#[tokio::test]
async fn a_deletion_too_soon_after_another_is_throttled_and_a_repeated_one_is_done() {
    let identity = identity("photos", "summer");
    let delete = Change::Delete { id: "a1".into() };
    let slow = mock!(Client::delete_rest_api)
        .then_http_response(|| rest_refusal(429, "TooManyRequestsException", "Too Many Requests"));
    let error = apply(&clients(&[&slow]), &identity, &delete).await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Throttled);
    let gone = mock!(Client::delete_rest_api)
        .then_http_response(|| rest_refusal(404, "NotFoundException", "Invalid API identifier specified"));
    apply(&clients(&[&gone]), &identity, &delete).await.unwrap();
}
