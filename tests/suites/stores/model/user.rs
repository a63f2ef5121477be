//! The model of one user: runs steps, and compares every result and everything stored with its accounts.

use std::{collections::HashMap, time::Duration};

use auth_core::{
    Algorithm, BearerError, Email, InvalidRefreshToken, IssuedTokens, JwtBearer, Key, KeySet,
    LiveError, RefreshError, SessionRepository, Sessions, TokenIssuer, TokenSettings, UnixTime,
    UserChange,
};
use bundle_tests::{
    app::TestClock,
    flaky::{Failure, FlakyStore, Script},
    store::{TestStore, hash, session_id, user},
};
use http::HeaderMap;
use proptest::sample::Index;

use super::{
    account::{Account, Expected, RULES},
    steps::{Fault, Step},
};

pub(crate) struct ModelUser<S> {
    store: S,
    script: Script,
    flaky: FlakyStore<S>,
    sessions: Sessions,
    bearer: JwtBearer,
    email: Email,
    clock: TestClock,
    version: u64,
    is_disabled: bool,
    /// The latest time that the clock has shown.
    latest: UnixTime,
    accounts: Vec<Account>,
    /// The new token for each token, whoever presented it.
    successors: HashMap<String, String>,
}

impl<S: TestStore> ModelUser<S> {
    pub(crate) async fn new(store: S, email: &str) -> Self {
        store.add_user(&user("1", email)).await.expect("added");
        let script = Script::default();
        let key = |first: u8| {
            let secret: Vec<u8> = (first..first + 32).collect();
            KeySet::from(Key::from_secret(&secret, Algorithm::HS256).expect("a key"))
        };
        let clock = TestClock::default();
        let issuer = TokenIssuer::new(key(0), TokenSettings::default(), clock.clock());
        Self {
            flaky: FlakyStore::new(store.clone(), &script),
            sessions: Sessions::new(key(32), issuer, RULES, clock.clock()),
            bearer: JwtBearer::new(key(0), TokenSettings::default(), clock.clock()),
            store,
            script,
            email: Email::parse(email).expect("an address"),
            latest: clock.now(),
            clock,
            version: 0,
            is_disabled: false,
            accounts: Vec::new(),
            successors: HashMap::new(),
        }
    }

    pub(crate) async fn run(&mut self, step: &Step) {
        match step {
            Step::Login(fault) => self.login(*fault).await,
            Step::Refresh(which, fault) => {
                if let Some((index, generation)) = self.newest(*which) {
                    self.refresh(index, generation, *fault).await;
                }
            }
            Step::Replay(which, fault) => {
                if let Some((index, generation)) = self.any(*which) {
                    self.refresh(index, generation, *fault).await;
                }
            }
            Step::Logout(which, fault) => {
                if let Some((index, generation)) = self.any(*which) {
                    self.log_out(index, generation, *fault).await;
                }
            }
            Step::LogoutEverywhere(which, fault) => {
                if let Some((index, generation)) = self.any(*which) {
                    self.log_out_everywhere(index, generation, *fault).await;
                }
            }
            Step::Disable => self.change(UserChange::Disabled(true), 1).await,
            Step::Enable => self.change(UserChange::Disabled(false), 0).await,
            Step::NewPassword => {
                self.change(UserChange::Password(hash(0)), 1).await;
            }
            Step::Pass(seconds) => {
                self.clock.advance(Duration::from_secs(*seconds));
            }
            Step::SetBack(seconds) => {
                self.clock.set_back(Duration::from_secs(*seconds));
            }
        }
        self.script.reset();
        self.check_stored().await;
        self.check_access_tokens().await;
    }

    /// Returns the newest token that its client has seen.
    fn newest(&self, which: Index) -> Option<(usize, usize)> {
        let index = (!self.accounts.is_empty()).then(|| which.index(self.accounts.len()))?;
        let seen = self.accounts[index]
            .tokens
            .iter()
            .rposition(Option::is_some)?;
        Some((index, seen))
    }

