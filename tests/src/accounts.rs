//! Self-service on any store: the flows with a hash that costs nothing, a mailer whose letters tests read, and signed-in
//! users.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use argon2::Argon2;
use auth_core::{
    ActionKind, ActionMark, ActionTokens, Algorithm, AskContent, Asked, AttemptLimits, Attempts,
    Email, HashPassword, HashingError, IssuedTokens, JwtBearer, Key, KeySet, Letter, Link,
    LiveError, LiveUser, LoggedUser, Mailer, Password, PasswordHash, PasswordHasher,
    PasswordPolicy, Role, SelfService, SelfServiceError, SelfServiceRules, SessionRules, Sessions,
    SourceNetwork, TokenIssuer, TokenSettings,
};
use http::HeaderMap;

use crate::{app::TestClock, store::TestStore};

/// A new password that the policy accepts.
pub const NEW_PASSWORD: &str = "correct horse battery staple";

/// Another one.
pub const OTHER_PASSWORD: &str = "another horse altogether";

/// All passwords that tests set.
pub const PASSWORDS: [&str; 22] = [
    NEW_PASSWORD,
    OTHER_PASSWORD,
    "k8#vQ2!zPw00",
    "k8#vQ2!zPw01",
    "k8#vQ2!zPw02",
    "k8#vQ2!zPw03",
    "k8#vQ2!zPw04",
    "k8#vQ2!zPw05",
    "k8#vQ2!zPw06",
    "k8#vQ2!zPw07",
    "k8#vQ2!zPw08",
    "k8#vQ2!zPw09",
    "k8#vQ2!zPw10",
    "k8#vQ2!zPw11",
    "k8#vQ2!zPw12",
    "k8#vQ2!zPw13",
    "k8#vQ2!zPw14",
    "k8#vQ2!zPw15",
    "k8#vQ2!zPw16",
    "k8#vQ2!zPw17",
    "k8#vQ2!zPw18",
    "k8#vQ2!zPw19",
];

/// How long a device is known. No test depends on it.
const DEVICE_LIFETIME: std::time::Duration = std::time::Duration::from_hours(1);

/// Hashes with almost no memory, and counts.
#[derive(Debug, Clone, Default)]
pub struct CheapHasher {
    hasher: Arc<PasswordHasher>,
    computed: Arc<AtomicU64>,
}

impl CheapHasher {
    /// Returns how many hashes were computed and checked.
    #[must_use]
    pub fn computed(&self) -> u64 {
        self.computed.load(Ordering::Relaxed)
    }

    /// Returns a hash with a random salt.
    #[must_use]
    pub fn hash_text(text: &str) -> PasswordHash {
        let salt = auth_core::random_id().expect("randomness");
        let params = argon2::Params::new(8, 1, 1, Some(32)).expect("parameters");
        let argon2 = Argon2::new(argon2::Algorithm::Argon2id, argon2::Version::V0x13, params);
        let mut output = [0; 32];
        let salt_bytes = salt.as_bytes();
        argon2
            .hash_password_into(text.as_bytes(), salt_bytes, &mut output)
            .expect("a hash");
        let encode = |bytes: &[u8]| {
            use base64::{Engine, engine::general_purpose::STANDARD_NO_PAD};
            STANDARD_NO_PAD.encode(bytes)
        };
        let text = format!(
            "$argon2id$v=19$m=8,t=1,p=1${}${}",
            encode(salt_bytes),
            encode(&output)
        );
        PasswordHash::parse(&text).expect("a hash")
    }
}

impl HashPassword for CheapHasher {
    async fn hash(&self, password: &Password) -> Result<PasswordHash, HashingError> {
        self.computed.fetch_add(1, Ordering::Relaxed);
        // A password does not reveal its text, so it is compared with those that tests use.
        let is_same = |text: &&str| {
            let known = Self::hash_text(text);
            self.hasher.verify(password, Some(&known)) == Ok(true)
        };
        let text = PASSWORDS.into_iter().find(is_same);
        Ok(Self::hash_text(text.expect("a password of PASSWORDS")))
    }

    async fn verify(&self, password: &Password, hash: &PasswordHash) -> Result<bool, HashingError> {
        self.computed.fetch_add(1, Ordering::Relaxed);
        self.hasher.verify(password, Some(hash))
    }
}

/// Self-service on a store.
pub struct Accounts<S> {
    /// The store.
    pub store: S,
    /// The flows.
    pub flows: SelfService<CheapHasher>,
    /// Turns asks into letters.
    pub mailer: Mailer,
    /// The tokens of links.
    pub tokens: ActionTokens,
    /// Names asks and counters.
    pub attempts: Attempts,
    /// Begins sessions.
    pub sessions: Sessions,
    /// The hasher of the flows.
    pub hasher: CheapHasher,
    bearer: JwtBearer,
    /// The clock of everything.
    pub clock: TestClock,
}

fn keys(first: u8) -> KeySet {
    let secret: Vec<u8> = (first..first + 32).collect();
    KeySet::from(Key::from_secret(&secret, Algorithm::HS256).expect("a key"))
}

/// Returns the rules of counters in tests.
#[must_use]
pub fn attempts() -> Attempts {
    Attempts::new(keys(64), AttemptLimits::default(), DEVICE_LIFETIME)
}

/// Returns the roles of users who sign up.
#[must_use]
pub fn sign_up_roles() -> Vec<Role> {
    vec![Role {
        id: "member".into(),
        name: "Member".into(),
        description: "Signed up".into(),
        permissions: vec!["read".into()],
    }]
}

