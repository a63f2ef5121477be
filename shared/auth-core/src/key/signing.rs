//! What only the owner of a key does with it: signing, publishing its public half, and ending its use.

use base64::Engine;
use jsonwebtoken::Header;
use serde::Serialize;

use super::{Key, PROVIDER};
use crate::{encoding::BASE64URL, time::UnixTime};

impl Key {
    /// Returns the thumbprint (RFC 7638), which identifies the key whatever its `kid` is.
    pub(crate) fn thumbprint(&self) -> &str {
        &self.fingerprint
    }

    /// Sets when the key expires (exclusive).
    pub(crate) fn until(self, until: Option<UnixTime>) -> Self {
        Self { until, ..self }
    }

    /// Returns the public half. HMAC keys have none.
    pub(super) fn into_public(self) -> Self {
        Self {
            signing: None,
            is_public: true,
            ..self
        }
    }

    /// Returns the compact JWS of `claims` with a header of `alg`, `typ` and `kid`, or `None` if the key
    /// cannot sign.
    pub(crate) fn sign_claims(&self, typ: &str, claims: &impl Serialize) -> Option<String> {
        let header = Header {
            typ: Some(typ.to_owned()),
            kid: Some(self.kid.clone()),
            ..Header::new(self.jws_algorithm)
        };
        let header = BASE64URL.encode(serde_json::to_vec(&header).ok()?);
        let claims = BASE64URL.encode(serde_json::to_vec(claims).ok()?);
        let message = format!("{header}.{claims}");
        let signature = BASE64URL.encode(self.sign(message.as_bytes())?);
        Some(format!("{message}.{signature}"))
    }

    /// Returns the signature of `message`, or `None` if the key cannot sign.
    pub(crate) fn sign(&self, message: &[u8]) -> Option<Vec<u8>> {
        let signer = (PROVIDER.signer_factory)(&self.jws_algorithm, self.signing.as_ref()?);
        signer.ok()?.try_sign(message).ok()
    }
}
