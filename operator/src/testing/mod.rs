//! What tests share.

pub(crate) mod galleries;
pub(crate) mod generated;
