//! Times tokens of each algorithm, verifying a password and reading the settings.

use std::{env::VarError, hint::black_box, time::Duration};

use auth_core::{KeyUse, Password, PasswordHasher, Settings, SettingsReader};
use core_benches::{ALGORITHMS, Tokens};
use criterion::{Criterion, criterion_group, criterion_main};

fn tokens(criterion: &mut Criterion) {
    for (algorithm, jwk) in ALGORITHMS {
        let tokens = Tokens::new(algorithm, jwk);
        let headers = tokens.headers();
        let name = algorithm.name();
        criterion.bench_function(&format!("issue {name}"), |bencher| {
            bencher.iter(|| black_box(&tokens).issue());
        });
        criterion.bench_function(&format!("verify {name}"), |bencher| {
            bencher.iter(|| black_box(&tokens).verify(black_box(&headers)));
        });
    }
}

fn password(criterion: &mut Criterion) {
    let hasher = PasswordHasher::new();
    let password = Password::parse("changeme").expect("a password");
    let hash = hasher.hash(&password).expect("a hash");
    assert_eq!(hasher.verify(&password, Some(&hash)), Ok(true));
    assert_eq!(hasher.verify(&password, None), Ok(false));
    criterion.bench_function("verify a password", |bencher| {
        bencher.iter(|| hasher.verify(black_box(&password), Some(&hash)));
    });
    criterion.bench_function("reject a password for an unknown user", |bencher| {
        bencher.iter(|| hasher.verify(black_box(&password), None));
    });
}

fn settings(criterion: &mut Criterion) {
    let variables = [
        ("AUTH_STORE", "dynamodb"),
        ("AUTH_TABLE", "users"),
        ("JWT_KEYS_TABLE", "users"),
        ("JWT_ISSUER", "https://auth.example.com"),
        ("JWT_LEEWAY", "10"),
    ];
    let lookup = |name: &str| {
        let found = variables.iter().find(|(known, _)| *known == name);
        found
            .map(|(_, value)| (*value).to_owned())
            .ok_or(VarError::NotPresent)
    };
    criterion.bench_function("read settings", |bencher| {
        bencher.iter(|| {
            let names = variables.iter().map(|(name, _)| (*name).to_owned());
            let mut reader = SettingsReader::new(names, &lookup);
            let settings = Settings::read(&mut reader, KeyUse::Verify);
            reader.finish(settings).expect("good settings")
        });
    });
}

criterion_group! {
    name = all;
    config = Criterion::default()
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = tokens, password, settings
}
criterion_main!(all);
