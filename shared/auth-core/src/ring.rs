//! The keys of access tokens over time: which key signs, which ones are published, and how they change.
//!
//! [`KeyRing`] is the private set `[active, standby]`, [`PublishedKeys`] the public one. [`KeyRules`] plans changes
//! of both as values, without reading or writing anything; [`KeyKeeper`] applies a plan to a [`PrivateKeyRepository`]
//! and a [`PublishedKeyRepository`], in an order that leaves usable keys if a run is interrupted. The next run
//! completes it.
//!
//! The rules are:
//!
//! - A key is published before it signs, and stays published until its last token has expired
//!   ([`KeyRules::retention`]).
//! - One key is always ahead: the standby is public for [`STANDBY_AGE`] before it signs, because verifiers outside
//!   the bundle cache keys.
//! - A revoked key is never published or used again.

mod keeper;
mod key_ring;
mod list;
mod probe;
mod published;
mod repository;
mod rules;
mod source;

pub use keeper::{KeyChangeError, KeyKeeper};
pub use key_ring::KeyRing;
pub use list::{KeyStatus, ListedKey};
pub use probe::ProbeError;
pub use published::{PublishedKey, PublishedKeys};
pub use repository::{PrivateKeyRepository, PublishedKeyRepository, Versioned};
use rules::KeyChange;
pub use rules::{KeyRules, KeyState, Refusal, RotateWhen, STANDBY_AGE};
pub use source::{PublishedFuture, PublishedSource};

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
