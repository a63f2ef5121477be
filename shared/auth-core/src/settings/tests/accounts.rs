//! Valid and invalid settings of self-service.

use super::*;
use crate::password::PasswordPolicy;

const STORE: (&str, &str) = ("AUTH_STORE", "memory");
const ACTION_SECRET: &str = "Qw7Lm2Tk9Vb4Xp6Hn1Yc8Jd3Ks5Fg0Ru";

/// Reads the keys of a guard and those of links in emails.
fn read_actions(variables: &[(&str, &str)]) -> Result<KeySettings, Vec<String>> {
    read_from(variables, |reader| {
        let common = Settings::read(reader, KeyUse::Verify);
        let store = common.as_ref().map(|common| &common.store);
        let actions = KeySettings::read(reader, KeyUse::Actions, store);
        common.and(actions)
    })
}

#[test]
fn links_in_emails_have_their_own_keys() {
    let access = ("JWT_SECRET_KEY", SECRET);
    let fixed = read_actions(&[STORE, access, ("ACTION_SECRET_KEY", ACTION_SECRET)]);
    assert!(matches!(fixed, Ok(KeySettings::Fixed(_))));
    let secret = read_actions(&[STORE, access, ("ACTION_KEY_SECRET_ID", "actions")]).unwrap();
    assert!(matches!(
        secret,
        KeySettings::Secret { id, key_use: KeyUse::Actions, .. } if id == "actions"
    ));
    let file = read_actions(&[("AUTH_STORE", "file")]).unwrap();
    assert!(matches!(file, KeySettings::File { key_use, .. } if key_use == KeyUse::Actions));
}

#[test]
fn the_keys_of_links_in_emails_must_be_set_and_differ() {
    let access = ("JWT_SECRET_KEY", SECRET);
    assert_eq!(
        read_actions(&[STORE, access]).unwrap_err(),
        ["ACTION_SECRET_KEY: must be set, or ACTION_KEY_SECRET_ID instead"]
    );
    for (other, value) in [
        (access, SECRET),
        (("SESSION_SECRET_KEY", ACTION_SECRET), ACTION_SECRET),
        (("COUNTER_SECRET_KEY", ACTION_SECRET), ACTION_SECRET),
    ] {
        let mut variables = vec![STORE, access, ("ACTION_SECRET_KEY", value)];
        if other != access {
            variables.push(other);
        }
        let expected = format!("ACTION_SECRET_KEY: must differ from {}", other.0);
        assert_eq!(read_actions(&variables).unwrap_err(), [expected]);
    }
}

#[test]
fn the_minimum_of_a_password_is_from_8_to_64_characters() {
    let read = |value: Option<&str>| {
        let variables: Vec<_> = value
            .map(|value| ("PASSWORD_MIN_LENGTH", value))
            .into_iter()
            .collect();
        read_from(&variables, |reader| PasswordPolicy::read(reader, "Orders"))
    };
    let default = read(None).unwrap();
    assert_eq!((default.min_chars, &*default.app_name), (8, "Orders"));
    for (value, expected) in [("8", 8), ("15", 15), ("64", 64)] {
        assert_eq!(read(Some(value)).unwrap().min_chars, expected);
    }
    for value in ["7", "65", "0", "-8", "eight", "+8"] {
        let problem = "PASSWORD_MIN_LENGTH: must be a whole number from 8 to 64";
        assert_eq!(read(Some(value)).unwrap_err(), [problem], "{value}");
    }
}

/// A typo must not fall back to a default.
#[test]
fn an_unknown_variable_of_self_service_is_a_problem() {
    for name in [
        "ACTION_KEY",
        "PASSWORD_MIN",
        "MAIL_FORM",
        "SIGN_UP_ROLE",
        "SIGN_UPS",
    ] {
        let problem = format!("{name}: unknown variable");
        assert_eq!(problems(&[(name, "8")]), [problem]);
    }
}
