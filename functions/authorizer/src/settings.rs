//! The settings of the function.

use std::collections::BTreeMap;

use auth_core::{KeyUse, Settings, SettingsError, SettingsReader, is_scope_token, parse_json};
use serde_json::Value;

/// How much of a token is checked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Level {
    /// Signature, claims and times. A token is accepted until it expires.
    Token,
    /// The user and the session in the store too. A token is accepted until its session ends.
    Live,
}

impl Level {
    fn parse(name: &str) -> Result<Self, String> {
        match name {
            "token" => Ok(Self::Token),
            "live" => Ok(Self::Live),
            _ => Err("must be token or live".into()),
        }
    }
}

/// The key of all routes that are not listed.
const OTHERS: &str = "*";

/// The permissions that routes need, by the keys of the routes. A route that is not listed needs the permission of `*`,
/// or only a valid token if that is not listed either.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteScopes(BTreeMap<String, String>);

impl RouteScopes {
    /// Parses a JSON object such as `{"GET /orders":"read"}`. The error repeats no key, because a rejected value may
    /// be anything.
    fn parse(text: &str) -> Result<Self, String> {
        let Ok(Value::Object(members)) = parse_json(text.as_bytes()) else {
            return Err("must be a JSON object without repeated members".into());
        };
        let mut scopes = BTreeMap::new();
        for (key, permission) in members {
            if !is_route_key(&key) {
                return Err(
                    "each member must be a route key: $default, $connect, a method and a path such as GET /orders, or *"
                        .into(),
                );
            }
            match permission {
                Value::String(permission) if is_scope_token(&permission) => {
                    scopes.insert(key, permission);
                }
                _ => {
                    return Err("each value must be one permission, a string without spaces".into());
                }
            }
        }
        Ok(Self(scopes))
    }

    /// Returns whether no route needs a permission.
    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns the permissions of a route that is known by any of these keys.
    pub(crate) fn required(&self, keys: &[String]) -> Vec<&String> {
        let listed: Vec<&String> = keys.iter().filter_map(|key| self.0.get(key)).collect();
        if listed.is_empty() {
            return self.0.get(OTHERS).into_iter().collect();
        }
        listed
    }
}

/// Checks for a key as API Gateway writes it. Otherwise a typo such as `get /orders` would leave a route open.
fn is_route_key(key: &str) -> bool {
    const METHODS: [&str; 8] = [
        "ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT",
    ];
    match key.split_once(' ') {
        None => ["$default", "$connect", OTHERS].contains(&key),
        Some((method, path)) => {
            let is_path = path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic());
            METHODS.contains(&method) && is_path
        }
    }
}

/// The settings of the function.
#[derive(Debug, Clone)]
pub struct AuthorizerSettings {
    /// The settings that every function reads.
    pub common: Settings,
    /// How much of a token is checked.
    pub level: Level,
    /// The permissions that routes need.
    pub scopes: RouteScopes,
}

impl AuthorizerSettings {
    /// Reads the settings.
    ///
    /// # Errors
    ///
    /// [`SettingsError`] with all problems.
    pub fn read(mut reader: SettingsReader) -> Result<Self, SettingsError> {
        let common = Settings::read(&mut reader, KeyUse::Verify);
        let level = reader.optional("AUTHORIZER_LEVEL", Level::Live, Level::parse);
        let scopes = reader.optional(
            "AUTHORIZER_SCOPES",
            RouteScopes::default(),
            RouteScopes::parse,
        );
        let settings = common.zip(level.zip(scopes));
        let settings = settings.map(|(common, (level, scopes))| Self {
            common,
            level,
            scopes,
        });
        reader.finish(settings)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scopes_are_found_by_each_key_of_a_route() {
        let scopes = RouteScopes::parse(
            r#"{"GET /orders":"read","ANY /orders":"use","$connect":"chat","POST /a/{id}":"x:y"}"#,
        );
        let scopes = scopes.unwrap();
        for (keys, permissions) in [
            (vec!["GET /orders", "ANY /orders"], vec!["read", "use"]),
            (vec!["POST /orders", "ANY /orders"], vec!["use"]),
            (vec!["$connect"], vec!["chat"]),
            (vec!["POST /a/{id}"], vec!["x:y"]),
            (vec!["GET /other"], vec![]),
        ] {
            assert_eq!(required(&scopes, &keys), permissions, "{keys:?}");
        }
        assert!(RouteScopes::parse("{}").unwrap().is_empty());
    }

    #[test]
    fn a_star_is_for_all_routes_that_are_not_listed() {
        let scopes = RouteScopes::parse(r#"{"GET /orders":"read","*":"admin"}"#).unwrap();
        assert_eq!(required(&scopes, &["ANY /orders", "GET /orders"]), ["read"]);
        for keys in [
            ["ANY /{proxy+}", "GET /{proxy+}"].as_slice(),
            &["ANY /orders", "POST /orders"],
            &["$default"],
        ] {
            assert_eq!(required(&scopes, keys), ["admin"], "{keys:?}");
        }
    }

    fn required(scopes: &RouteScopes, keys: &[&str]) -> Vec<String> {
        let keys: Vec<String> = keys.iter().map(ToString::to_string).collect();
        scopes.required(&keys).into_iter().cloned().collect()
    }

    #[test]
    fn anything_but_route_keys_with_one_permission_is_rejected() {
        for text in [
            "",
            "read",
            "[]",
            r#""GET /orders""#,
            r#"{"GET /orders":"read","GET /orders":"write"}"#,
            r#"{"get /orders":"read"}"#,
            r#"{"GET orders":"read"}"#,
            r#"{"GET  /orders":"read"}"#,
            r#"{"GET /orders ":"read"}"#,
            r#"{"/orders":"read"}"#,
            r#"{"FETCH /orders":"read"}"#,
            r#"{"$disconnect":"read"}"#,
            r#"{"":"read"}"#,
            r#"{"GET *":"read"}"#,
            r#"{"GET /orders":""}"#,
            r#"{"GET /orders":"read write"}"#,
            r#"{"GET /orders":["read"]}"#,
            r#"{"GET /orders":null}"#,
        ] {
            assert!(RouteScopes::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn the_level_has_two_names() {
        assert_eq!(Level::parse("token"), Ok(Level::Token));
        assert_eq!(Level::parse("live"), Ok(Level::Live));
        for name in ["Live", "none", "live ", "off"] {
            assert!(Level::parse(name).is_err(), "{name}");
        }
    }
}
