//! The body of `POST /upload`, checked field by field so that each mistake is answered precisely.

use serde_json::{Map, Value};

use crate::content_type::ContentType;
use crate::filename::Filename;
use crate::problem::{Code, Problem};

/// More than any honest request: a name of 255 characters, a type and a number.
const MAX_BODY_BYTES: usize = 16 * 1024;

/// What a gallery accepts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadLimits {
    /// Largest file, in bytes.
    pub max_bytes: u64,
    /// Accepted types.
    pub content_types: Vec<ContentType>,
}

/// A checked wish to upload one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UploadRequest {
    pub filename: Filename,
    pub content_type: ContentType,
    /// Bytes, at least 1.
    pub size: u64,
}

impl UploadRequest {
    /// Reads and checks a body. Unknown fields are ignored, so that newer pages can talk to older functions.
    pub fn parse(body: &[u8], limits: &UploadLimits) -> Result<Self, Problem> {
        if body.len() > MAX_BODY_BYTES {
            return Err(Problem::new(
                Code::BadRequest,
                format!("The body is larger than {MAX_BODY_BYTES} bytes."),
            ));
        }
        let fields: Map<String, Value> = serde_json::from_slice(body).map_err(|_| {
            Problem::new(
                Code::BadJson,
                r#"Send an object like {"filename": "a.jpg", "contentType": "image/jpeg", "size": 12345}."#,
            )
        })?;
        Ok(Self {
            filename: filename(&fields)?,
            content_type: content_type(&fields, limits)?,
            size: size(&fields, limits)?,
        })
    }
}

fn filename(fields: &Map<String, Value>) -> Result<Filename, Problem> {
    let raw = text(fields, "filename")?;
    Filename::clean(raw).ok_or_else(|| {
        Problem::new(
            Code::InvalidFilename,
            "Nothing is left of the name without its path and invisible characters.",
        )
        .field("filename")
    })
}

fn content_type(fields: &Map<String, Value>, limits: &UploadLimits) -> Result<ContentType, Problem> {
    let claimed = text(fields, "contentType")?.parse().ok();
    claimed.filter(|kind| limits.content_types.contains(kind)).ok_or_else(|| {
        let accepted: Vec<&str> = limits.content_types.iter().map(|kind| kind.as_str()).collect();
        Problem::new(Code::UnsupportedContentType, format!("Accepted are {}.", accepted.join(", ")))
            .field("contentType")
    })
}

fn size(fields: &Map<String, Value>, limits: &UploadLimits) -> Result<u64, Problem> {
    let too_large = || {
        let detail = format!("A file may have up to {} bytes.", limits.max_bytes);
        Problem::new(Code::TooLarge, detail).field("size")
    };
    let invalid = || {
        Problem::new(Code::InvalidSize, "Give the file's size as a whole number of bytes, at least 1.")
            .field("size")
    };
    match field(fields, "size")? {
        Value::Number(number) => match number.as_u64() {
            Some(0) => Err(invalid()),
            Some(size) if size <= limits.max_bytes => Ok(size),
            Some(_) => Err(too_large()),
            // Beyond 64 bits it is still a whole number, only far too large.
            None if number.as_f64().is_some_and(|size| size >= 18_446_744_073_709_551_616.0) => {
                Err(too_large())
            }
            None => Err(invalid()),
        },
        _ => Err(invalid()),
    }
}

fn text<'a>(fields: &'a Map<String, Value>, name: &'static str) -> Result<&'a str, Problem> {
    let wrong_type = || Problem::new(Code::BadRequest, format!("{name:?} must be a string.")).field(name);
    field(fields, name)?.as_str().ok_or_else(wrong_type)
}

