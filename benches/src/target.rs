//! The project's performance targets, as ratios within one run.

use std::time::Duration;

use bundle_tests::process;

use crate::{
    figures::{self, Figures},
    report::{megabytes, millis},
    subject::{
        AUTHORIZER_TOKEN, BARE, FASTAPI, FORMER_ME_TLS, GET_ITEM, GET_ITEM_FAR, GET_ITEM_FEW_ROOTS,
        GET_ITEM_TLS, LOGIN, LOGIN_FAR, LOGIN_HS256, LOGIN_MEMORY, ME, ME_FILE, ME_TLS, NODE,
        NODE_AUTHORIZER,
    },
};

/// A bound on a ratio or a size.
#[derive(Clone, Copy)]
enum Bound {
    AtMost(f64),
    AtLeast(f64),
}

use Bound::{AtLeast, AtMost};

/// Memory size that the template gives `me`, in MB.
const MEMORY_OF_ME: u32 = 512;

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
            "warm: login with DynamoDB, RS256 / HS256",
            warm(LOGIN),
            warm(LOGIN_HS256),
            AtMost(1.2),
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
        ratio_row(what, figure, baseline, bound);
    }
    print_authorizers(all);
    print_tls(all);
    for (name, mib) in [(ME, 12.0), (LOGIN, 34.0)] {
        let figures = find(all, name);
        let what = format!("peak memory: {name}");
        row(&what, "", figures.peak_mib(), " MiB", AtMost(mib));
    }
    for (name, zip) in [
        ("authorizer", 3.4),
        ("discovery", 4.2),
        ("keys", 3.4),
        ("login", 3.8),
        ("me", 3.4),
    ] {
        let size = megabytes(figures::zipped(&process::release(name)));
        row(&format!("zip: {name}"), "", size, " MB", AtMost(zip));
    }
}

/// Prints the targets of `authorizer`.
fn print_authorizers(all: &[Figures]) {
    let (node, own) = (find(all, NODE_AUTHORIZER), find(all, AUTHORIZER_TOKEN));
    let first = |figures: &Figures| figures.median(|one| one.first_response);
    for (what, figure, baseline, bound) in [
        ("first response", first(node), first(own), AtLeast(15.0)),
        ("warm", node.warm(50), own.warm(50), AtLeast(1.0)),
    ] {
        let what =
            format!("{what}: Node.js authorizer with aws-jwt-verify / authorizer, token level");
        ratio_row(&what, figure, baseline, bound);
    }
}

/// Prints the targets of a first response with TLS.
fn print_tls(all: &[Figures]) {
    for (megabytes, place) in [
        (None, "the whole machine"),
        (Some(MEMORY_OF_ME), "the processor share of 512 MB"),
    ] {
        let first = |name| {
            let figures = figures::find(all, name, megabytes);
            figures.map(|figures| figures.median(|one| one.first_response))
        };
        for (what, baseline, bound) in [
            ("GetItem", GET_ITEM_TLS, 1.1),
            (
                "GetItem that trusts only Amazon's roots",
                GET_ITEM_FEW_ROOTS,
                1.1,
            ),
            ("former me", FORMER_ME_TLS, 0.8),
        ] {
            let what = format!("first response, TLS, {place}: me / {what}");
            if let (Some(me), Some(baseline)) = (first(ME_TLS), first(baseline)) {
                ratio_row(&what, me, baseline, AtMost(bound));
            }
        }
    }
}

/// Returns the figures of a subject with the whole machine.
fn find<'a>(all: &'a [Figures], name: &str) -> &'a Figures {
    figures::find(all, name, None).expect("a subject of this name")
}

fn ratio_row(what: &str, figure: Duration, baseline: Duration, bound: Bound) {
    let figures = format!("{} / {}", millis(figure), millis(baseline));
    row(what, &figures, figure.div_duration_f64(baseline), "", bound);
}

fn row(what: &str, figures: &str, measured: f64, unit: &str, bound: Bound) {
    let (sign, target, is_met) = match bound {
        AtMost(target) => ('≤', target, measured <= target),
        AtLeast(target) => ('≥', target, measured >= target),
    };
    let met = if is_met { "yes" } else { "no" };
    println!("| {what} | {figures} | {measured:.2}{unit} | {sign} {target}{unit} | {met} |");
}