impl<S: TestStore> Accounts<S> {
    /// Returns self-service on a store.
    #[must_use]
    pub fn new(store: &S) -> Self {
        let (clock, hasher) = (TestClock::default(), CheapHasher::default());
        let tokens = ActionTokens::new(keys(96));
        let issuer = TokenIssuer::new(keys(0), TokenSettings::default(), clock.clock());
        let rules = SelfServiceRules {
            policy: PasswordPolicy {
                min_chars: PasswordPolicy::MIN_CHARS,
                app_name: "Orders".into(),
            },
            is_sign_up_open: true,
            sign_up_roles: sign_up_roles(),
        };
        Self {
            store: store.clone(),
            flows: SelfService::new(
                tokens.clone(),
                attempts(),
                hasher.clone(),
                rules,
                clock.clock(),
            ),
            mailer: Mailer::new(tokens.clone()),
            tokens,
            attempts: attempts(),
            sessions: Sessions::new(keys(32), issuer, SessionRules::default(), clock.clock()),
            hasher,
            bearer: JwtBearer::new(keys(0), TokenSettings::default(), clock.clock()),
            clock,
        }
    }

    /// Puts an ask as an operator, and returns the letter that it becomes. Reads and completes the stored ask.
    pub async fn letter(&self, email: &Email, content: AskContent) -> Option<Letter> {
        let now = self.clock.now();
        let prepared = self
            .attempts
            .prepare_asks([(email.clone(), content)], None, now);
        let (asks, limits) = prepared.await.expect("keys");
        let asked = self.store.put_asks(&asks, &limits, now).await;
        assert_eq!(asked.expect("a result"), Asked::Put);
        self.deliver(&asks[0].id).await
    }

    /// Returns the letter that a stored ask becomes, and completes the ask.
    pub async fn deliver(&self, id: &auth_core::AskId) -> Option<Letter> {
        let ask = self.store.find_ask(id).await.expect("a result");
        let ask = ask.expect("the ask");
        let letter = self.mailer.prepare(&self.store, &ask, self.clock.now());
        let letter = letter.await.expect("a letter");
        self.store.complete_ask(id).await.expect("completed");
        letter
    }

    /// Returns the token of the link of a letter.
    pub async fn link(&self, email: &Email, content: AskContent) -> String {
        let letter = self.letter(email, content).await.expect("a letter");
        link(&letter).token.expose().to_owned()
    }

    /// Returns the mark of a token.
    pub async fn mark(&self, token: &str) -> ActionMark {
        let now = self.clock.now();
        let verified = self.tokens.verify(token, &ActionKind::ALL, now).await;
        verified.expect("a token").mark
    }

    /// Begins a session of the user of an address.
    pub async fn begin(&self, email: &Email) -> IssuedTokens {
        let user = self.store.find_by_email(email).await.expect("a result");
        let user = user.expect("the user");
        let issued = self.sessions.begin(email, &user).await.expect("tokens");
        let started = self.store.start_session(&issued.session).await;
        started.expect("started");
        issued
    }

    /// Returns the user of an access token, as the live guard does.
    ///
    /// # Errors
    ///
    /// [`LiveError`] if the guard rejects it.
    pub async fn guard(&self, issued: &IssuedTokens) -> Result<LiveUser, LiveError> {
        let mut headers = HeaderMap::new();
        let value = format!("Bearer {}", issued.access_token.expose());
        headers.insert("authorization", value.parse().expect("a value"));
        self.bearer.authenticate_live(&headers, &self.store).await
    }

    /// Returns the user of an access token that has not expired, whatever the state of its session.
    pub async fn token_user(&self, issued: &IssuedTokens) -> LoggedUser {
        let verified = self.bearer.verify(issued.access_token.expose()).await;
        verified.expect("a token")
    }

    /// Sets a password with a link.
    ///
    /// # Errors
    ///
    /// [`SelfServiceError`] as the flow.
    pub async fn reset(&self, token: &str, text: &str) -> Result<String, SelfServiceError> {
        let new = password(text);
        self.flows.reset_password(&self.store, token, &new).await
    }

    /// Confirms a sign-up or an invitation.
    ///
    /// # Errors
    ///
    /// [`SelfServiceError`] as the flow.
    pub async fn confirm(&self, token: &str, text: &str) -> Result<String, SelfServiceError> {
        let new = password(text);
        self.flows.confirm_sign_up(&self.store, token, &new).await
    }

    /// Returns whether the user of an address has a password.
    pub async fn has_password(&self, email: &Email, password: &str) -> bool {
        let account = self.store.find_account(email).await.expect("a result");
        let hash = account.expect("the user").stored.password_hash;
        let verified = PasswordHasher::new().verify(&self::password(password), Some(&hash));
        verified.expect("verified")
    }

    /// Returns the version of the user of an address; `None` if there is none.
    pub async fn version(&self, email: &Email) -> Option<u64> {
        let user = self.store.find_by_email(email).await.expect("a result");
        user.map(|user| user.version)
    }
}

/// Parses a password.
#[must_use]
pub fn password(text: &str) -> Password {
    Password::parse(text).expect("a password")
}

/// Returns a network.
#[must_use]
pub fn network() -> SourceNetwork {
    SourceNetwork::parse("203.0.113.7")
}

/// Returns the link of a letter.
#[must_use]
pub fn link(letter: &Letter) -> &Link {
    let link = letter.content.link();
    link.unwrap_or_else(|| panic!("a letter without a link: {letter:?}"))
}
