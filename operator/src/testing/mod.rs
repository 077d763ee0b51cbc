//! What tests share.

pub(crate) mod galleries;