    /// Returns a token that a client has seen at any time.
    fn any(&self, which: Index) -> Option<(usize, usize)> {
        let seen: Vec<(usize, usize)> = self
            .accounts
            .iter()
            .enumerate()
            .flat_map(|(i, account)| {
                let tokens = account.tokens.iter().enumerate();
                let seen = tokens.filter(|(_, token)| token.is_some());
                seen.map(move |(generation, _)| (i, generation))
            })
            .collect();
        (!seen.is_empty()).then(|| seen[which.index(seen.len())])
    }

    fn fail(&self, fault: Fault) {
        match fault {
            Some((call, failure)) => self.script.fail_after(call, failure),
            None => self.script.reset(),
        }
    }

    async fn login(&mut self, fault: Fault) {
        if self.is_disabled {
            return;
        }
        let found = self.store.find_by_email(&self.email).await;
        let found = found.expect("a result").expect("the user");
        self.fail(fault);
        match (self.begin(&found).await, self.script.failed()) {
            (Ok(issued), None) => {
                let now = self.clock.now();
                self.accounts.push(Account {
                    access_tokens: vec![issued.access_token.expose().to_owned()],
                    tokens: vec![Some(issued.refresh_token.expose().to_owned())],
                    generation: 0,
                    rotated_at: now,
                    idle_end: now + RULES.idle_expiration,
                    end: now + RULES.expiration,
                    version: self.version,
                    is_revoked: false,
                    is_gone: false,
                });
            }
            // No client has a token of the session.
            (Err(RefreshError::Repository(_)), Some(_)) => {}
            (begun, failed) => panic!("{begun:?} with {failed:?}"),
        }
    }

    /// Begins and stores a session, as a login does.
    async fn begin(&self, user: &auth_core::User) -> Result<IssuedTokens, RefreshError> {
        let issued = self.sessions.begin(&self.email, user).await?;
        self.flaky.start_session(&issued.session).await?;
        Ok(issued)
    }

    async fn refresh(&mut self, index: usize, generation: usize, fault: Fault) {
        let state = (self.version, self.is_disabled);
        let expected = self.accounts[index].expected(generation, self.clock.now(), state);
        let token = self.accounts[index].tokens[generation]
            .clone()
            .expect("seen");
        self.fail(fault);
        let refreshed = self.sessions.refresh(&self.flaky, &token).await;
        let failed = self.script.failed();
        let now = self.clock.now();
        let account = &mut self.accounts[index];
        // What the store did, whatever the client saw.
        if expected == Expected::Advance && is_done(&self.script, "advance_session") {
            account.generation += 1;
            account.rotated_at = now;
            account.idle_end = (now + RULES.idle_expiration).min(account.end);
            account.tokens.push(None);
        }
        if matches!(expected, Expected::Reuse { .. }) && is_done(&self.script, "revoke_session") {
            account.is_revoked = true;
        }
        match (refreshed, expected, failed) {
            (Ok(refreshed), Expected::Advance | Expected::Repeat, None) => {
                let successor = refreshed.refresh_token.expose().to_owned();
                // The newest token returns itself until the session may rotate again.
                if successor != token {
                    let first = self.successors.entry(token).or_insert(successor.clone());
                    assert_eq!(*first, successor, "two successors");
                }
                // A repeated step returns the newest token, whichever of the last two was presented.
                account.tokens[account.generation] = Some(successor);
                let access_token = refreshed.access_token.expose().to_owned();
                account.access_tokens.push(access_token);
            }
            (Err(RefreshError::Repository(_)), _, Some(_))
            | (
                Err(RefreshError::Invalid(InvalidRefreshToken::Reused { .. })),
                Expected::Reuse { .. },
                Some(("find_by_email" | "find_session", _)),
            ) => {}
            (Err(RefreshError::Invalid(why)), Expected::Reuse { .. } | Expected::Ended, None) => {
                let is_reported = matches!(why, InvalidRefreshToken::Reused { .. });
                let is_expected = expected == Expected::Reuse { is_reported: true };
                assert_eq!(is_reported, is_expected, "{why:?}");
            }
            (refreshed, expected, failed) => {
                panic!("{refreshed:?}, expected {expected:?}, {failed:?}")
            }
        }
    }

