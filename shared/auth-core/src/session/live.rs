//! The live level of guarding: a token is accepted only while its user and its session are valid.
//!
//! Start at [`JwtBearer::authenticate_live`]. The token level is [`JwtBearer::authenticate`].

use std::future::Future;

use http::HeaderMap;

use super::Session;
use crate::{
    bearer::JwtBearer,
    failure::LiveError,
    id::SessionId,
    repository::RepositoryError,
    user::{Email, Forbidden, User},
};

/// Reads what a live guard checks.
pub trait LiveRepository: Send + Sync {
    /// Finds the user of an address and a session in one step, even a disabled user and an ended session.
    ///
    /// # Errors
    ///
    /// [`RepositoryError`] if the store fails.
    fn find_user_and_session(
        &self,
        email: &Email,
        id: &SessionId,
    ) -> impl Future<Output = Result<(Option<User>, Option<Session>), RepositoryError>> + Send;
}

/// The user of a request, as stored now, with the session of the token. Only the live guard creates one, so a
/// function that has one as a parameter cannot be called without it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LiveUser {
    user: User,
    session: Session,
}

impl LiveUser {
    /// Returns the user as stored now.
    #[must_use]
    pub fn user(&self) -> &User {
        &self.user
    }

    /// Returns the session of the token.
    #[must_use]
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Checks that a role of the user has a permission now.
    ///
    /// # Errors
    ///
    /// [`Forbidden`] with the permission if none has it.
    pub fn require_permission(&self, permission: &str) -> Result<(), Forbidden> {
        let has_permission = self.user.permissions().contains(&permission);
        has_permission
            .then_some(())
            .ok_or_else(|| Forbidden::permission(permission))
    }

    /// Checks that the user has a role now.
    ///
    /// # Errors
    ///
    /// [`Forbidden`] if the user does not have it.
    pub fn require_role(&self, role: &str) -> Result<(), Forbidden> {
        let has_role = self.user.roles.iter().any(|own| own.name == role);
        has_role.then_some(()).ok_or(Forbidden { scope: None })
    }
}

