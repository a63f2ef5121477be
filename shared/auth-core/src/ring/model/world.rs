//! Processes that sign with cached keys, the tokens that must be accepted, and the runs that change the keys.

use std::{
    collections::{BTreeMap, BTreeSet},
    pin::{Pin, pin},
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker},
    time::Duration,
};

use super::connection::{Connection, Kill, Slot, Stores};
use crate::{
    key::{Algorithm, PrivateJwk},
    ring::{
        KeyChangeError, KeyKeeper, KeyRing, KeyRules, KeyState, PrivateKeyRepository, PublishedKey,
        PublishedKeys, RotateWhen, STANDBY_AGE,
    },
    time::{Clock, UnixTime},
};

const MINUTE: Duration = Duration::from_mins(1);

const RULES: KeyRules = KeyRules {
    algorithm: Algorithm::EdDSA,
    expiration: Duration::from_hours(1),
};

/// How long a process signs with keys that it cannot read again, and after which it reads them again.
const MAX_AGE: Duration = Duration::from_hours(24);
const REFRESH_AGE: Duration = Duration::from_mins(15);

/// The clocks of runs are wrong by at most half an hour, so two of them differ by at most an hour.
const CLOCK_ERROR: Duration = Duration::from_hours(1);

/// A change of the keys.
#[derive(Debug, Clone)]
pub(super) enum Run {
    Repair,
    Rotate(RotateWhen),
    /// Of the active key, the standby, another published key, one that is revoked already, or an unknown one.
    Revoke(usize),
    RevokeKid(String),
    Import,
    /// The first step of a rotation whose ring is stored as a pending version.
    Stage,
    /// The last steps of that rotation.
    Finish,
}

/// Runs to the end.
fn block_on<T>(run: impl Future<Output = T>) -> T {
    let (mut run, mut context) = (pin!(run), Context::from_waker(Waker::noop()));
    loop {
        if let Poll::Ready(output) = run.as_mut().poll(&mut context) {
            return output;
        }
    }
}

/// A process that signs with keys that it has cached.
#[derive(Debug, Clone)]
struct Signer {
    ring: KeyRing,
    read_at: UnixTime,
}

/// A token that has not expired.
#[derive(Debug)]
struct Token {
    kid: String,
    expires_at: UnixTime,
}

type Outcome = Result<KeyState, KeyChangeError>;

/// Everything, and what has been promised.
pub(super) struct World {
    stores: Arc<Mutex<Stores>>,
    now: UnixTime,
    signers: [Option<Signer>; 3],
    tokens: Vec<Token>,
    is_outage: bool,
    /// Whether the table was restored and no run has succeeded since.
    is_restored: bool,
    /// The keys whose revocation was reported as done.
    revoked: BTreeSet<String>,
    /// The keys that a restored table has lost and the ring does not have.
    lost: BTreeSet<String>,
    /// Since when each key has been public without a break.
    public_since: BTreeMap<String, UnixTime>,
    pending: Arc<Mutex<Option<KeyRing>>>,
}

impl World {
    pub(super) fn new() -> Self {
        Self {
            stores: Arc::new(Mutex::new(Stores {
                ring: Slot::new(),
                published: Slot::new(),
                history: vec![],
            })),
            now: UnixTime::from_secs(1_800_000_000),
            signers: [const { None }; 3],
            tokens: vec![],
            is_outage: false,
            is_restored: false,
            revoked: BTreeSet::new(),
            lost: BTreeSet::new(),
            public_since: BTreeMap::new(),
            pending: Arc::default(),
        }
    }

    pub(super) fn ring(&self) -> Option<KeyRing> {
        self.stores.lock().unwrap().ring.value.clone()
    }

    pub(super) fn published(&self) -> PublishedKeys {
        let published = self.stores.lock().unwrap().published.value.clone();
        published.unwrap_or_default()
    }

    /// Returns the key that a run revokes.
    pub(super) fn victim(&self, choice: usize) -> String {
        let published = self.published();
        let ring = self.ring();
        let revoked = ring.iter().flat_map(|ring| ring.revoked().iter().cloned());
        let mut kids: Vec<String> = published
            .iter()
            .map(|key| key.jwk().kid().to_owned())
            .chain(revoked)
            .collect();
        kids.push("unknown".into());
        kids.swap_remove(choice % kids.len())
    }

    /// Names the key that a run revokes; empty if it revokes none.
    fn name_victim(&self, run: &Run) -> String {
        match run {
            Run::Revoke(choice) => self.victim(*choice),
            Run::RevokeKid(kid) => kid.clone(),
            Run::Repair | Run::Rotate(_) | Run::Import | Run::Stage | Run::Finish => String::new(),
        }
    }

