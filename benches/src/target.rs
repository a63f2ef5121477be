//! The project's performance targets, as ratios within one run.

use std::time::Duration;

use crate::{
    figures::Figures,
    report::{megabytes, millis},
    subject::{
        BARE, FASTAPI, GET_ITEM, GET_ITEM_FAR, LOGIN, LOGIN_FAR, LOGIN_MEMORY, ME, ME_FILE, NODE,
    },
};

/// A bound on a ratio or a size.
#[derive(Clone, Copy)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

use Bound::{AtLeast, AtMost};

/// Prints one line per target: what is compared, both figures, their ratio, the target and whether it was met.
pub(crate) fn print(all: &[Figures], raw_hash: Duration) {
    let first = |name| find(all, name).median(|one| one.first_response);
    let warm = |name| find(all, name).warm(50);
    let extra = |name, base| warm(name).saturating_sub(warm(base));
    println!("\n| compared | figures | ratio | target | met |");
    println!("| --- | --- | --- | --- | --- |");
    for (what, figure, baseline, bound) in [
        (
            "first response: me on a file / bare",
            first(ME_FILE),
            first(BARE),
            AtMost(1.3),
        ),
        (
            "warm: me on a file / bare",
            warm(ME_FILE),
            warm(BARE),
            AtMost(1.3),
        ),
        (
            "first response: me with DynamoDB / GetItem",
            first(ME),
            first(GET_ITEM),
            AtMost(1.1),
        ),
        (
            "warm: me with DynamoDB / GetItem",
            warm(ME),
            warm(GET_ITEM),
            AtMost(1.1),
        ),
        (
            "warm: login in memory / one @node-rs/argon2 hash in fresh memory",
            warm(LOGIN_MEMORY),
            raw_hash,
            AtMost(1.1),
        ),
        (
            "warm: login with DynamoDB minus login in memory / GetItem minus bare",
            extra(LOGIN, LOGIN_MEMORY),
            extra(GET_ITEM, BARE),
            AtMost(3.0),
        ),
        (
            "the same with DynamoDB 5 ms further away",
            extra(LOGIN_FAR, LOGIN_MEMORY),
            extra(GET_ITEM_FAR, BARE),
            AtMost(3.0),
        ),
        (
            "first response: FastAPI, in memory / me with DynamoDB",
            first(FASTAPI),
            first(ME),
            AtLeast(40.0),
        ),
        (
            "first response: Node.js, in memory / me with DynamoDB",
            first(NODE),
            first(ME),
            AtLeast(15.0),
        ),
        (
            "first response: FastAPI / me on a file",
            first(FASTAPI),
            first(ME_FILE),
            AtLeast(150.0),
        ),
        (
            "first response: Node.js / me on a file",
            first(NODE),
            first(ME_FILE),
            AtLeast(60.0),
        ),
    ] {
        let figures = format!("{} / {}", millis(figure), millis(baseline));
        let ratio = figure.as_secs_f64() / baseline.as_secs_f64();
        row(what, &figures, ratio, "", bound);
    }
    for (name, mib, zip) in [(ME, 12.0, 3.4), (LOGIN, 34.0, 3.8)] {
        let figures = find(all, name);
        let what = format!("peak memory: {name}");
        row(&what, "", figures.peak_mib(), " MiB", AtMost(mib));
        let size = megabytes(figures.zip.expect("a whole program"));
        row(&format!("zip: {name}"), "", size, " MB", AtMost(zip));
    }
}

/// Returns the figures of a subject.
pub(crate) fn find<'a>(all: &'a [Figures], name: &str) -> &'a Figures {
    let found = all.iter().find(|figures| figures.name == name);
    found.expect("a subject of this name")
}

fn row(what: &str, figures: &str, measured: f64, unit: &str, bound: Bound) {
    let (sign, target, is_met) = match bound {
        AtMost(target) => ('≤', target, measured <= target),
        AtLeast(target) => ('≥', target, measured >= target),
    };
    let met = if is_met { "yes" } else { "no" };
    println!("| {what} | {figures} | {measured:.2}{unit} | {sign} {target}{unit} | {met} |");
}