impl JwtBearer {
    /// Checks the request's bearer token as [`JwtBearer::authenticate`] does, then the user and the session
    /// in the store. A logout, a detected theft, a new password and a disabled user take effect at once.
    ///
    /// # Errors
    ///
    /// [`LiveError`], which determines the response.
    pub async fn authenticate_live(
        &self,
        headers: &HeaderMap,
        store: &impl LiveRepository,
    ) -> Result<LiveUser, LiveError> {
        let token = self.authenticate(headers).await?;
        let email = Email::parse(token.email()).map_err(|_| LiveError::Ended)?;
        let find = || store.find_user_and_session(&email, token.session_id());
        let (Some(user), Some(session)) = (match find().await? {
            // Stores read both in one step, but not at one time: the user may have ended all other sessions in between,
            // which raises both versions.
            (Some(user), Some(session)) if user.version != session.user_version => find().await?,
            found => found,
        }) else {
            return Err(LiveError::Ended);
        };
        let is_live = user.id == token.id() && session.is_live_for(&user, self.now());
        is_live
            .then_some(LiveUser { user, session })
            .ok_or(LiveError::Ended)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use http::{HeaderValue, header::AUTHORIZATION};

    use super::*;
    use crate::{
        Algorithm, BearerError, Clock, Key, KeySet, Role, SessionRules, TokenIssuer, TokenSettings,
        UnixTime,
    };

    const NOW: UnixTime = UnixTime::from_secs(1_000_000);

    /// A store with a user and a session.
    #[derive(Clone)]
    struct Stored(Option<User>, Option<Session>);

    impl LiveRepository for Stored {
        async fn find_user_and_session(
            &self,
            _: &Email,
            _: &SessionId,
        ) -> Result<(Option<User>, Option<Session>), RepositoryError> {
            Ok((self.0.clone(), self.1.clone()))
        }
    }

    /// Ends all other sessions of a user after the user was read, and before the session is read, or the reverse.
    struct Torn(Mutex<Vec<(User, Session)>>);

    impl LiveRepository for Torn {
        async fn find_user_and_session(
            &self,
            _: &Email,
            _: &SessionId,
        ) -> Result<(Option<User>, Option<Session>), RepositoryError> {
            let (user, session) = self.0.lock().unwrap().pop().unwrap();
            Ok((Some(user), Some(session)))
        }
    }

    fn clock() -> Clock {
        Clock::from_fn(|| NOW)
    }

    fn keys() -> KeySet {
        let secret: Vec<u8> = (0..32).collect();
        Key::from_secret(&secret, Algorithm::HS256).unwrap().into()
    }

    fn stored() -> (User, Session) {
        let user = User {
            id: "1".into(),
            email: "a@b.c".into(),
            disabled: false,
            version: 7,
            roles: vec![Role {
                id: "1".into(),
                name: "Reader".into(),
                description: String::new(),
                permissions: vec!["read".into()],
            }],
        };
        let email = Email::parse(&user.email).unwrap();
        let session = Session::new(&email, &user, &SessionRules::default(), NOW).unwrap();
        (user, session)
    }

    /// Calls the guard with a token of the session, while the store contains what `change` makes of it.
    async fn authenticate(change: impl FnOnce(&mut Stored)) -> Result<LiveUser, LiveError> {
        let (user, session) = stored();
        let mut store = Stored(Some(user.clone()), Some(session.clone()));
        change(&mut store);
        authenticate_at(&store, &user, &session).await
    }

    async fn authenticate_at(
        store: &impl LiveRepository,
        user: &User,
        session: &Session,
    ) -> Result<LiveUser, LiveError> {
        let issuer = TokenIssuer::new(keys(), TokenSettings::default(), clock());
        let token = issuer.issue(user, &session.id, session.absolute_expires_at);
        let token = format!("Bearer {}", token.await.unwrap().expose());
        let headers =
            HeaderMap::from_iter([(AUTHORIZATION, HeaderValue::from_str(&token).unwrap())]);
        let bearer = JwtBearer::new(keys(), TokenSettings::default(), clock());
        bearer.authenticate_live(&headers, store).await
    }

    #[tokio::test]
    async fn a_session_whose_user_ends_all_others_meanwhile_is_accepted() {
        let (user, session) = stored();
        let later = (
            User {
                version: 8,
                ..user.clone()
            },
            Session {
                user_version: 8,
                ..session.clone()
            },
        );
        for torn in [
            (later.0.clone(), session.clone()),
            (user.clone(), later.1.clone()),
        ] {
            let store = Torn(Mutex::new(vec![later.clone(), torn]));
            let live = authenticate_at(&store, &user, &session).await;
            assert_eq!(live.unwrap().session().user_version, 8);
        }
    }

    #[tokio::test]
    async fn a_live_user_has_the_roles_as_stored_now() {
        let live = authenticate(|_| {}).await.unwrap();
        assert_eq!(live.session().user_id, live.user().id);
        assert_eq!(live.require_permission("read"), Ok(()));
        assert_eq!(
            live.require_permission("rea"),
            Err(Forbidden::permission("rea"))
        );
        assert_eq!(live.require_role("Reader"), Ok(()));
        assert_eq!(live.require_role("Admin"), Err(Forbidden { scope: None }));
        let live = authenticate(|Stored(user, _)| user.as_mut().unwrap().roles.clear()).await;
        assert!(live.unwrap().require_permission("read").is_err());
    }

    #[tokio::test]
    async fn a_valid_token_is_rejected_if_its_user_or_session_is_no_longer_valid() {
        let user =
            |change: fn(&mut User)| authenticate(move |stored| change(stored.0.as_mut().unwrap()));
        let session = |change: fn(&mut Session)| {
            authenticate(move |stored| change(stored.1.as_mut().unwrap()))
        };
        for (name, result) in [
            ("no user", authenticate(|stored| stored.0 = None).await),
            ("no session", authenticate(|stored| stored.1 = None).await),
            ("disabled", user(|user| user.disabled = true).await),
            ("another user", user(|user| user.id = "2".into()).await),
            (
                "a token of another user",
                authenticate(|Stored(user, session)| {
                    user.as_mut().unwrap().id = "2".into();
                    session.as_mut().unwrap().user_id = "2".into();
                })
                .await,
            ),
            ("signed out", user(|user| user.version += 1).await),
            ("revoked", session(|session| session.revoked = true).await),
            (
                "idle",
                session(|session| session.idle_expires_at = NOW).await,
            ),
            (
                "expired",
                session(|session| session.absolute_expires_at = NOW).await,
            ),
            (
                "another session's user",
                session(|session| session.user_id = "2".into()).await,
            ),
        ] {
            assert!(
                matches!(result, Err(LiveError::Ended)),
                "{name}: {result:?}"
            );
        }
    }

    #[tokio::test]
    async fn a_token_that_is_not_valid_is_rejected_before_the_store_is_read() {
        let bearer = JwtBearer::new(keys(), TokenSettings::default(), clock());
        let (headers, store) = (HeaderMap::new(), Stored(None, None));
        assert!(matches!(
            bearer.authenticate_live(&headers, &store).await,
            Err(LiveError::Bearer(BearerError::NotAuthenticated))
        ));
    }
}
