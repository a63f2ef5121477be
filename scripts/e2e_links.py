"""Steps of `make e2e` about the links in emails: sign-up, invitation, new password and new email."""

from e2e_account import COMMON, DONE, ENDED, INVALID, REFUSED
from local_aws import step

ACCEPTED = (202, None)
CHANGED_RECENTLY = (409, {"detail": "Email was changed recently"})
COMMON_PASSWORD = "password1234"


def sign_up(site):
    """Signs up a new user and one who exists."""
    step("sign up")
    user, email, password = site.add_user("ruth.poe"), "ada.poe@example.com", site.new_password()
    for each in (email, user.email):
        site.expect("sign-up responds the same way, whoever the email belongs to", site.api.post("sign-up", {"email": each}), ACCEPTED)
    site.mail(user.email, "already-registered")
    mail = site.mail(email, "sign-up", has_link=True)
    site.expect("before the confirmation, there is no user", site.api.login(email, password), REFUSED)
    site.use(mail, [COMMON_PASSWORD, password], "sign-up", [COMMON, DONE])
    tokens = site.log_in(email, password)
    body = site.api.me(tokens["access_token"])[1]
    site.expect("the user has the roles of SignUpRoles", (body["email"], body["roles"]), (email, ["Reader"]))
    site.use(mail, [password], "sign-up-again", [DONE])
    site.use(mail, [site.new_password()], "sign-up-other", [INVALID])


def invite(site):
    """Invites a user, who chooses the password."""
    step("invite a user")
    email, password = "ines.poe@example.com", site.new_password()
    site.stack.authctl("user", "invite", email, "--role", "Editor=read,write")
    mail = site.mail(email, "invite", has_link=True)
    site.use(mail, [password], "invite", [DONE])
    body = site.api.me(site.log_in(email, password)["access_token"])[1]
    site.expect("the user has the roles of the invitation", body["roles"], ["Editor"])


def reset(site):
    """Sets a new password after too many wrong ones."""
    step("forgot password")
    user, new = site.add_user("rita.poe"), site.new_password()
    tokens = site.log_in(*user)
    statuses = [site.api.login(user.email, user.password + "x")[0] for _ in range(6)]
    site.expect("five wrong passwords are checked, the sixth is not", statuses, [401] * 5 + [429])
    # The second one comes too early for another email.
    for email in (user.email, user.email, "nobody@example.com"):
        site.expect("forgot responds the same way, whoever the email belongs to",
                    site.api.post("password/forgot", {"email": email}), ACCEPTED)
    mail = site.mail(user.email, "reset", has_link=True)
    site.use(mail, [new], "reset", [DONE])
    site.mail(user.email, "password-changed")
    site.log_in(user.email, new)
    site.expect("the old password is refused", site.api.login(*user), REFUSED)
    site.expect("the old session has ended", site.api.me(tokens["access_token"]), ENDED)
    site.use(mail, [new], "reset-again", [DONE])
    site.use(mail, [site.new_password()], "reset-other", [INVALID])


def change_email(site):
    """Changes an email, confirms the new one, and undoes the change."""
    step("change the email, confirm and undo it")
    user, new = site.add_user("emma.poe"), "emma.doe@example.com"
    confirm, undo = ask_for_change(site, user, new)
    site.use(confirm, [None], "email", [DONE])
    undo = site.mail(user.email, "email-changed", has_link=True)
    site.mail(new, "email-confirmed")
    tokens = site.log_in(new, user.password)
    site.expect("the old email is unknown", site.api.login(*user), REFUSED)
    token = tokens["access_token"]
    site.expect("another change must wait", site.api.signed_in(
        "POST", "email", token, {"new_email": "emma.roe@example.com", "password": user.password}), CHANGED_RECENTLY)
    site.expect("so must the deletion", site.api.signed_in(
        "DELETE", "account", token, {"password": user.password}), CHANGED_RECENTLY)
    site.use(undo, [None], "undo", [DONE])
    site.mail(new, "email-undone")
    restored = site.mail(user.email, "email-restored", has_link=True)
    site.expect("the session has ended", site.api.me(token), ENDED)
    for email in (user.email, new):
        site.expect(f"{email} cannot log in with the password", site.api.login(email, user.password), REFUSED)
    password = site.new_password()
    site.use(restored, [password], "restored", [DONE])
    site.mail(user.email, "password-changed", name="password-changed-after-undo")
    site.log_in(user.email, password)


def cancel_email(site):
    """Cancels a change of the email before it is confirmed."""
    step("change the email and cancel it")
    user = site.add_user("enid.poe")
    confirm, undo = ask_for_change(site, user, "enid.doe@example.com")
    site.use(undo, [None], "cancel", [DONE])
    site.use(confirm, [None], "email-cancelled", [INVALID])
    site.log_in(*user)


def ask_for_change(site, user, new):
    """Requests a change of the address. Returns the emails to the new and to the old one."""
    token = site.log_in(*user)["access_token"]
    body = {"new_email": new, "password": user.password}
    site.expect("a change of the email needs the password", site.api.signed_in(
        "POST", "email", token, body | {"password": user.password + "x"}), REFUSED)
    site.expect("with the password, it is accepted", site.api.signed_in("POST", "email", token, body), ACCEPTED)
    confirm = site.mail(new, "email", has_link=True)
    undo = site.mail(user.email, "email-requested", has_link=True)
    site.expect("until then, the session goes on", site.api.me(token)[0], 200)
    return confirm, undo
