//! What galleries share is read and made once for all of them.

use aws_sdk_cloudfront::Client;
use aws_sdk_cloudfront::operation::create_origin_access_control::CreateOriginAccessControlOutput;
use aws_sdk_cloudfront::operation::list_origin_access_controls::ListOriginAccessControlsOutput;
use aws_sdk_cloudfront::types::{OriginAccessControl, OriginAccessControlList};
use aws_smithy_mocks::{Rule, mock};

use super::{Looking, apply_shared, find};
use crate::cloud::{Answer, Depth, Observed};
use crate::graph::ResourceId;
use crate::resources::origin_access_control::{self as control, Change};
use crate::resources::{self, Kind as _};
use crate::testing::clients::clients;
use crate::testing::galleries::{identity, summer};

const ID: ResourceId = ResourceId::OriginAccessControl;

fn none() -> Rule {
    mock!(Client::list_origin_access_controls).then_output(|| {
        let list =
            OriginAccessControlList::builder().marker("").max_items(100).is_truncated(false).quantity(0);
        ListOriginAccessControlsOutput::builder().origin_access_control_list(list.build().unwrap()).build()
    })
}

fn made() -> Rule {
    mock!(Client::create_origin_access_control).then_output(|| {
        let made = OriginAccessControl::builder().id("E1").build().unwrap();
        CreateOriginAccessControlOutput::builder().origin_access_control(made).build()
    })
}

fn create() -> resources::Change {
    let want = control::OriginAccessControl::desired((), &summer(), &Observed::default()).unwrap();
    resources::Change::OriginAccessControl(Change::Create(want))
}

/// To see it fail: let `apply_shared` go on without looking at what is known.
#[tokio::test]
async fn of_several_galleries_that_want_it_one_makes_it() {
    let (listed, made) = (none(), made());
    let clients = clients(&[&listed, &made]);
    let (summer, winter) = (identity("photos", "summer"), identity("photos", "winter"));
    let nothing = Observed::default();
    for gallery in [&summer, &winter] {
        let found = find(&Looking::new(&clients, gallery, &nothing, Depth::ListedNow), ID).await;
        assert!(found.result.is_ok() && found.part.state(ID).is_none());
    }
    let change = create();
    let both =
        futures::join!(apply_shared(&clients, &summer, &change), apply_shared(&clients, &winter, &change),);
    assert_eq!(both, (Ok(Answer::Assigned("E1".into())), Ok(Answer::Assigned("E1".into()))));
    assert_eq!((listed.num_calls(), made.num_calls()), (2, 1));
}
