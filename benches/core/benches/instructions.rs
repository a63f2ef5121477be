//! Counts the instructions of issuing and verifying a token with Valgrind, and fails if a count is more
//! than 5 % above the recorded one.
//!
//! Recorded on `x86_64` with AVX2. Valgrind doesn't emulate SHA extensions, so a hash costs more here than
//! on a processor that has them. After a change that is worth its cost, record the new count.

#![expect(
    missing_docs,
    clippy::must_use_candidate,
    reason = "the macros generate this code"
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

/// Returns a configuration that fails if a path needs over 5 % more instructions than recorded.
fn at_most(recorded: u64) -> LibraryBenchmarkConfig {
    let limit = recorded + recorded / 20;
    let mut config = LibraryBenchmarkConfig::default();
    config.tool(Callgrind::default().hard_limits([(EventKind::Ir, limit)]));
    config
}

/// Sets up an issuer that has already issued a token: the first one seeds the random number generator.
fn tokens() -> (Tokens, HeaderMap) {
    let tokens = Tokens::new(Algorithm::HS256, None);
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
