//! Checks everything that the store and this tool need, and changes nothing.
//!
//! Start at [`run`]. A check that cannot be made, for example because a right is missing, is "not checked", which is
//! not a failure.

mod file;
mod keys;
mod table;

use auth_aws::Aws;
use auth_core::Store;
use serde_json::json;

use crate::{
    error::CommandError,
    output::{Output, Record},
    store::{Lookup, StoreLocation},
};

use keys::KeyPlace;

/// The result of a check, with its reason.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Finding {
    Ok(String),
    Failed(String),
    NotChecked(String),
}

impl Finding {
    /// Returns a finding that is ok if `is_ok` is true, and failed otherwise.
    fn ok_if(is_ok: bool, reason: impl Into<String>) -> Self {
        let reason = reason.into();
        if is_ok {
            Self::Ok(reason)
        } else {
            Self::Failed(reason)
        }
    }

    fn parts(&self) -> (&'static str, &str) {
        match self {
            Self::Ok(reason) => ("ok", reason),
            Self::Failed(reason) => ("failed", reason),
            Self::NotChecked(reason) => ("not checked", reason),
        }
    }
}

/// All checks, in the order in which they were made.
#[derive(Debug, Default)]
struct Report(Vec<(String, Finding)>);

impl Report {
    fn add(&mut self, check: impl Into<String>, finding: Finding) {
        self.0.push((check.into(), finding));
    }

    fn print(&self, output: &Output) -> Result<(), CommandError> {
        let mut list = output.list(&["CHECK", "RESULT", "REASON"]);
        for (check, finding) in &self.0 {
            let (result, reason) = finding.parts();
            list.add(&Record::new(
                [check.as_str(), result, reason].map(str::to_owned),
                json!({"check": check, "result": result, "reason": reason}),
            ))?;
        }
        list.finish("nothing was checked")?;
        let findings = self.0.iter().map(|(_, finding)| finding);
        match findings
            .filter(|finding| matches!(finding, Finding::Failed(_)))
            .count()
        {
            0 => Ok(()),
            failed => Err(CommandError::FailedChecks(failed)),
        }
    }
}

/// Checks the store at a location and prints a line for each check.
pub(crate) async fn run(
    location: &StoreLocation,
    aws: &Aws,
    lookup: Lookup<'_>,
    output: &Output,
) -> Result<(), CommandError> {
    let mut report = Report::default();
    match location {
        StoreLocation::File(path) => {
            file::check(&mut report, path);
            let file = Store::File { path: path.clone() };
            let place = KeyPlace::Variables(Some(&file), lookup);
            keys::check(&mut report, &place, aws).await;
        }
        StoreLocation::Table(table) => {
            table::check(&mut report, &aws.store(table).await).await;
            let place = KeyPlace::Variables(None, lookup);
            keys::check(&mut report, &place, aws).await;
        }
        StoreLocation::Stack(name) => check_stack(&mut report, name, aws).await,
    }
    report.print(output)
}

async fn check_stack(report: &mut Report, name: &str, aws: &Aws) {
    let read = aws.stack(name).await;
    let read = read.and_then(|stack| stack.table().map(str::to_owned).map(|table| (stack, table)));
    let (stack, table) = match read {
        Ok(read) => read,
        Err(error) => {
            report.add("stack", Finding::Failed(error.to_string()));
            let reason = "the stack is needed to find them";
            report.add("table and keys", Finding::NotChecked(reason.into()));
            return;
        }
    };
    report.add("stack", Finding::Ok(stack.arn().to_owned()));
    table::check(report, &aws.store(table).await).await;
    keys::check(report, &KeyPlace::Stack(&stack), aws).await;
}
