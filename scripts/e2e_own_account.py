"""Steps of `make e2e` about what signed-in users do: new password, own sessions, deletion."""

from datetime import datetime

from e2e_account import ENDED, REFUSED
from local_aws import step

NO_CONTENT = (204, None)


def change_password(site):
    step("change the password")
    user, new = site.add_user("paula.poe"), site.new_password()
    token = site.log_in(*user)["access_token"]
    body = {"current_password": user.password, "new_password": new}
    site.expect("the current password is needed", site.api.signed_in(
        "POST", "password", token, body | {"current_password": user.password + "x"}), REFUSED)
    status, refusal = site.api.signed_in("POST", "password", token, body | {"new_password": "password1234"})
    site.expect("a common password is refused", (status, refusal["detail"][0]["type"]), (422, "password_common"))
    site.expect("a good one is accepted", site.api.signed_in("POST", "password", token, body), NO_CONTENT)
    site.expect("repeating the request gets the same response", site.api.signed_in("POST", "password", token, body), NO_CONTENT)
    site.expect("the session has ended", site.api.me(token), ENDED)
    site.mail(user.email, "password-changed", name="password-changed-by-user")
    site.expect("the old password is refused", site.api.login(*user), REFUSED)
    site.log_in(user.email, new)


def sessions(site):
    step("see and end sessions")
    user = site.add_user("sara.poe")
    own, second, third = (site.log_in(*user) for _ in range(3))
    listed = own_sessions(site, own)
    site.expect("the user sees three sessions, one of them as the current one", [one["current"] for one in listed].count(True)
                * len(listed), 3)
    ages = [(datetime.now().astimezone() - datetime.fromisoformat(one[name])).total_seconds()
            for one in listed for name in ("created_at", "refreshed_at")]
    site.checks.that("their times are those of the logins", all(-5 < age < 60 for age in ages), ages)
    current = {one["id"] for one in own_sessions(site, second) if one["current"]}.pop()
    site.expect("one is ended", site.api.signed_in("DELETE", f"sessions/{current}", own["access_token"]), NO_CONTENT)
    site.expect("its access token is refused", site.api.me(second["access_token"]), ENDED)
    site.expect("the other one goes on", site.api.me(third["access_token"])[0], 200)
    site.expect("all others are ended", site.api.signed_in("DELETE", "sessions", own["access_token"]), NO_CONTENT)
    site.expect("their access tokens are refused", site.api.me(third["access_token"]), ENDED)
    site.expect("so are their refresh tokens", site.api.refresh(third["refresh_token"])[0], 401)
    site.expect("the user sees only their own session", [one["current"] for one in own_sessions(site, own)], [True])
    site.expect("which can be refreshed", site.api.refresh(own["refresh_token"])[0], 200)


def own_sessions(site, tokens):
    return site.api.signed_in("GET", "sessions", tokens["access_token"])[1]


def delete(site):
    step("delete the account")
    user = site.add_user("dora.poe")
    token = site.log_in(*user)["access_token"]
    body = {"password": user.password}
    site.expect("the deletion needs the password", site.api.signed_in(
        "DELETE", "account", token, {"password": user.password + "x"}), REFUSED)
    site.expect("with the password, the account is deleted", site.api.signed_in("DELETE", "account", token, body), NO_CONTENT)
    site.expect("repeating the request gets the same response", site.api.signed_in("DELETE", "account", token, body), NO_CONTENT)
    site.mail(user.email, "account-deleted")
    site.expect("the session has ended", site.api.me(token), ENDED)
    site.expect("the user can no longer log in", site.api.login(*user), REFUSED)
