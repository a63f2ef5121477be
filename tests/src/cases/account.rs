//! The responses of `account`.

use serde_json::{Value, json};

use super::{Body, Case, INVALID_TOKEN, REALM, REVALIDATE, case, detail, invalid};

/// The operations of `openapi.yaml`, by the beginning of the names of their events.
const OPERATIONS: [(&str, &str); 13] = [
    ("forgot", "forgotPassword"),
    ("reset", "resetPassword"),
    ("sign_up", "confirmSignUp"),
    ("email_confirm", "confirmEmail"),
    ("email_undo", "undoEmail"),
    ("email", "changeEmail"),
    ("password", "changePassword"),
    ("end_session", "endSession"),
    ("end_other", "endOtherSessions"),
    ("delete", "deleteAccount"),
    ("wrong_method", "deleteAccount"),
    ("page_file", "accountFile"),
    ("page", "accountPage"),
];

/// Returns the operation of an event, by the part of its name after `account_`.
pub(super) fn operation(name: &str) -> &'static str {
    let mut operations = OPERATIONS.iter();
    let found = operations.find(|(prefix, _)| name.starts_with(prefix));
    found.map_or("listSessions", |(_, operation)| operation)
}

/// Returns the cases of all events.
pub(super) fn all() -> Vec<Case> {
    [
        asks_and_links(),
        page(),
        signed_in(),
        refused(),
        malformed(),
    ]
    .concat()
}

fn page() -> Vec<Case> {
    let markup = || Body::File("text/html; charset=utf-8", "account/account.js");
    let markup = |event| case(event, 200, markup(), &[REVALIDATE]);
    let script = Body::File("text/javascript; charset=utf-8", "./link.js");
    let not_modified = |event| case(event, 304, Body::None, &[REVALIDATE]);
    let wrong_method = |event| detail(event, 405, "Method Not Allowed", &[("allow", "GET")]);
    vec![
        markup("account_page"),
        markup("account_page_stage_prefix"),
        not_modified("account_page_not_modified"),
        wrong_method("account_page_wrong_method"),
        case("account_page_file", 200, script, &[REVALIDATE]),
        not_modified("account_page_file_not_modified"),
        detail("account_page_file_unknown", 404, "Not Found", &[]),
        wrong_method("account_page_file_wrong_method"),
    ]
}

fn asks_and_links() -> Vec<Case> {
    let asked = |event| case(event, 202, Body::None, &[]);
    let refused = |event| detail(event, 400, "Invalid or expired link", &[]);
    vec![
        asked("account_forgot"),
        asked("account_forgot_unknown_email"),
        refused("account_reset_forged_link"),
        refused("account_sign_up_forged_link"),
        refused("account_email_confirm_forged_link"),
        refused("account_email_undo_forged_link"),
    ]
}

fn signed_in() -> Vec<Case> {
    let wrong = |event| detail(event, 401, "Invalid email or password", &[REALM]);
    vec![
        case("account_success", 200, Body::Session, &[]),
        case("account_end_other_sessions", 204, Body::None, &[]),
        detail("account_end_session_unknown", 404, "Not Found", &[]),
        wrong("account_password_wrong_password"),
        wrong("account_email_wrong_password"),
        wrong("account_delete_wrong_password"),
    ]
}

fn refused() -> Vec<Case> {
    let allow = [("allow", "DELETE")];
    vec![
        detail("account_no_token", 401, "Not authenticated", &[REALM]),
        detail("account_email_no_token", 401, "Not authenticated", &[REALM]),
        detail(
            "account_expired_token",
            401,
            "Token has expired",
            &[INVALID_TOKEN],
        ),
        detail(
            "account_unknown_user",
            401,
            "User not found",
            &[INVALID_TOKEN],
        ),
        detail("account_wrong_method", 405, "Method Not Allowed", &allow),
        detail("account_unknown_path", 404, "Not Found", &[]),
        detail(
            "account_reset_oversized_body",
            413,
            "Content Too Large",
            &[],
        ),
    ]
}

fn malformed() -> Vec<Case> {
    let member = |name: &str| json!(["body", name]);
    let not_an_address = "value is not a valid email address";
    let too_long = "String should have at most 254 characters";
    let too_short = "String should have at least 8 characters";
    let common = "The password is rejected: it is too easy to guess, because it is common or similar to a common password";
    vec![
        invalid(
            "account_forgot_not_an_address",
            &[("value_error", member("email"), not_an_address)],
        ),
        invalid(
            "account_forgot_oversized_email",
            &[("string_too_long", member("email"), too_long)],
        ),
        invalid(
            "account_reset_missing_members",
            &[
                ("missing", member("token"), "Field required"),
                ("missing", member("password"), "Field required"),
            ],
        ),
        invalid(
            "account_email_not_an_address",
            &[("value_error", member("new_email"), not_an_address)],
        ),
        invalid(
            "account_password_too_short",
            &[("string_too_short", member("new_password"), too_short)],
        ),
        invalid(
            "account_password_common",
            &[("password_common", member("new_password"), common)],
        ),
    ]
}

/// Checks a list of sessions. Other events may have begun more than that of the request.
pub(super) fn check_session(body: &Value, event: &str) {
    let sessions = body.as_array().expect("a list");
    let session = sessions.first().expect("a session");
    let members: Vec<&str> = session
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(
        members,
        ["created_at", "current", "id", "refreshed_at"],
        "{event}"
    );
    assert_eq!(session["current"], true, "{event}");
    for time in ["created_at", "refreshed_at"] {
        let text = session[time].as_str().expect("a time");
        assert!(text.ends_with('Z') && text.len() == 20, "{event}: {text}");
    }
}
