//! Instructions of the two paths that every request takes, counted by Valgrind and compared with what
//! was recorded: a change that costs 5 % more fails.
//!
//! Counted on `x86_64` with AVX2. Valgrind knows no SHA extensions, so a hash costs more here than it does
//! on a processor that has them. After a change that is worth its price, record the new figure.

#![expect(
    missing_docs,
    clippy::must_use_candidate,
    reason = "of what the macros write"
)]

use std::hint::black_box;

use auth_core::{AccessToken, Algorithm, LoggedUser};
use core_benches::Tokens;
use gungraun::{
    Callgrind, EventKind, LibraryBenchmarkConfig, library_benchmark, library_benchmark_group, main,
};
use http::HeaderMap;

const ISSUE: u64 = 46_934;
const VERIFY: u64 = 65_288;

/// Fails where a path takes more instructions than were recorded and a twentieth.
fn at_most(recorded: u64) -> LibraryBenchmarkConfig {
    let limit = recorded + recorded / 20;
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(Callgrind::default().hard_limits([(EventKind::Ir, limit)]));
    config
}

/// A token was issued before: the first one seeds the random numbers.
fn tokens() -> (Tokens, HeaderMap) {
    let tokens = Tokens::of(Algorithm::HS256, None);
    let headers = tokens.headers();
    let _ = tokens.verify(&headers);
    (tokens, headers)
}

#[library_benchmark(config = at_most(ISSUE))]
#[bench::hs256(tokens())]
fn issue((tokens, headers): (Tokens, HeaderMap)) -> (AccessToken, Tokens, HeaderMap) {
    (black_box(&tokens).issue(), tokens, headers)
}

#[library_benchmark(config = at_most(VERIFY))]
#[bench::hs256(tokens())]
fn verify((tokens, headers): (Tokens, HeaderMap)) -> (LoggedUser, Tokens, HeaderMap) {
    let user = black_box(&tokens).verify(black_box(&headers));
    (user, tokens, headers)
}

library_benchmark_group!(name = tokens_of_a_request; benchmarks = issue, verify);
main!(library_benchmark_groups = tokens_of_a_request);