fn field<'a>(fields: &'a Map<String, Value>, name: &'static str) -> Result<&'a Value, Problem> {
    let missing = || Problem::new(Code::BadRequest, format!("{name:?} is missing.")).field(name);
    fields.get(name).filter(|value| !value.is_null()).ok_or_else(missing)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn limits() -> UploadLimits {
        UploadLimits { max_bytes: 1000, content_types: vec![ContentType::Jpeg, ContentType::Png] }
    }

    fn parse(body: &str) -> Result<UploadRequest, Code> {
        UploadRequest::parse(body.as_bytes(), &limits()).map_err(|problem| problem.code)
    }

    fn with_size(size: &str) -> Result<u64, Code> {
        parse(&format!(r#"{{"filename":"a.jpg","contentType":"image/jpeg","size":{size}}}"#))
            .map(|request| request.size)
    }

    #[test]
    fn a_good_request_is_accepted_and_cleaned() {
        let request =
            parse(r#"{"filename":"C:\\x\\été.jpg","contentType":"IMAGE/JPEG","size":1000,"later":[1]}"#)
                .unwrap();
        assert_eq!(request.filename.as_str(), "été.jpg");
        assert_eq!((request.content_type, request.size), (ContentType::Jpeg, 1000));
    }

    #[test]
    fn sizes_are_whole_numbers_within_the_limit() {
        assert_eq!(with_size("1"), Ok(1));
        for size in ["0", "-1", "1.5", "1.0", "1e2", "true", "[]", "{}", r#""12""#] {
            assert_eq!(with_size(size), Err(Code::InvalidSize), "{size}");
        }
        for size in
            ["1001", "18446744073709551615", "18446744073709551616", "99999999999999999999999999", "1e300"]
        {
            assert_eq!(with_size(size), Err(Code::TooLarge), "{size}");
        }
        assert_eq!(with_size("1e400"), Err(Code::BadJson), "JSON numbers end at a double's range");
        assert_eq!(with_size("NaN"), Err(Code::BadJson));
        assert_eq!(with_size("null"), Err(Code::BadRequest));
    }

    #[test]
    fn bodies_that_are_no_objects_are_bad_json() {
        for body in [
            "",
            "null",
            "[]",
            "1",
            "\"x\"",
            "{",
            "{}}",
            "{\"a\":}",
            "\u{FEFF}{}",
            "{\"filename\":\"\\ud800\"}",
        ] {
            assert_eq!(parse(body), Err(Code::BadJson), "{body}");
        }
        assert_eq!(UploadRequest::parse(b"\xFF\xFE{}", &limits()).map_err(|p| p.code), Err(Code::BadJson));
        assert_eq!(parse(&"[".repeat(10_000)), Err(Code::BadJson), "deep nesting is refused, not followed");
    }

    #[test]
    fn a_missing_or_wrong_field_is_named() {
        for (body, field) in [
            (json!({}), "filename"),
            (json!({"filename": 7}), "filename"),
            (json!({"filename": "a"}), "contentType"),
            (json!({"filename": "a", "contentType": ["image/jpeg"]}), "contentType"),
            (json!({"filename": "a", "contentType": "image/jpeg"}), "size"),
        ] {
            let problem = UploadRequest::parse(body.to_string().as_bytes(), &limits()).unwrap_err();
            assert_eq!((problem.code, problem.field), (Code::BadRequest, Some(field)), "{body}");
        }
    }

    #[test]
    fn types_outside_the_gallerys_list_are_refused() {
        for kind in ["image/gif", "image/svg+xml", "text/html", "", "image/jpeg\u{0}"] {
            let body = json!({"filename": "a", "contentType": kind, "size": 1}).to_string();
            assert_eq!(parse(&body), Err(Code::UnsupportedContentType), "{kind}");
        }
    }

    #[test]
    fn huge_bodies_are_refused_unread() {
        let body =
            json!({"filename": "x".repeat(20_000), "contentType": "image/jpeg", "size": 1}).to_string();
        assert_eq!(parse(&body), Err(Code::BadRequest));
    }

    proptest! {
        #[test]
        fn any_bytes_are_answered_without_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = UploadRequest::parse(&body, &limits());
        }

        #[test]
        fn whatever_is_accepted_is_within_the_limits(name in any::<String>(), size in any::<i64>()) {
            let body = json!({"filename": name, "contentType": "image/png", "size": size}).to_string();
            if let Ok(request) = UploadRequest::parse(body.as_bytes(), &limits()) {
                prop_assert!((1..=1000).contains(&request.size));
                prop_assert!(!request.filename.as_str().is_empty());
            }
        }
    }
}
