// All words of the page, except the paragraph `no-script` in account.html.
//
// To translate the page, translate the values here and the paragraph there, and set `language`. Names in braces are
// replaced: {app} is the name of the application; {email}, {from} and {to} are addresses. They may be moved, repeated
// or left out.

/** The language of the texts (BCP 47), which also formats numbers and times. */
export const language = "en";

/** The texts of each kind of link. Arrays are paragraphs. */
export const kinds = {
  "sign-up": {
    heading: "Choose a password",
    paragraphs: ["Choose a password to create your account at {app}."],
    button: "Create account",
    busy: "Creating your account…",
    done: {
      heading: "Your account is ready",
      paragraphs: ["Go back to {app} and sign in as {email} with your new password."],
    },
    invalid: [
      "This link works for 24 hours. If you already used it, your account exists: sign in.",
      "Otherwise, sign up again to get a new link.",
    ],
  },
  invite: {
    heading: "Choose a password",
    paragraphs: ["You have been invited to {app}. Choose a password to create your account."],
    button: "Create account",
    busy: "Creating your account…",
    done: {
      heading: "Your account is ready",
      paragraphs: ["Go to {app} and sign in as {email} with your new password."],
    },
    invalid: [
      "This link works for 24 hours. If you already used it, your account exists: sign in.",
      "Otherwise, ask the person who invited you for a new link.",
    ],
  },
  reset: {
    heading: "Set a new password",
    paragraphs: ["Saving a new password signs you out on all devices."],
    button: "Save password",
    busy: "Saving your password…",
    done: {
      heading: "Password saved",
      paragraphs: [
        "You have been signed out on all devices. Go back to {app} and sign in as {email} with your new password.",
      ],
    },
    invalid: [
      "This link works for 30 minutes, and only until you change your password or sign out on all devices.",
      "To get a new link, choose “Forgot password” in {app}.",
    ],
  },
  email: {
    heading: "Confirm your new email address",
    paragraphs: [
      "Your email address at {app} will change from {from} to {to}.",
      "This signs you out on all devices. From then on, sign in as {to} with your password.",
    ],
    button: "Confirm email address",
    busy: "Confirming your email address…",
    done: {
      heading: "Your email address has been changed",
      paragraphs: ["You have been signed out on all devices. Go back to {app} and sign in as {to}."],
    },
    invalid: [
      "This link works for 60 minutes, and only until the change is undone, you change your password, or you sign out on all devices.",
      "If you already used it, sign in with the new address. Otherwise, sign in with the old one and change it again.",
    ],
  },
  undo: {
    heading: "Undo the change of your email address",
    paragraphs: [
      "Someone who entered your password asked to change your email address at {app} from {from} to {to}.",
      "If it wasn’t you, undo the change: your account keeps {from}, or gets it back, and all devices are signed out. If the change was already confirmed, the password is removed too, and we email you a link to set a new one.",
    ],
    button: "Undo the change",
    busy: "Undoing the change…",
    done: {
      heading: "The change has been undone",
      paragraphs: [
        "The email address of your account is {from}, and all devices have been signed out.",
        "If you receive an email with a link to set a new password, use it. Otherwise, sign in and change your password: someone else knows it.",
      ],
    },
    invalid: [
      "This link works for 72 hours, and only while the change can be undone.",
      "If you already used it, the change has been undone. If you did not ask for the change and cannot sign in, contact the people who run {app}.",
    ],
  },
};

/** What the page says if it cannot use the link. */
export const views = {
  invalid: { heading: "This link has expired or was already used" },
  incomplete: {
    heading: "This link is incomplete",
    paragraphs: [
      "Open the link in your email again. If your email program splits it over several lines, copy all of them.",
      "If you reloaded this page, open the link again: for your safety, the page does not keep it.",
    ],
  },
};

/** Labels and hints of the form. */
export const form = {
  email: "Email address",
  password: "New password",
  show: "Show password",
  rules: "Rules for your password:",
  expiry: "This link works until {time}.",
};

/** The rules for a new password. */
export const rules = {
  length: "At least {min} characters",
  context: "At least {min} characters that are not part of your email address or “{app}”",
  common: "Not a common password or similar to one (checked when you save)",
};

/** Read by screen readers before a rule. */
export const states = {
  met: "Met:",
  unmet: "Not met:",
  open: "Not checked yet:",
};

/** Read by screen readers when typing pauses. */
export const typing = {
  length: "{count} of at least {min} characters.",
  context: "Long enough, but too much of it comes from your email address or “{app}”.",
  met: "Long enough.",
};

/** Why a password is rejected. */
export const refusals = {
  empty: "Enter a new password.",
  length: "Enter at least {min} characters.",
  context: "Use at least {min} characters that are not part of your email address or “{app}”.",
  common: "This password is too easy to guess, because it is common or similar to a common one. Choose another.",
  long: "This password is too long. Use at most 1,024 characters, or fewer if it contains accents, symbols or emoji.",
  other: "This password was rejected. Choose another.",
};

/** Why a request failed. In each case, the user can try again. */
export const problems = {
  throttled: "Too many attempts. Try again {when}.",
  throttledUnknown: "Too many attempts. Try again later.",
  unavailable: "{app} is not responding. Your link still works: try again in a minute.",
  offline: "Could not reach {app}. Check your internet connection and try again.",
  other: "Something went wrong (error {status}). Try again. If that does not help, request a new link.",
};
