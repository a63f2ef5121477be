//! Which new passwords are accepted (NIST SP 800-63B-4 section 3.1.1.2): long enough, not easy to guess, and not made of
//! words that anyone would try for this user. No rule asks for kinds of characters.
//!
//! What is easy to guess is estimated by zxcvbn with its lists of common passwords, names and words. The limit follows
//! from the counters: at most 100 failures a day are allowed, so a million guesses take 27 years.

use super::Password;

/// Fewer estimated guesses than this are too few.
const MIN_GUESSES: u64 = 1_000_000;

/// Words of the context that are shorter occur in passwords by chance.
const MIN_WORD_CHARS: usize = 4;

/// Why a new password is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum PasswordRefusal {
    /// Too few characters.
    #[error("it has fewer than {min_chars} characters")]
    TooShort {
        /// The minimum.
        min_chars: usize,
    },
    /// Too little is left without the words of the context.
    #[error(
        "it has fewer than {min_chars} characters apart from words in the email address and the application's name"
    )]
    Context {
        /// The minimum.
        min_chars: usize,
    },
    /// On a list of common passwords, or similar to one, or otherwise easy to guess.
    #[error("it is too easy to guess, because it is common or similar to a common password")]
    Common,
}

/// Which new passwords are accepted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PasswordPolicy {
    /// The minimum number of characters.
    pub min_chars: usize,
    /// The name of the application, whose words do not count.
    pub app_name: String,
}

impl PasswordPolicy {
    /// The default minimum (NIST SP 800-63B-4: 8 next to another factor).
    pub const MIN_CHARS: usize = 8;
    /// The advised minimum (NIST SP 800-63B-4: 15 for a password that is the only factor).
    pub const ADVISED_CHARS: usize = 15;

    /// Checks a new password of the user of an address, in any case.
    ///
    /// # Errors
    ///
    /// [`PasswordRefusal`] for the first rule that it breaks.
    pub fn check(&self, password: &Password, email: &str) -> Result<(), PasswordRefusal> {
        let (text, min_chars) = (password.0.as_str(), self.min_chars);
        if text.chars().count() < min_chars {
            return Err(PasswordRefusal::TooShort { min_chars });
        }
        let words = self.words(email);
        if chars_besides(text, &words) < min_chars {
            return Err(PasswordRefusal::Context { min_chars });
        }
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        if zxcvbn::zxcvbn(text, &words).guesses() < MIN_GUESSES {
            return Err(PasswordRefusal::Common);
        }
        Ok(())
    }

    /// Returns the words of the context in lower case, the longest first.
    fn words(&self, email: &str) -> Vec<String> {
        let email = email.to_lowercase();
        let text = format!("{email}\n{}", self.app_name.to_lowercase());
        let words = text.split(|c: char| !c.is_alphanumeric());
        let words = words.filter(|word| word.chars().count() >= MIN_WORD_CHARS);
        let mut words: Vec<String> = words.map(str::to_owned).collect();
        // Its own words may all be short.
        words.push(email);
        words.sort_by_key(|word| std::cmp::Reverse(word.len()));
        words
    }
}

/// Returns the number of letters, digits and other characters of a password without these words, in any case.
fn chars_besides(password: &str, words: &[String]) -> usize {
    let mut rest = password.to_lowercase();
    for word in words {
        rest = rest.replace(word, "");
    }
    rest.chars().count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(password: &str, email: &str, min_chars: usize) -> Result<(), PasswordRefusal> {
        let policy = PasswordPolicy {
            min_chars,
            app_name: "Leapify Orders".into(),
        };
        policy.check(&Password::parse(password).unwrap(), email)
    }

    fn check_janes(password: &str) -> Result<(), PasswordRefusal> {
        check(password, "jane@example.com", 8)
    }

    #[test]
    fn length_is_counted_in_characters() {
        for password in ["", "k8#vQ2!", "äöüß€äö"] {
            let refusal = PasswordRefusal::TooShort { min_chars: 8 };
            assert_eq!(check_janes(password), Err(refusal), "{password}");
        }
        assert_eq!(check_janes("k8#vQ2!z"), Ok(()));
        let refusal = PasswordRefusal::TooShort { min_chars: 15 };
        assert_eq!(check("k8#vQ2!zk8#vQ2", "a@b.c", 15), Err(refusal));
        assert_eq!(check("k8#vQ2!zk8#vQ2w", "a@b.c", 15), Ok(()));
    }

    #[test]
    fn passwords_that_are_easy_to_guess_are_refused() {
        for password in [
            "changeme",
            "password",
            "password1",
            "Passw0rd!",
            "P@ssw0rd",
            "12345678",
            "1234567890123456",
            "iloveyou",
            "qwertyuiop",
            "aaaaaaaaaaaaaaaa",
            "abcdefghijkl",
            "drowssap",
            "elephant",
            "19871224",
        ] {
            assert_eq!(
                check_janes(password),
                Err(PasswordRefusal::Common),
                "{password}"
            );
        }
    }

    #[test]
    fn words_of_the_address_and_of_the_application_do_not_count() {
        let refusal = Err(PasswordRefusal::Context { min_chars: 8 });
        for (password, email) in [
            ("Jane@Example.com", "jane@example.com"),
            ("janejanejanejane", "jane@example.com"),
            ("jane-example-K8#", "jane@example.com"),
            ("EXAMPLE2026!", "jane@example.com"),
            ("Leapify-orders7", "jane@example.com"),
            ("al@b.example", "al@b.example"),
            ("al@b.cd.ef.gh", "al@b.cd.ef.gh"),
        ] {
            assert_eq!(check(password, email, 8), refusal, "{password}");
        }
        for password in ["jane k8#vQ2!z", "al and the example k8#v"] {
            assert_eq!(check_janes(password), Ok(()), "{password}");
        }
    }

    #[test]
    fn other_passwords_are_accepted_whatever_their_characters() {
        for password in [
            "correct horse battery staple",
            "grüne Äpfel am Baum",
            "密码密码很长很长的密码",
            " another horse altogether ",
            &"k8#vQ2!z wT5 ".repeat(70),
        ] {
            assert_eq!(check_janes(password), Ok(()), "{password}");
        }
    }
}