    /// Starts a run with a clock that is wrong by some minutes.
    fn start(
        &self,
        run: &Run,
        victim: String,
        kill: Option<Kill>,
        clock_error: i64,
    ) -> Pin<Box<dyn Future<Output = Outcome>>> {
        let stores = Connection::new(&self.stores, kill);
        let (now, pending) = (self.skewed(clock_error), Arc::clone(&self.pending));
        let (run, clock) = (run.clone(), Clock::from_fn(move || now));
        let keeper = KeyKeeper::new(stores.clone(), stores.clone(), RULES, clock);
        Box::pin(async move {
            match run {
                Run::Repair => keeper.repair().await,
                Run::Rotate(when) => keeper.rotate(when).await,
                Run::Revoke(_) | Run::RevokeKid(_) => keeper.revoke(&victim).await,
                Run::Import => {
                    let key = PrivateJwk::generate(RULES.algorithm).unwrap();
                    keeper.import(&key).await
                }
                Run::Stage => stage(&keeper, &stores, &pending).await,
                Run::Finish => finish(&keeper, &stores, &pending).await,
            }
        })
    }

    fn skewed(&self, clock_error: i64) -> UnixTime {
        let seconds = self.now.as_secs().checked_add_signed(clock_error * 60);
        UnixTime::from_secs(seconds.unwrap())
    }

    /// Makes one run. Returns whether it succeeded.
    pub(super) fn run(&mut self, run: &Run, kill: Option<Kill>, clock_error: i64) -> bool {
        let (victim, before) = (self.name_victim(run), self.ring());
        let outcome = block_on(self.start(run, victim.clone(), kill, clock_error));
        // A staged rotation changes neither set.
        if outcome.is_ok() && !matches!(run, Run::Stage) {
            let (state, now) = (self.state(), self.skewed(clock_error));
            if let Some(ring) = &state.ring {
                let complete = RULES.covering(&state, &[ring], now);
                assert_eq!(complete, state.published);
            }
            self.is_restored = false;
        }
        self.record(run, &outcome, victim, before.as_ref());
        self.remember_public(&self.published());
        outcome.is_ok()
    }

    /// Makes two runs whose calls alternate as `order` says, then as they come.
    pub(super) fn run_two(&mut self, one: &Run, two: &Run, order: &[bool], clock_error: i64) {
        let before = self.ring();
        let [victim, other] = [one, two].map(|run| self.name_victim(run));
        let first = self.start(one, victim.clone(), None, clock_error);
        let second = self.start(two, other.clone(), None, -clock_error);
        let (mut runs, mut outcomes) = ([Some(first), Some(second)], [None, None]);
        let mut context = Context::from_waker(Waker::noop());
        let mut order = order.iter().map(|is_second| usize::from(*is_second));
        while outcomes.iter().any(Option::is_none) {
            let preferred = order.next().unwrap_or_default();
            let index = if runs[preferred].is_some() {
                preferred
            } else {
                1 - preferred
            };
            let run = runs[index].as_mut().unwrap();
            if let Poll::Ready(outcome) = run.as_mut().poll(&mut context) {
                outcomes[index] = Some(outcome);
                runs[index] = None;
            }
        }
        let [first, second] = outcomes.map(Option::unwrap);
        let is_repaired =
            |run: &Run, outcome: &Outcome| !matches!(run, Run::Stage) && outcome.is_ok();
        self.is_restored &= !is_repaired(one, &first) && !is_repaired(two, &second);
        self.record(one, &first, victim, before.as_ref());
        self.record(two, &second, other, before.as_ref());
    }

    /// Remembers what a run has promised, and checks what it needs.
    fn record(&mut self, run: &Run, outcome: &Outcome, victim: String, before: Option<&KeyRing>) {
        match run {
            _ if outcome.is_err() => {}
            Run::Revoke(_) | Run::RevokeKid(_) => {
                self.revoked.insert(victim);
            }
            Run::Rotate(RotateWhen::Ready) => self.check_standby_age(before),
            Run::Rotate(RotateWhen::Now) | Run::Repair | Run::Import | Run::Stage | Run::Finish => {
            }
        }
    }

    fn check_standby_age(&self, before: Option<&KeyRing>) {
        let Some(standby) = before.and_then(KeyRing::standby) else {
            return;
        };
        let is_active = self.ring().is_some_and(|ring| ring.active() == standby);
        if is_active && !self.is_restored {
            let since = self.public_since.get(standby.kid());
            let public_for = self.now.since(*since.expect("public"));
            assert!(public_for + CLOCK_ERROR >= STANDBY_AGE, "{public_for:?}");
        }
    }

    fn state(&self) -> KeyState {
        KeyState {
            ring: self.ring(),
            published: self.published(),
        }
    }

    pub(super) fn wait(&mut self, minutes: u64) {
        self.now = self.now + MINUTE * u32::try_from(minutes).unwrap();
        let now = self.now;
        self.tokens.retain(|token| now < token.expires_at);
    }

    pub(super) fn outage(&mut self, begins: bool) {
        self.is_outage = begins;
    }

