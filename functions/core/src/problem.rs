//! Errors of the API: `application/problem+json` (RFC 9457) with a stable `code` for programs and plain words for people.

use std::fmt;

use serde_json::json;

/// What went wrong, as a program may rely on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    BadJson,
    BadRequest,
    InvalidFilename,
    UnsupportedContentType,
    TooLarge,
    InvalidSize,
    InvalidLimit,
    InvalidCursor,
    InvalidPhotoId,
    NotFound,
    MethodNotAllowed,
    Internal,
}

impl Code {
    /// The code in the answer: the variant's name.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::BadJson => "BadJson",
            Self::BadRequest => "BadRequest",
            Self::InvalidFilename => "InvalidFilename",
            Self::UnsupportedContentType => "UnsupportedContentType",
            Self::TooLarge => "TooLarge",
            Self::InvalidSize => "InvalidSize",
            Self::InvalidLimit => "InvalidLimit",
            Self::InvalidCursor => "InvalidCursor",
            Self::InvalidPhotoId => "InvalidPhotoId",
            Self::NotFound => "NotFound",
            Self::MethodNotAllowed => "MethodNotAllowed",
            Self::Internal => "Internal",
        }
    }

    /// HTTP status.
    pub const fn status(self) -> u16 {
        match self {
            Self::BadJson
            | Self::BadRequest
            | Self::InvalidFilename
            | Self::InvalidSize
            | Self::InvalidLimit
            | Self::InvalidCursor
            | Self::InvalidPhotoId => 400,
            Self::NotFound => 404,
            Self::MethodNotAllowed => 405,
            Self::TooLarge => 413,
            Self::UnsupportedContentType => 415,
            Self::Internal => 500,
        }
    }

    /// The same for every problem of this code.
    const fn title(self) -> &'static str {
        match self {
            Self::BadJson => "The body is not a JSON object",
            Self::BadRequest => "The request is incomplete or has a value of the wrong type",
            Self::InvalidFilename => "The file has no usable name",
            Self::UnsupportedContentType => "This type of file is not accepted",
            Self::TooLarge => "The file is too large",
            Self::InvalidSize => "The size is not a number of bytes",
            Self::InvalidLimit => "The limit is not acceptable",
            Self::InvalidCursor => "The cursor is not one of ours",
            Self::InvalidPhotoId => "This is not the id of a photo",
            Self::NotFound => "There is nothing here",
            Self::MethodNotAllowed => "This method is not served here",
            Self::Internal => "Something went wrong on our side",
        }
    }
}

/// One error of the API. Holds nothing secret: all of it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub code: Code,
    /// What to do about it.
    pub detail: String,
    /// The field of the body that is meant, if one is.
    pub field: Option<&'static str>,
}

impl Problem {
    pub fn new(code: Code, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), field: None }
    }

    #[must_use]
    pub fn field(mut self, field: &'static str) -> Self {
        self.field = Some(field);
        self
    }

    /// An error of ours: the details belong to the log, not to the visitor.
    pub fn internal() -> Self {
        Self::new(Code::Internal, "Please try again in a moment.")
    }

    /// The answer's body.
    pub fn to_json(&self) -> String {
        let code = self.code.as_str();
        let mut body = json!({
            "type": format!("urn:photogallery:problem:{code}"),
            "title": self.code.title(),
            "status": self.code.status(),
            "detail": self.detail,
            "code": code,
        });
        if let Some(field) = self.field {
            body["field"] = field.into();
        }
        body.to_string()
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.code.as_str(), self.detail)
    }
}

impl std::error::Error for Problem {}
