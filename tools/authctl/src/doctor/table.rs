//! Checks a table: its settings, the local clock, and the rights of the caller.

use auth_aws::{CallError, Described, DynamoDbStore, FailureKind, TableRight, TableState};

use super::{Finding, Report};

/// The attribute with the time at which items expire.
const TTL_ATTRIBUTE: &str = "expires_at";

/// The largest difference, in seconds, at which "live" and "today" still mean the same here as in the functions. AWS
/// rejects requests at 300.
const MAX_CLOCK_DIFFERENCE: u64 = 30;

/// Makes all checks that need AWS, or only the first one if AWS does not respond.
pub(super) async fn check(report: &mut Report, store: &DynamoDbStore) {
    let Described {
        table,
        clock_difference,
    } = store.describe().await;
    let can_continue = check_description(report, table);
    report.add("clock", clock(clock_difference));
    if !can_continue {
        let reason = "the table is not available";
        report.add("settings of the table", Finding::NotChecked(reason.into()));
        report.add("rights", Finding::NotChecked(reason.into()));
        return;
    }
    report.add("time to live", time_to_live(store.time_to_live().await));
    let recovery = store.has_point_in_time_recovery().await;
    report.add("point-in-time recovery", is_on(recovery));
    for right in TableRight::ALL {
        let finding = right_finding(right, store.try_right(right).await);
        report.add(format!("right {}", right.action()), finding);
    }
}

/// Reports what AWS says about the table. Returns whether further requests make sense.
fn check_description(report: &mut Report, table: Result<TableState, CallError>) -> bool {
    match table {
        Ok(table) => {
            report.add("table", Finding::Ok(table.arn.clone()));
            report.add("status", Finding::ok_if(table.is_usable, &table.status));
            report.add("index by_owner", index(&table));
            let protection = is_on(Ok(table.is_deletion_protected));
            report.add("deletion protection", protection);
            true
        }
        // Only the right to describe the table is known to be missing.
        Err(error) if error.missing_permission().is_some() => {
            report.add("table", Finding::NotChecked(error.to_string()));
            true
        }
        Err(error) => {
            report.add("table", Finding::Failed(error.to_string()));
            false
        }
    }
}

fn index(table: &TableState) -> Finding {
    match &table.index {
        Some(status) => Finding::ok_if(table.is_index_active, status),
        None => Finding::Failed("missing: the sessions of a user cannot be listed".into()),
    }
}

fn time_to_live(attribute: Result<Option<String>, CallError>) -> Finding {
    match attribute {
        Ok(Some(attribute)) => Finding::ok_if(attribute == TTL_ATTRIBUTE, attribute),
        Ok(None) => Finding::Failed("off: expired sessions and counters are never deleted".into()),
        Err(error) => Finding::NotChecked(error.to_string()),
    }
}

fn is_on(setting: Result<bool, CallError>) -> Finding {
    match setting {
        Ok(is_on) => Finding::ok_if(is_on, if is_on { "on" } else { "off" }),
        Err(error) => Finding::NotChecked(error.to_string()),
    }
}

fn clock(difference: Option<i64>) -> Finding {
    let Some(difference) = difference else {
        return Finding::NotChecked("AWS did not respond with its time".into());
    };
    let order = if difference < 0 { "behind" } else { "ahead of" };
    let difference = difference.unsigned_abs();
    let reason = format!("{difference} s {order} AWS");
    Finding::ok_if(difference <= MAX_CLOCK_DIFFERENCE, reason)
}

fn right_finding(right: TableRight, tried: Result<(), CallError>) -> Finding {
    match tried {
        Ok(()) => Finding::Ok(format!("for {}", commands(right))),
        Err(error) if error.kind() == FailureKind::Unreachable => {
            Finding::NotChecked(error.to_string())
        }
        Err(error) => Finding::Failed(format!("needed for {}: {error}", commands(right))),
    }
}

/// Returns the commands that need a right.
fn commands(right: TableRight) -> &'static str {
    match right {
        TableRight::GetItem => {
            "user show, add, password, delete and import --dry-run, session list and revoke --session, attempts show"
        }
        TableRight::BatchGetItem | TableRight::Query => "session list",
        TableRight::Scan => "user list and export",
        TableRight::PutItem => "user add and import",
        TableRight::UpdateItem => "user disable, enable, password and roles, session revoke",
        TableRight::DeleteItem => "user delete, attempts clear",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_clock_that_differs_by_more_than_30_seconds_fails() {
        for (difference, is_ok, reason) in [
            (0, true, "0 s ahead of AWS"),
            (-30, true, "30 s behind AWS"),
            (-31, false, "31 s behind AWS"),
            (31, false, "31 s ahead of AWS"),
        ] {
            let finding = clock(Some(difference));
            assert_eq!(finding, Finding::ok_if(is_ok, reason));
        }
        assert!(matches!(clock(None), Finding::NotChecked(_)));
    }

    #[test]
    fn a_ttl_on_another_attribute_fails() {
        for (attribute, is_ok) in [
            (Some("expires_at"), true),
            (Some("ttl"), false),
            (None, false),
        ] {
            let finding = time_to_live(Ok(attribute.map(str::to_owned)));
            assert_eq!(matches!(finding, Finding::Ok(_)), is_ok, "{finding:?}");
        }
    }

    #[test]
    fn an_index_that_is_missing_or_not_active_fails() {
        let table = |index: Option<&str>| TableState {
            arn: String::new(),
            status: "ACTIVE".into(),
            is_usable: true,
            index: index.map(str::to_owned),
            is_index_active: index == Some("ACTIVE"),
            is_deletion_protected: true,
        };
        assert_eq!(index(&table(Some("ACTIVE"))), Finding::Ok("ACTIVE".into()));
        assert_eq!(
            index(&table(Some("CREATING"))),
            Finding::Failed("CREATING".into())
        );
        assert!(matches!(index(&table(None)), Finding::Failed(_)));
    }
}
