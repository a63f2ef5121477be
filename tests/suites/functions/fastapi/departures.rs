//! Where the bundle departs from FastAPI on purpose.

/// Requests with one reason to depart from FastAPI.
pub(super) struct Departure {
    pub(super) reason: &'static str,
    /// The name of each request, FastAPI's response and the bundle's response.
    pub(super) requests: &'static [(&'static str, &'static str, &'static str)],
}

/// All departures.
pub(super) const DEPARTURES: [Departure; 14] = [
    Departure {
        reason: "Two parsers that choose differently would read two logins from one body.",
        requests: &[
            (
                r#"member "password": "changeme""#,
                "200",
                "422 json_invalid body.68",
            ),
            (
                r#"member "pass\u0077ord": "changeme""#,
                "200",
                "422 json_invalid body.73",
            ),
            (
                r#"member "email": "john.doe@leapify.tech""#,
                "200",
                "422 json_invalid body.65",
            ),
            (
                r#"member "a": 1, "a": 1"#,
                "200",
                "422 json_invalid body.69",
            ),
            (
                r#"member "a": {"b": 1, "b": 1}"#,
                "200",
                "422 json_invalid body.75",
            ),
            (
                r#"member "a": [{"b": 1, "b": 1}]"#,
                "200",
                "422 json_invalid body.76",
            ),
        ],
    },
    Departure {
        reason: "JSON has only finite numbers and Unicode text (RFC 8259).",
        requests: &[
            (r#"member "a": NaN"#, "200", "422 json_invalid body.64"),
            (
                r#"member "a": -Infinity"#,
                "200",
                "422 json_invalid body.65",
            ),
            (r#"member "a": 1e999"#, "200", "422 json_invalid body.68"),
            (r#"member "a": "\ud83d""#, "200", "422 json_invalid body.71"),
        ],
    },
    Departure {
        reason: "JSON is UTF-8 without a byte order mark (RFC 8259 section 8.1), and any other body is a 422.",
        requests: &[
            (
                "body \u{feff}{}",
                "422 missing body.email missing body.password",
                "422 json_invalid body.0",
            ),
            ("body in UTF-16", "200", "422 json_invalid body.1"),
            (
                "body that is not UTF-8",
                "400 There was an error parsing the body",
                "422 json_invalid body.11",
            ),
        ],
    },
    Departure {
        reason: "Both locate the same error, Python where the wrong value begins and serde_json where it stopped.",
        requests: &[
            (
                "body -",
                "422 json_invalid body.0",
                "422 json_invalid body.1",
            ),
            (
                "body nul",
                "422 json_invalid body.0",
                "422 json_invalid body.3",
            ),
            (
                r#"body {"a": "text"#,
                "422 json_invalid body.6",
                "422 json_invalid body.11",
            ),
            (
                r#"body {"a": tru}"#,
                "422 json_invalid body.6",
                "422 json_invalid body.9",
            ),
            (
                r#"body {"a": -}"#,
                "422 json_invalid body.6",
                "422 json_invalid body.7",
            ),
            (
                r#"body {"a": 1.}"#,
                "422 json_invalid body.7",
                "422 json_invalid body.8",
            ),
            (
                r#"body {"a": 1e}"#,
                "422 json_invalid body.7",
                "422 json_invalid body.8",
            ),
            (
                r#"body {"a": "\x"}"#,
                "422 json_invalid body.7",
                "422 json_invalid body.8",
            ),
            (
                r#"body {"a": "\u00zz"}"#,
                "422 json_invalid body.8",
                "422 json_invalid body.12",
            ),
            (
                r#"body {"a": "\u00"#,
                "422 json_invalid body.8",
                "422 json_invalid body.11",
            ),
            (
                "body {\"a\": \"\n\"}",
                "422 json_invalid body.7",
                "422 json_invalid body.8",
            ),
        ],
    },
    Departure {
        reason: "Bodies, their depth, emails and passwords have limits, so that no request is expensive.",
        requests: &[
            ("member with 150 arrays", "200", "422 json_invalid body.190"),
            (
                "member with 9,000 characters",
                "200",
                "413 Content Too Large",
            ),
            (
                "email of 255 characters",
                "422 value_error body.email",
                "422 string_too_long body.email",
            ),
            (
                "password of 1025 characters",
                "401 Invalid email or password",
                "422 string_too_long body.password",
            ),
        ],
    },
    Departure {
        reason: "The case of ASCII letters in an email is ignored.",
        requests: &[(
            r#"email "JOHN.DOE@leapify.tech""#,
            "401 Invalid email or password",
            "200",
        )],
    },
    Departure {
        reason: "`login` looks emails up as they were sent: what is not an address is an unknown email.",
        requests: &[
            (
                r#"email " john.doe@leapify.tech ""#,
                "200",
                "401 Invalid email or password",
            ),
            (
                r#"email "John <john.doe@leapify.tech>""#,
                "200",
                "401 Invalid email or password",
            ),
            (
                r#"email "john.doe""#,
                "422 value_error body.email",
                "401 Invalid email or password",
            ),
            (
                r#"email "john.doe@""#,
                "422 value_error body.email",
                "401 Invalid email or password",
            ),
            (
                r#"email "john.doe@localhost""#,
                "422 value_error body.email",
                "401 Invalid email or password",
            ),
            (
                r#"email """#,
                "422 value_error body.email",
                "401 Invalid email or password",
            ),
        ],
    },
    Departure {
        reason: "A path has one spelling, as for API Gateway.",
        requests: &[
            ("path /api/v1/login/", "307", "404 Not Found"),
            ("path /api/v1/me/", "307", "404 Not Found"),
            ("path /api/v1/%6cogin", "200", "404 Not Found"),
        ],
    },
    Departure {
        reason: "A stage or the base path of a custom domain may precede a route.",
        requests: &[
            ("path /prod/api/v1/login", "404 Not Found", "200"),
            ("path /prod/api/v1/me", "404 Not Found", "200"),
        ],
    },
    Departure {
        reason: "`login` and `me` do not serve the documents of the API.",
        requests: &[
            ("path /docs", "200", "404 Not Found"),
            ("path /openapi.json", "200", "404 Not Found"),
        ],
    },
    Departure {
        reason: "Several values of `Authorization` are a malformed request (RFC 6750 section 3.1).",
        requests: &[
            (
                "authorization Bearer {access_token},Bearer {access_token}",
                "401 Invalid token",
                "400 Invalid request",
            ),
            (
                "authorization Bearer {access_token}, Basic am9objpjaGFuZ2VtZQ==",
                "401 Invalid token",
                "400 Invalid request",
            ),
        ],
    },
    Departure {
        reason: "A token has one spelling, without padding (RFC 7515 section 2).",
        requests: &[(
            "authorization Bearer {access_token}=",
            "200",
            "401 Invalid token",
        )],
    },
    Departure {
        reason: "A client learns that a refresh helps.",
        requests: &[(
            "authorization Bearer {{token:expired}}",
            "401 Invalid token",
            "401 Token has expired",
        )],
    },
    Departure {
        reason: "A token of another user who had the same email is not the token of this user.",
        requests: &[(
            "authorization Bearer {{token:other_id}}",
            "200",
            "401 User not found",
        )],
    },
];