    /// Signs a token in a process, with its cached keys while it cannot or need not read them.
    pub(super) fn sign(&mut self, index: usize) {
        let (now, ring) = (self.now, self.ring());
        let signer = &mut self.signers[index];
        let is_due = signer
            .as_ref()
            .is_none_or(|signer| now.since(signer.read_at) >= REFRESH_AGE);
        if is_due && !self.is_outage {
            *signer = ring.map(|ring| Signer { ring, read_at: now });
        }
        let usable = signer
            .as_ref()
            .filter(|signer| now.since(signer.read_at) < MAX_AGE);
        if let Some(signer) = usable {
            self.tokens.push(Token {
                kid: signer.ring.active().kid().to_owned(),
                expires_at: now + RULES.expiration,
            });
        }
    }

    /// Restores the table to what it was some writes ago. What it then lacks, and the ring does not have, is lost.
    pub(super) fn restore(&mut self, back: usize) {
        let (ring, published, now) = (self.ring(), self.published(), self.now);
        let mut stores = self.stores.lock().unwrap();
        let index = stores.history.len().checked_sub(1 + back);
        let Some(restored) = index.map(|index| stores.history[index].clone()) else {
            return;
        };
        let kept_until = |keys: &PublishedKeys, kid: &str| {
            let key = keys.find(kid).filter(|key| key.is_usable(now));
            key.map_or(UnixTime::default(), |key| {
                key.until().unwrap_or(UnixTime::from_secs(u64::MAX))
            })
        };
        for key in published.iter() {
            let kid = key.jwk().kid();
            let is_kept = kept_until(&restored, kid) >= kept_until(&published, kid);
            if !is_kept && !ring.as_ref().is_some_and(|ring| ring.contains(kid)) {
                self.lost.insert(kid.to_owned());
            }
        }
        // No one can know how long the restored table was away.
        self.public_since = restored
            .usable(now)
            .map(|key| (key.jwk().kid().to_owned(), key.published_at()))
            .collect();
        stores.published.value = Some(restored);
        stores.published.version += 1;
        self.is_restored = true;
    }

    /// Checks what must be true after every step.
    pub(super) fn check(&mut self) {
        let (published, now) = (self.published(), self.now);
        self.remember_public(&published);
        let Some(ring) = self.ring() else {
            return;
        };
        for kid in &self.revoked {
            assert!(!ring.contains(kid), "the revoked {kid} is in the ring");
            let is_public = published.find(kid).is_some();
            assert!(
                !is_public || self.is_restored,
                "the revoked {kid} is public"
            );
        }
        if self.is_restored {
            return;
        }
        let active = published.find(ring.active().kid());
        let active = active.expect("the active key is public");
        assert_eq!(active.until(), None, "the active key stays public");
        let latest = now + RULES.retention() + CLOCK_ERROR;
        let ends = published.iter().filter_map(PublishedKey::until);
        assert!(
            ends.max().is_none_or(|end| end <= latest),
            "a key disappears"
        );
        for token in &self.tokens {
            let kid = &token.kid;
            let is_known = published.find(kid).is_some_and(|key| key.is_usable(now));
            let may_be_refused = ring.revoked().contains(kid) || self.lost.contains(kid);
            assert!(is_known || may_be_refused, "a token of {kid} is refused");
        }
    }

    /// A run whose clock is late may publish a key again that has just ended, which is not a break.
    fn remember_public(&mut self, published: &PublishedKeys) {
        let (now, late) = (self.now, self.now - CLOCK_ERROR / 2);
        let usable: BTreeSet<&str> = published.usable(late).map(|key| key.jwk().kid()).collect();
        self.public_since
            .retain(|kid, _| usable.contains(kid.as_str()));
        for kid in usable {
            self.public_since.entry(kid.to_owned()).or_insert(now);
        }
    }
}

/// Stores the ring of a rotation as pending, unless one with the current parent is.
async fn stage(
    keeper: &KeyKeeper<Connection, Connection>,
    stores: &Connection,
    pending: &Mutex<Option<KeyRing>>,
) -> Outcome {
    let current = stores.load_ring().await.map_err(KeyChangeError::Private)?;
    let is_current = |ring: &KeyRing| ring.derived_from() == current.version.as_deref();
    if !pending.lock().unwrap().as_ref().is_some_and(is_current) {
        let ring = keeper.prepare(RotateWhen::Ready).await?;
        *pending.lock().unwrap() = Some(ring);
    }
    keeper.load().await
}

/// Publishes a pending ring, then makes it the current one if its parent is current.
async fn finish(
    keeper: &KeyKeeper<Connection, Connection>,
    stores: &Connection,
    pending: &Mutex<Option<KeyRing>>,
) -> Outcome {
    let Some(ring) = pending.lock().unwrap().clone() else {
        return keeper.publish(None).await;
    };
    let current = stores.load_ring().await.map_err(KeyChangeError::Private)?;
    if current.version.as_deref() != ring.derived_from() {
        *pending.lock().unwrap() = None;
        return keeper.publish(None).await;
    }
    keeper.publish(Some(&ring)).await?;
    let replaced = stores.replace_ring(ring.derived_from(), &ring).await;
    if !replaced.map_err(KeyChangeError::Private)? {
        return Err(KeyChangeError::Conflict);
    }
    *pending.lock().unwrap() = None;
    keeper.publish(None).await
}
