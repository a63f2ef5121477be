//! The effects of acts on the model, given their outcomes.

use auth_core::{LiveUser, UnixTime};
use bundle_tests::store::TestStore;

use super::{Begun, Outcome, Verdict};
use crate::account_model::{
    expected::{Effect, HOLD, Model},
    world::World,
};

impl<S: TestStore> World<S> {
    /// Returns how an act with this outcome can have changed a model; nothing if it cannot have this outcome.
    pub(super) fn after(
        &self,
        model: &Model,
        act: &Begun,
        outcome: &Outcome,
        now: UnixTime,
    ) -> Vec<Model> {
        let mut changed = model.clone();
        let effect = self.effect(&mut changed, act, outcome, now);
        match (outcome.verdict, effect) {
            (Verdict::Done, Effect::New) => vec![changed],
            (Verdict::Unknown, Effect::New) => vec![changed, model.clone()],
            (Verdict::Refused, Effect::New | Effect::Repeat) | (Verdict::Done, Effect::None) => {
                vec![]
            }
            (_, Effect::Repeat | Effect::None) => vec![model.clone()],
        }
    }

    /// Applies an act to a model, and returns its effect.
    fn effect(&self, model: &mut Model, act: &Begun, outcome: &Outcome, now: UnixTime) -> Effect {
        match act {
            Begun::Use { index, new } => self.effect_of_link(model, (*index, *new), outcome, now),
            Begun::ChangePassword {
                session,
                caller,
                current,
                new,
            } => effect_of_password(model, (*session, caller), (*current, *new), now),
            Begun::EndSession { caller, ended } => {
                let session = &mut model.sessions[*ended];
                let is_own = session.user_id == caller.user().id;
                session.is_revoked |= is_own;
                if is_own { Effect::New } else { Effect::None }
            }
            Begun::EndOthers { session, caller } => {
                if is_current(model, *session, caller, now) {
                    model.end_others(*session);
                    return Effect::New;
                }
                // If the session is live at another version, another request in it has ended the others.
                let is_live = model.is_live(*session, now);
                if is_live {
                    Effect::Repeat
                } else {
                    Effect::None
                }
            }
            Begun::Delete {
                session, caller, ..
            } => effect_of_deletion(model, *session, caller, now),
            Begun::Login { at, password } => effect_of_login(model, (*at, *password), outcome),
            Begun::Refresh { session } => effect_of_refresh(model, *session, outcome, now),
            Begun::Operate { at, operation } => {
                let Some(id) = model.user_at(*at).map(|(id, _)| id.clone()) else {
                    return Effect::None;
                };
                model.operate(&id, *operation, now);
                Effect::New
            }
        }
    }

    fn effect_of_link(
        &self,
        model: &mut Model,
        (index, new): (usize, usize),
        outcome: &Outcome,
        now: UnixTime,
    ) -> Effect {
        let effect = model.effect(index, new, now);
        if effect != Effect::New {
            return effect;
        }
        let (id, version) = match (&outcome.added, model.links[index].work.user_id()) {
            (_, Some(id)) => (id.to_owned(), 0),
            (Some((id, version)), None) if !model.users.contains_key(id) => (id.clone(), *version),
            // It has added no user.
            (_, None) if outcome.verdict == Verdict::Unknown => return Effect::None,
            (_, None) => return Effect::New,
        };
        model.apply_link(index, new, (&id, version), self.roles(index), now);
        Effect::New
    }
}

/// Returns whether the session of a caller is live, and has not changed since the guard accepted the caller.
fn is_current(model: &Model, session: usize, caller: &LiveUser, now: UnixTime) -> bool {
    model.is_live(session, now) && model.sessions[session].version == caller.session().user_version
}

fn effect_of_password(
    model: &mut Model,
    (session, caller): (usize, &LiveUser),
    (current, new): (usize, usize),
    now: UnixTime,
) -> Effect {
    let has_password = |password| model.users[&caller.user().id].password == Some(password);
    if is_current(model, session, caller, now) && has_password(current) {
        model.set_password(session, new);
        return Effect::New;
    }
    let is_own = has_password(new) && model.owner(session).last_session == Some(session);
    if is_own { Effect::Repeat } else { Effect::None }
}

fn effect_of_deletion(
    model: &mut Model,
    session: usize,
    caller: &LiveUser,
    now: UnixTime,
) -> Effect {
    let id = &caller.user().id;
    if is_current(model, session, caller, now) && model.is_settled(id, now) {
        model.leave(id, now, now + HOLD, Some(session));
        return Effect::New;
    }
    let left = model.left[model.sessions[session].at].as_ref();
    let is_own = left.is_some_and(|left| left.by == Some(session));
    if is_own { Effect::Repeat } else { Effect::None }
}

/// Applies a login. One that has read an earlier version of the user counts as an earlier login.
fn effect_of_login(model: &mut Model, (at, text): (usize, usize), outcome: &Outcome) -> Effect {
    let Some((id, user)) = model.user_at(at) else {
        return Effect::None;
    };
    let is_right = !user.is_disabled && user.password == Some(text);
    match &outcome.begun {
        None if is_right => Effect::New,
        Some(begun) if is_right && begun.user_id == *id && begun.version == user.version => {
            model.sessions.push(begun.clone());
            Effect::New
        }
        _ => Effect::None,
    }
}

fn effect_of_refresh(
    model: &mut Model,
    session: usize,
    outcome: &Outcome,
    now: UnixTime,
) -> Effect {
    if !model.is_live(session, now) {
        return Effect::None;
    }
    if let Some(refreshed) = &outcome.refreshed {
        model.sessions[session].issued = refreshed.clone();
    }
    Effect::New
}