    async fn log_out(&mut self, index: usize, generation: usize, fault: Fault) {
        let token = self.accounts[index].tokens[generation]
            .clone()
            .expect("seen");
        self.fail(fault);
        let ended = self.sessions.end(&self.flaky, &token).await;
        assert_eq!(ended.is_ok(), self.script.failed().is_none(), "{ended:?}");
        self.accounts[index].is_revoked |= is_done(&self.script, "revoke_session");
    }

    async fn log_out_everywhere(&mut self, index: usize, generation: usize, fault: Fault) {
        let (now, account) = (self.clock.now(), &self.accounts[index]);
        let has_expired = account.is_gone || now >= account.idle_end || now >= account.end;
        let (token, version) = (
            account.tokens[generation].clone().expect("seen"),
            account.version,
        );
        self.fail(fault);
        let ended = self.sessions.end_all(&self.flaky, &token).await;
        // For an earlier version, there is nothing left to end.
        if is_done(&self.script, "end_sessions") && version == self.version {
            self.version += 1;
        }
        match (ended, self.script.failed()) {
            (Ok(_), None) => assert!(!has_expired),
            (Err(RefreshError::Invalid(_)), None) => assert!(has_expired),
            (Err(RefreshError::Repository(_)), Some(_)) => {}
            (ended, failed) => panic!("{ended:?} with {failed:?}"),
        }
    }

    async fn change(&mut self, change: UserChange, raise: u64) {
        if let UserChange::Disabled(disabled) = change {
            self.is_disabled = disabled;
        }
        self.version += raise;
        let changed = self.store.change_user(&self.email, change).await;
        assert_eq!(changed.expect("changed").version, self.version);
    }

    /// Every session is stored as its account says.
    async fn check_stored(&mut self) {
        let now = self.clock.now();
        self.latest = self.latest.max(now);
        for account in &mut self.accounts {
            let token = account.tokens[0]
                .as_deref()
                .expect("the token of the login");
            let found = self.store.find_session(&session_id(token)).await;
            let Some(found) = found.expect("a result") else {
                assert!(
                    self.latest >= account.idle_end,
                    "a live session was deleted"
                );
                account.is_gone = true;
                continue;
            };
            assert_eq!(found.revoked, account.is_revoked);
            assert_eq!(found.generation as usize, account.generation);
            assert_eq!(found.idle_expires_at, account.idle_end);
        }
    }

    /// An access token is accepted exactly as long as its session is live and it has not expired. A token of an
    /// ended session is never accepted.
    async fn check_access_tokens(&self) {
        let now = self.clock.now();
        for account in &self.accounts {
            let is_live = account.is_live(now, self.version) && !self.is_disabled;
            // The last two suffice: the guard treats all tokens of a session alike, except for their expiry.
            for token in account.access_tokens.iter().rev().take(2) {
                let mut headers = HeaderMap::new();
                let value = format!("Bearer {token}").parse().expect("a value");
                headers.insert("authorization", value);
                let accepted = self.bearer.authenticate_live(&headers, &self.store).await;
                match accepted {
                    Ok(user) => assert!(is_live, "{user:?} after the end"),
                    Err(LiveError::Ended) => assert!(!is_live, "a live session is refused"),
                    // The clock may be behind the one that issued the token.
                    Err(LiveError::Bearer(BearerError::Expired | BearerError::InvalidToken(_))) => {
                    }
                    Err(error) => panic!("{error}"),
                }
            }
        }
    }
}

/// Returns whether the store has executed a call, whether or not its response arrived.
fn is_done(script: &Script, call: &str) -> bool {
    script.calls().contains(&call)
        && script
            .failed()
            .is_none_or(|failed| failed.1 == Failure::Lost || failed.0 != call)
}
