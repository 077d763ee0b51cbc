//! What the four functions share: the contract with the operator, the domain, and the edges to HTTP and AWS.
//!
//! Reading order: [`contract`] (names that the operator uses too), then the domain ([`photo_id`], [`filename`],
//! [`content_type`], [`upload_request`], [`cursor`]), then the edges ([`http`], [`problem`], [`sign`], [`s3_address`],
//! [`settings`], [`metrics`]). None of these does I/O. The Lambda loop is behind the feature `lambda` and our client of AWS behind
//! `client`, so that the operator depends on [`contract`] for next to nothing.

pub mod content_type;
pub mod contract;
pub mod cursor;
pub mod disposition;
pub mod filename;
pub mod http;
pub mod invocation;
pub mod metrics;
pub mod photo_id;
pub mod problem;
pub mod s3_address;
pub mod settings;
pub mod sign;
pub mod upload_request;

#[cfg(feature = "client")]
pub mod client;
#[cfg(feature = "lambda")]
pub mod lambda;
#[cfg(feature = "lambda")]
mod logs;
