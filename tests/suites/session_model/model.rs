//! The model of one user: takes steps, and compares every answer and everything stored with its books.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use auth_core::{
    Algorithm, Clock, Email, InvalidRefreshToken, Key, KeySet, RefreshError, Sessions, TokenIssuer,
    TokenSettings, UserChange,
};
use bundle_tests::{
    app::NOW,
    flaky::{Failure, Flaky, Script, flaky},
    repository_suite::user,
    session_suite::session_id,
    stores::{Attempts, SessionStore, Users},
};
use login::Stores;
use proptest::sample::Index;

use crate::{
    book::{Book, Expected, RULES},
    steps::{Fault, Step},
};

pub(crate) struct Model<U, S, A> {
    stores: Stores<U, S, A>,
    script: Script,
    users: Flaky<U>,
    sessions: Sessions<Flaky<S>>,
    email: Email,
    time: Arc<AtomicU64>,
    version: u64,
    is_disabled: bool,
    /// The latest time that there was.
    latest: u64,
    books: Vec<Book>,
    /// The successor of each token, whoever asked.
    successors: HashMap<String, String>,
}

impl<U: Users, S: SessionStore, A: Attempts> Model<U, S, A> {
    pub(crate) async fn new(stores: Stores<U, S, A>, email: &str) -> Self {
        stores.users.add(&user("1", email)).await.expect("added");
        let script = Script::default();
        let key = |first: u8| {
            let secret: Vec<u8> = (first..first + 32).collect();
            KeySet::from(Key::from_secret(&secret, Algorithm::HS256).expect("a key"))
        };
        let time = Arc::new(AtomicU64::new(NOW));
        let clock = || {
            let time = Arc::clone(&time);
            Clock::from_fn(move || time.load(Ordering::Relaxed))
        };
        let issuer = TokenIssuer::new(key(0), TokenSettings::default(), clock());
        let under_script = flaky(stores.clone(), &script);
        Self {
            users: under_script.users,
            sessions: Sessions::new(under_script.sessions, key(32), issuer, RULES, clock()),
            stores,
            script,
            email: Email::parse(email).expect("an address"),
            time,
            version: 0,
            is_disabled: false,
            latest: NOW,
            books: Vec::new(),
            successors: HashMap::new(),
        }
    }

    fn now(&self) -> u64 {
        self.time.load(Ordering::Relaxed)
    }

    pub(crate) async fn run(&mut self, step: &Step) {
        match step {
            Step::Login(fault) => self.login(*fault).await,
            Step::Refresh(which, fault) => {
                if let Some((book, generation)) = self.newest(*which) {
                    self.refresh(book, generation, *fault).await;
                }
            }
            Step::Replay(which, fault) => {
                if let Some((book, generation)) = self.any(*which) {
                    self.refresh(book, generation, *fault).await;
                }
            }
            Step::Logout(which, fault) => {
                if let Some((book, generation)) = self.any(*which) {
                    self.log_out(book, generation, *fault).await;
                }
            }
            Step::LogoutEverywhere(which, fault) => {
                if let Some((book, generation)) = self.any(*which) {
                    self.log_out_everywhere(book, generation, *fault).await;
                }
            }
            Step::Disable => self.change(UserChange::Disabled(true), 1).await,
            Step::Enable => self.change(UserChange::Disabled(false), 0).await,
            Step::NewPassword => {
                let hash = user("1", "a@b.c").password_hash;
                self.change(UserChange::Password(hash), 1).await;
            }
            Step::Pass(seconds) => {
                self.time.fetch_add(*seconds, Ordering::Relaxed);
            }
            Step::Back(seconds) => {
                self.time.fetch_sub(*seconds, Ordering::Relaxed);
            }
        }
        self.script.reset();
        self.check_stored().await;
    }

    /// A token that its client has seen last.
    fn newest(&self, which: Index) -> Option<(usize, usize)> {
        let book = (!self.books.is_empty()).then(|| which.index(self.books.len()))?;
        let seen = self.books[book].tokens.iter().rposition(Option::is_some)?;
        Some((book, seen))
    }

