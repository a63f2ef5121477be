//! What the benchmarks of `auth-core` share: an issuer and a guard for each algorithm, and a user.

use auth_core::{
    AccessToken, Algorithm, Clock, Email, InMemoryUserRepository, JwtBearer, Key, KeySet,
    LoggedUser, SessionId, TokenIssuer, TokenSettings, User, UserRepository,
};
use futures_util::FutureExt;
use http::{HeaderMap, HeaderValue, header::AUTHORIZATION};

/// As long as a block of SHA-256: HMAC hashes a longer one first.
const SECRET: &[u8] = b"bench-not-for-deployment-Zr8Qw2Lm6Tk4Vb9Xp3HnYc5Jd7Ks1Fg0Ru4WaNe";

/// The algorithms with the JWK that each takes; none for a secret.
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

const RSA: &str = include_str!("../../../tests/keys/rsa.jwk.json");
const P256: &str = include_str!("../../../tests/keys/p256.jwk.json");
const P384: &str = include_str!("../../../tests/keys/p384.jwk.json");
const ED25519: &str = include_str!("../../../tests/keys/ed25519.jwk.json");

/// An issuer and a guard with one key, and the user of the tokens.
pub struct Tokens {
    issuer: TokenIssuer,
    bearer: JwtBearer,
    user: User,
    session: SessionId,
}

impl Tokens {
    /// Tokens of one algorithm, with the key that [`ALGORITHMS`] has for it.
    #[must_use]
    pub fn of(algorithm: Algorithm, jwk: Option<&str>) -> Self {
        let keys = match jwk {
            // One RSA key serves six algorithms.
            Some(jwk) => KeySet::parse(&jwk.replace("RS256", algorithm.name()), algorithm),
            None => Key::from_secret(SECRET, algorithm).and_then(|key| KeySet::new(vec![key])),
        };
        let keys = keys.expect("a key");
        let (rules, clock) = (TokenSettings::default(), Clock::from_fn(|| 1_800_000_000));
        let users = InMemoryUserRepository::with_tutorial_user();
        let email = Email::parse("john.doe@leapify.tech").expect("an address");
        let found = users.find_by_email(&email).now_or_never();
        Self {
            issuer: TokenIssuer::new(keys.clone(), rules.clone(), clock.clone()),
            bearer: JwtBearer::new(keys, rules, clock),
            user: found.expect("at once").expect("an answer").expect("a user"),
            session: SessionId::random().expect("randomness"),
        }
    }

    /// Issues a token.
    #[must_use]
    pub fn issue(&self) -> AccessToken {
        let issued = self.issuer.issue(&self.user, &self.session);
        issued.now_or_never().expect("at once").expect("a token")
    }

    /// The headers of a request with a token.
    #[must_use]
    pub fn headers(&self) -> HeaderMap {
        let value = HeaderValue::try_from(format!("Bearer {}", self.issue().expose()));
        HeaderMap::from_iter([(AUTHORIZATION, value.expect("a header"))])
    }

    /// Checks the token of a request.
    #[must_use]
    pub fn verify(&self, headers: &HeaderMap) -> LoggedUser {
        let checked = self.bearer.authenticate(headers).now_or_never();
        checked.expect("at once").expect("a good token")
    }
}
