//! What the four functions share: the contract with the operator, the domain, and the edges to HTTP and AWS.
//!
//! Everything that needs an AWS SDK is behind the feature `aws`, so that the operator can depend on [`contract`] for
//! nothing.

pub mod contract;