    /// A token that some client has seen at any time.
    fn any(&self, which: Index) -> Option<(usize, usize)> {
        let seen: Vec<(usize, usize)> = self
            .books
            .iter()
            .enumerate()
            .flat_map(|(book, kept)| {
                let tokens = kept.tokens.iter().enumerate();
                let seen = tokens.filter(|(_, token)| token.is_some());
                seen.map(move |(generation, _)| (book, generation))
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
        let found = self.stores.users.find_by_email(&self.email).await;
        let found = found.expect("an answer").expect("the user");
        self.fail(fault);
        let begun = self.sessions.begin(&self.email, &found).await;
        match (begun, self.script.failed()) {
            (Ok(begun), None) => {
                let now = self.now();
                self.books.push(Book {
                    tokens: vec![Some(begun.tokens.refresh_token.expose().to_owned())],
                    generation: 0,
                    rotated_at: now,
                    idle_end: now + RULES.idle_expiration,
                    end: now + RULES.expiration,
                    version: self.version,
                    is_revoked: false,
                    is_gone: false,
                });
            }
            // A session that nobody has a token of.
            (Err(RefreshError::Repository(_)), Some(_)) => {}
            (begun, failed) => panic!("{begun:?} with {failed:?}"),
        }
    }

    async fn refresh(&mut self, book: usize, generation: usize, fault: Fault) {
        let state = (self.version, self.is_disabled);
        let expected = self.books[book].expected(generation, self.now(), state);
        let token = self.books[book].tokens[generation].clone().expect("seen");
        self.fail(fault);
        let refreshed = self.sessions.refresh(&self.users, &token).await;
        let failed = self.script.failed();
        let now = self.now();
        let kept = &mut self.books[book];
        // What the store did, whatever the client was told.
        if expected == Expected::Advance && is_done(&self.script, "advance") {
            kept.generation += 1;
            kept.rotated_at = now;
            kept.idle_end = (now + RULES.idle_expiration).min(kept.end);
            kept.tokens.push(None);
        }
        if expected == Expected::Replay && is_done(&self.script, "revoke") {
            kept.is_revoked = true;
        }
        match (refreshed, expected, failed) {
            (Ok(refreshed), Expected::Advance | Expected::Repeat, None) => {
                let successor = refreshed.tokens.refresh_token.expose().to_owned();
                let first = self
                    .successors
                    .entry(token)
                    .or_insert_with(|| successor.clone());
                assert_eq!(*first, successor, "two successors");
                kept.tokens[generation + 1] = Some(successor);
            }
            (Err(RefreshError::Repository(_)), _, Some(_))
            | (
                Err(RefreshError::Invalid(InvalidRefreshToken::Reused(_))),
                Expected::Replay,
                None,
            ) => {}
            (Err(RefreshError::Invalid(why)), Expected::Dead, None) => {
                assert!(!matches!(why, InvalidRefreshToken::Reused(_)), "no replay");
            }
            (refreshed, expected, failed) => {
                panic!("{refreshed:?}, expected {expected:?}, {failed:?}")
            }
        }
    }

    async fn log_out(&mut self, book: usize, generation: usize, fault: Fault) {
        let token = self.books[book].tokens[generation].clone().expect("seen");
        self.fail(fault);
        let ended = self.sessions.end(&token).await;
        assert_eq!(ended.is_ok(), self.script.failed().is_none(), "{ended:?}");
        self.books[book].is_revoked |= is_done(&self.script, "revoke");
    }

    async fn log_out_everywhere(&mut self, book: usize, generation: usize, fault: Fault) {
        let (now, kept) = (self.now(), &self.books[book]);
        let is_live = kept.is_live(now, kept.version);
        let age = now.saturating_sub(kept.rotated_at);
        let is_repeat = kept.generation - generation == 1 && age <= RULES.grace;
        let is_replay = is_live && kept.generation != generation && !is_repeat;
        let (token, version) = (kept.tokens[generation].clone().expect("seen"), kept.version);
        self.fail(fault);
        let ended = self.sessions.end_all(&self.users, &token).await;
        self.books[book].is_revoked |= is_replay && is_done(&self.script, "revoke");
        // Of a version that has passed there is nothing left to end.
        if is_done(&self.script, "end_sessions") && version == self.version {
            self.version += 1;
        }
        match (ended, self.script.failed()) {
            (Ok(_), None) => assert!(is_live && !is_replay),
            (Err(RefreshError::Invalid(why)), None) => {
                let is_reused = matches!(why, InvalidRefreshToken::Reused(_));
                assert_eq!(is_reused, is_replay, "{why}");
                assert!(!is_live || is_replay, "{why}");
            }
            (Err(RefreshError::Repository(_)), Some(_)) => {}
            (ended, failed) => panic!("{ended:?} with {failed:?}"),
        }
    }

    async fn change(&mut self, change: UserChange, raise: u64) {
        if let UserChange::Disabled(disabled) = change {
            self.is_disabled = disabled;
        }
        self.version += raise;
        let changed = self.stores.users.change(&self.email, change).await;
        assert_eq!(changed.expect("changed").version, self.version);
    }

    /// Every session is stored as the book has it.
    async fn check_stored(&mut self) {
        let now = self.now();
        self.latest = self.latest.max(now);
        for kept in &mut self.books {
            let token = kept.tokens[0].as_deref().expect("of the login");
            let found = self.stores.sessions.find(&session_id(token)).await;
            let Some(found) = found.expect("an answer") else {
                assert!(self.latest >= kept.idle_end, "a live session is gone");
                kept.is_gone = true;
                continue;
            };
            assert_eq!(found.revoked, kept.is_revoked);
            assert_eq!(found.generation as usize, kept.generation);
            assert_eq!(found.idle_expires_at, kept.idle_end);
        }
    }
}

/// Whether the store did what a call asked for, whether or not its answer came.
fn is_done(script: &Script, call: &str) -> bool {
    script.calls().contains(&call)
        && script
            .failed()
            .is_none_or(|failed| failed.1 == Failure::Lost || failed.0 != call)
}
