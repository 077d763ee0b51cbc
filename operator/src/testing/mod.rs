//! What tests share.

pub(crate) mod clients;
pub(crate) mod galleries;
pub(crate) mod generated;
