//! What the project asks of itself, as ratios within one run.

use std::time::Duration;

use crate::{
    figures::Figures,
    report::{megabytes, millis},
    subject::{BARE, FASTAPI, GET_ITEM, LOGIN, LOGIN_MEMORY, ME, ME_MEMORY, NODE},
};

/// Prints a line for each target: what is compared, the two figures, their ratio, what was asked.
pub(crate) fn print(all: &[Figures], raw_hash: Duration) {
    let of = |name| find(all, name);
    let first = |name| of(name).median(|one| one.first_answer);
    let warm = |name| of(name).warm(50);
    println!("\n| compared | figures | ratio | target | met |");
    println!("| --- | --- | --- | --- | --- |");
    at_most(
        "`me`, memory: first answer / bare function",
        first(ME_MEMORY),
        first(BARE),
        1.3,
    );
    at_most(
        "`me`, memory: warm p50 / bare function",
        warm(ME_MEMORY),
        warm(BARE),
        1.3,
    );
    at_most(
        "`me`, DynamoDB: first answer / GetItem",
        first(ME),
        first(GET_ITEM),
        1.1,
    );
    at_most(
        "`me`, DynamoDB: warm p50 / GetItem",
        warm(ME),
        warm(GET_ITEM),
        1.1,
    );
    at_most(
        "`login`, memory: warm p50 / hash of @node-rs/argon2",
        warm(LOGIN_MEMORY),
        raw_hash,
        1.1,
    );
    let around_hash = warm(LOGIN).saturating_sub(warm(LOGIN_MEMORY));
    let round_trip = warm(GET_ITEM).saturating_sub(warm(BARE));
    at_most(
        "`login`, DynamoDB less memory: warm p50 / round trip of GetItem",
        around_hash,
        round_trip,
        3.0,
    );
    at_least(
        "FastAPI / `me`, DynamoDB: first answer",
        first(FASTAPI),
        first(ME),
        40.0,
    );
    at_least(
        "Node.js / `me`, DynamoDB: first answer",
        first(NODE),
        first(ME),
        15.0,
    );
    at_least(
        "FastAPI / `me`, memory: first answer",
        first(FASTAPI),
        first(ME_MEMORY),
        150.0,
    );
    at_least(
        "Node.js / `me`, memory: first answer",
        first(NODE),
        first(ME_MEMORY),
        60.0,
    );
    for (name, mib, megabytes_at_most) in [(ME, 12.0, 3.4), (LOGIN, 34.0, 3.8)] {
        let figures = of(name);
        let peak = figures.peak_mib();
        row(
            &format!("{name}: peak memory"),
            "",
            &format!("{peak:.1} MiB"),
            &format!("≤ {mib} MiB"),
            peak <= mib,
        );
        let zip = megabytes(figures.zip.expect("a whole program"));
        let is_met = zip
            .trim_end_matches(" MB")
            .parse::<f64>()
            .is_ok_and(|size| size <= megabytes_at_most);
        row(
            &format!("{name}: zip"),
            "",
            &zip,
            &format!("≤ {megabytes_at_most} MB"),
            is_met,
        );
    }
}

/// The figures of a subject.
pub(crate) fn find<'a>(all: &'a [Figures], name: &str) -> &'a Figures {
    let found = all.iter().find(|figures| figures.name == name);
    found.expect("a subject of this name")
}

fn at_most(what: &str, ours: Duration, theirs: Duration, target: f64) {
    let ratio = ours.as_secs_f64() / theirs.as_secs_f64();
    let figures = format!("{} / {}", millis(ours), millis(theirs));
    row(
        what,
        &figures,
        &format!("{ratio:.2}"),
        &format!("≤ {target}"),
        ratio <= target,
    );
}

fn at_least(what: &str, theirs: Duration, ours: Duration, target: f64) {
    let ratio = theirs.as_secs_f64() / ours.as_secs_f64();
    let figures = format!("{} / {}", millis(theirs), millis(ours));
    row(
        what,
        &figures,
        &format!("{ratio:.0}"),
        &format!("≥ {target}"),
        ratio >= target,
    );
}

fn row(what: &str, figures: &str, reached: &str, target: &str, is_met: bool) {
    let met = if is_met { "yes" } else { "no" };
    println!("| {what} | {figures} | {reached} | {target} | {met} |");
}
