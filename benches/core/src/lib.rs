//! Shared by the benchmarks of `auth-core`: an issuer and a guard for each algorithm, and a user.

use auth_core::{
    AccessToken, Algorithm, Clock, Email, InMemoryStore, JwtBearer, Key, KeySet, LoggedUser,
    SessionId, TokenIssuer, TokenSettings, UnixTime, User, UserRepository,
};
use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};

/// Exactly one SHA-256 block: HMAC has to hash a longer secret first.
const SECRET: &[u8] = b"bench-not-for-deployment-Zr8Qw2Lm6Tk4Vb9Xp3HnYc5Jd7Ks1Fg0Ru4WaNe";

/// The algorithms, each with its JWK, or `None` if its key is a secret.
pub const ALGORITHMS: [(Algorithm, Option<&str>); 12] = [
    (Algorithm::HS256, None),
    (Algorithm::HS384, None),
    (Algorithm::HS512, None),
    (Algorithm::RS256, Some(RSA)),
    (Algorithm::RS384, Some(RSA)),
    (Algorithm::RS512, Some(RSA)),
    (Algorithm::PS256, Some(RSA)),
    (Algorithm::PS384, Some(RSA)),
    (Algorithm::PS512, Some(RSA)),
    (Algorithm::ES256, Some(P256)),
    (Algorithm::ES384, Some(P384)),
    (Algorithm::EdDSA, Some(ED25519)),
];

/// The end of the session, later than any token.
const END: UnixTime = UnixTime::from_secs(4_000_000_000);

const RSA: &str = include_str!("../../../tests/forge/keys/rsa.jwk.json");
const P256: &str = include_str!("../../../tests/forge/keys/p256.jwk.json");
const P384: &str = include_str!("../../../tests/forge/keys/p384.jwk.json");
const ED25519: &str = include_str!("../../../tests/forge/keys/ed25519.jwk.json");

/// An issuer and a guard that share a key, and the user of the tokens.
pub struct Tokens {
    issuer: TokenIssuer,
    bearer: JwtBearer,
    user: User,
    session: SessionId,
}

impl Tokens {
    /// Creates an issuer and a guard for an algorithm and its JWK from [`ALGORITHMS`].
    #[must_use]
    pub fn new(algorithm: Algorithm, jwk: Option<&str>) -> Self {
        let keys = match jwk {
            // One RSA key serves six algorithms.
            Some(jwk) => KeySet::parse(&jwk.replace("RS256", algorithm.name()), algorithm),
            None => Key::from_secret(SECRET, algorithm).and_then(|key| KeySet::new(vec![key])),
        };
        let keys = keys.expect("a key");
        let (rules, clock) = (
            TokenSettings::default(),
            Clock::from_fn(|| UnixTime::from_secs(1_800_000_000)),
        );
        let store = InMemoryStore::with_tutorial_user();
        let email = Email::parse("john.doe@leapify.tech").expect("an address");
        let found = store.find_by_email(&email).now_or_never();
        Self {
            issuer: TokenIssuer::new(keys.clone(), rules.clone(), clock.clone()),
            bearer: JwtBearer::new(keys, rules, clock),
            user: found.expect("at once").expect("a result").expect("a user"),
            session: SessionId::random().expect("randomness"),
        }
    }

    /// Issues a token.
    #[must_use]
    pub fn issue(&self) -> AccessToken {
        let issued = self.issuer.issue(&self.user, &self.session, END);
        issued.now_or_never().expect("at once").expect("a token")
    }

    /// Returns the headers of a request with a token.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        let value = HeaderValue::try_from(format!("Bearer {}", self.issue().expose()));
        HeaderMap::from_iter([(AUTHORIZATION, value.expect("a header"))])
    }

    /// Verifies the token of a request.
    #[must_use]
    pub fn verify(&self, headers: &HeaderMap) -> LoggedUser {
        let checked = self.bearer.authenticate(headers).now_or_never();
        checked.expect("at once").expect("a good token")
    }
}
