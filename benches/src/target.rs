//! What the project asks of itself, as ratios within one run.

use std::time::Duration;

use crate::{
    figures::Figures,
    report::{megabytes, millis},
    subject::{
        BARE, FASTAPI, GET_ITEM, GET_ITEM_FAR, LOGIN, LOGIN_FAR, LOGIN_MEMORY, ME, ME_MEMORY, NODE,
    },
};

/// A bound of a ratio or a size.
#[derive(Clone, Copy)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

use Bound::{AtLeast, AtMost};

/// Prints a line for each target: what is compared, the two figures, their ratio, what was asked.
pub(crate) fn print(all: &[Figures], raw_hash: Duration) {
    let of = |name| find(all, name);
    let first = |name| of(name).median(|one| one.first_answer);
    let warm = |name| of(name).warm(50);
    let more = |name, than| warm(name).saturating_sub(warm(than));
    println!("\n| compared | figures | ratio | target | met |");
    println!("| --- | --- | --- | --- | --- |");
    for (what, figure, against, bound) in [
        (
            "first answer: me with memory / bare",
            first(ME_MEMORY),
            first(BARE),
            AtMost(1.3),
        ),
        (
            "warm: me with memory / bare",
            warm(ME_MEMORY),
            warm(BARE),
            AtMost(1.3),
        ),
        (
            "first answer: me with DynamoDB / GetItem",
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
            "warm: login with memory / one hash of @node-rs/argon2, its memory new",
            warm(LOGIN_MEMORY),
            raw_hash,
            AtMost(1.1),
        ),
        (
            "warm: login with DynamoDB less memory / GetItem less bare",
            more(LOGIN, LOGIN_MEMORY),
            more(GET_ITEM, BARE),
            AtMost(3.0),
        ),
        (
            "the same with DynamoDB 5 ms further away",
            more(LOGIN_FAR, LOGIN_MEMORY),
            more(GET_ITEM_FAR, BARE),
            AtMost(3.0),
        ),
        (
            "first answer: FastAPI, in memory / me with DynamoDB",
            first(FASTAPI),
            first(ME),
            AtLeast(40.0),
        ),
        (
            "first answer: Node.js, in memory / me with DynamoDB",
            first(NODE),
            first(ME),
            AtLeast(15.0),
        ),
        (
            "first answer: FastAPI / me with memory",
            first(FASTAPI),
            first(ME_MEMORY),
            AtLeast(150.0),
        ),
        (
            "first answer: Node.js / me with memory",
            first(NODE),
            first(ME_MEMORY),
            AtLeast(60.0),
        ),
    ] {
        let figures = format!("{} / {}", millis(figure), millis(against));
        let ratio = figure.as_secs_f64() / against.as_secs_f64();
        row(what, &figures, ratio, "", bound);
    }
    for (name, mib, zip) in [(ME, 12.0, 3.4), (LOGIN, 34.0, 3.8)] {
        let figures = of(name);
        let what = format!("peak memory: {name}");
        row(&what, "", figures.peak_mib(), " MiB", AtMost(mib));
        let size = megabytes(figures.zip.expect("a whole program"));
        row(&format!("zip: {name}"), "", size, " MB", AtMost(zip));
    }
}

/// The figures of a subject.
pub(crate) fn find<'a>(all: &'a [Figures], name: &str) -> &'a Figures {
    let found = all.iter().find(|figures| figures.name == name);
    found.expect("a subject of this name")
}

fn row(what: &str, figures: &str, reached: f64, unit: &str, bound: Bound) {
    let (sign, target, is_met) = match bound {
        AtMost(target) => ('≤', target, reached <= target),
        AtLeast(target) => ('≥', target, reached >= target),
    };
    let met = if is_met { "yes" } else { "no" };
    println!("| {what} | {figures} | {reached:.2}{unit} | {sign} {target}{unit} | {met} |");
}
