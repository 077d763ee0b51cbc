//! S3 and DynamoDB with state: objects by path, and the one row.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use data_encoding::HEXLOWER;
use functions_core::photo_id::PhotoId;
use functions_testing::{Answer, Call, FakeAws};
use md5::{Digest as _, Md5};
use serde_json::{Value, json};

pub(super) const ID: &str = "01ARZ3NDEKTSV4RRFFQ69G5FAV";

/// How a call goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fault {
    /// Refused, and nothing happens.
    Before,
    /// It happens, but the answer is lost.
    After,
    /// As `Before`, and so is everything that follows: the process has ended.
    Ever,
}

type Deed = Box<dyn FnMut(&mut World) + Send>;

#[derive(Default)]
pub(super) struct World {
    pub(super) objects: BTreeMap<String, Vec<u8>>,
    /// Of the file that arrived.
    content_type: String,
    pub(super) row: Option<Value>,
    /// Calls so far.
    pub(super) count: usize,
    /// What goes wrong at which call.
    pub(super) fault: Option<(usize, Fault)>,
    /// What others do just before which call.
    meanwhile: Vec<(usize, Deed)>,
}

#[derive(Clone)]
pub(super) struct WorldHandle(Arc<Mutex<World>>);

/// Where a file has arrived.
pub(super) fn world(file: &[u8], content_type: &str) -> (WorldHandle, FakeAws) {
    let mut world = World { content_type: content_type.to_owned(), ..World::default() };
    world.arrive(file);
    let handle = WorldHandle(Arc::new(Mutex::new(world)));
    let inside = handle.clone();
    (handle, FakeAws::new(move |call| inside.locked().answer(call)))
}

impl WorldHandle {
    pub(super) fn locked(&self) -> MutexGuard<'_, World> {
        self.0.lock().unwrap()
    }

    pub(super) fn keys(&self) -> Vec<String> {
        self.locked().objects.keys().cloned().collect()
    }

    pub(super) fn object(&self, path: &str) -> Vec<u8> {
        self.locked().objects[path].clone()
    }

    /// A value of the row; `null` if it has none.
    pub(super) fn row(&self, name: &str) -> Value {
        let world = self.locked();
        let value = &world.row.as_ref().expect("a row")[name];
        ["S", "N", "NS"].into_iter().find_map(|kind| value.get(kind)).cloned().unwrap_or_default()
    }

    /// Somebody does this just before the call of this number.
    pub(super) fn meanwhile(&self, at: usize, deed: impl FnMut(&mut World) + Send + 'static) {
        self.locked().meanwhile.push((at, Box::new(deed)));
    }

    /// What was to happen before a call that did not come, happens now.
    pub(super) fn catch_up(&self) -> usize {
        let mut world = self.locked();
        let late = std::mem::take(&mut world.meanwhile);
        let count = late.len();
        for (_, mut deed) in late {
            deed(&mut world);
        }
        count
    }
}

impl World {
    /// The visitor sends a file.
    pub(super) fn arrive(&mut self, file: &[u8]) {
        self.objects.insert(format!("/photos/incoming/{ID}"), file.to_vec());
    }

    /// The first half of what the delete function does.
    pub(super) fn mark(&mut self) {
        self.row = Some(json!({"photoId": {"S": ID}, "status": {"S": "deleted"}}));
    }

    /// The second half.
    pub(super) fn sweep(&mut self) {
        let id: PhotoId = ID.parse().unwrap();
        let originals = [id.photo_key(), id.incoming_key()].map(|key| format!("/photos/{key}"));
        let thumbnails = id.thumbnail_keys().into_iter().map(|key| format!("/thumbnails/{key}"));
        for path in originals.into_iter().chain(thumbnails) {
            self.objects.remove(&path);
        }
    }

    fn answer(&mut self, call: &Call) -> Answer {
        self.count += 1;
        for (at, mut deed) in std::mem::take(&mut self.meanwhile) {
            if at == self.count {
                deed(self);
            } else {
                self.meanwhile.push((at, deed));
            }
        }
        let unavailable = || Answer::s3_error(503, "ServiceUnavailable");
        match self.fault {
            Some((at, Fault::Before)) if at == self.count => unavailable(),
            Some((at, Fault::Ever)) if at <= self.count => unavailable(),
            Some((at, Fault::After)) if at == self.count => {
                self.carry_out(call);
                unavailable()
            }
            _ => self.carry_out(call),
        }
    }

    fn carry_out(&mut self, call: &Call) -> Answer {
        match call.operation.split_once(' ').unwrap() {
            ("DynamoDB", "GetItem") => match &self.row {
                Some(row) => Answer::ok(json!({"Item": row}).to_string()),
                None => Answer::ok("{}"),
            },
            ("DynamoDB", "PutItem") => self.put_row(&call.json()),
            ("GET", "/photos/") => self.list(),
            ("GET", path) => match self.objects.get(path) {
                Some(bytes) => Answer::ok(bytes.clone())
                    .header("content-type", self.content_type.clone())
                    .header("content-length", bytes.len().to_string())
                    .header("x-amz-meta-filename", "%C3%A9t%C3%A9.jpg"),
                None => Answer::s3_error(404, "NoSuchKey"),
            },
            ("PUT", path) => {
                let condition = call.headers.get("if-none-match").map(String::as_str);
                assert!(matches!(condition, None | Some("*")), "{condition:?}");
                if condition.is_some() && self.objects.contains_key(path) {
                    return Answer::s3_error(412, "PreconditionFailed");
                }
                self.objects.insert(path.to_owned(), call.body.clone());
                Answer::ok("")
            }
            ("POST", bucket @ ("/photos/" | "/thumbnails/")) => {
                let body = String::from_utf8(call.body.clone()).unwrap();
                for rest in body.split("<Key>").skip(1) {
                    self.objects.remove(&format!("{bucket}{}", rest.split('<').next().unwrap()));
                }
                Answer::ok("<DeleteResult></DeleteResult>")
            }
            other => panic!("unexpected {other:?}"),
        }
    }

    /// The one original.
    fn list(&self) -> Answer {
        let key = format!("photos/{ID}");
        let contents = self.objects.get(&format!("/photos/{key}")).map_or_else(String::new, |bytes| {
            let tag = HEXLOWER.encode(&Md5::digest(bytes));
            format!("<Contents><Key>{key}</Key><ETag>&quot;{tag}&quot;</ETag></Contents>")
        });
        Answer::ok(format!("<ListBucketResult>{contents}</ListBucketResult>"))
    }

    fn put_row(&mut self, request: &Value) -> Answer {
        let condition = "attribute_not_exists(#id) OR NOT #status IN (:ready, :deleted)";
        assert_eq!(request["ConditionExpression"], condition);
        let values = json!({":ready": {"S": "ready"}, ":deleted": {"S": "deleted"}});
        assert_eq!(request["ExpressionAttributeValues"], values);
        assert_eq!(request["ReturnValuesOnConditionCheckFailure"], "ALL_OLD");
        match &self.row {
            Some(row) if row["status"]["S"] == "ready" || row["status"]["S"] == "deleted" => {
                let name = "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException";
                let body = json!({"__type": name, "message": "The conditional request failed", "Item": row});
                Answer { status: 400, ..Answer::ok(body.to_string()) }
            }
            _ => {
                self.row = Some(request["Item"].clone());
                Answer::ok("{}")
            }
        }
    }
}
