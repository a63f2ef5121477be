//! The page behind links, through the function.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};

use super::*;

/// The MAC at the end of a token.
const MAC_BYTES: usize = 32;

impl World {
    async fn get(&self, path: &str) -> Response {
        self.send(Method::GET, path, None, &Value::Null).await
    }
}

#[tokio::test]
async fn the_page_and_its_files_are_also_served_behind_a_prefix() {
    let world = World::with(&[("PASSWORD_MIN_LENGTH", "12")]);
    for prefix in ["", "/prod"] {
        let page = world.get(&format!("{prefix}/account")).await;
        assert_eq!(page.status(), 200);
        let markup = String::from_utf8(page.into_body()).unwrap();
        assert!(markup.contains("<title>Leapify &lt;Orders&gt;</title>"));
        assert!(markup.contains("data-min-chars=\"12\""));
        let script = world.get(&format!("{prefix}/account/account.js")).await;
        assert_eq!(script.status(), 200);
        assert!(script.headers().contains_key("content-security-policy"));
    }
    assert_eq!(world.get("/account/other.js").await.status(), 404);
    assert_eq!(world.get("/account/").await.status(), 404);
    let response = world.post("/account", Value::Null).await;
    assert_eq!(response.status(), 405);
    assert_eq!(response.headers()["allow"], "GET");
}

/// `link.js` reads the address and the expiry of a token in the same way.
#[tokio::test]
async fn a_token_begins_with_the_members_that_the_page_shows() {
    let world = World::new();
    let body = json!({"email": JOHN});
    world.post("/api/v1/password/forgot", body).await;
    let token = world.take_mail().token();
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(token).unwrap();
    let claims: Value = serde_json::from_slice(&bytes[..bytes.len() - MAC_BYTES]).unwrap();
    assert_eq!(claims["action"]["reset"]["email"], JOHN);
    assert_eq!(claims["expires_at"], NOW + 30 * 60);
}
