//! A folder of emails as files, for local work.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    io::{self, Write},
    path::PathBuf,
};

use auth_core::random_id;

use crate::{Message, Transport, TransportError};

/// Writes each email to a file `<seconds since 1970>-<kind>-<random>.eml`, which mail programs open.
#[derive(Debug, Clone)]
pub struct MailFolder {
    path: PathBuf,
}

impl MailFolder {
    /// Returns the folder at this path, which is created when the first email is written. Only its owner may read it and
    /// the emails, because the links in them work.
    #[must_use]
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self { path: path.into() }
    }

    /// Writes an email, and returns the path of its file.
    fn write(&self, message: &Message) -> io::Result<PathBuf> {
        let random = random_id().ok_or_else(|| io::Error::other("no randomness"))?;
        let name = format!("{}-{}-{random}", message.date.as_secs(), message.name);
        let (mut folder, mut file) = (DirBuilder::new(), OpenOptions::new());
        #[cfg(unix)]
        {
            std::os::unix::fs::DirBuilderExt::mode(&mut folder, 0o700);
            std::os::unix::fs::OpenOptionsExt::mode(&mut file, 0o600);
        }
        folder.recursive(true).create(&self.path)?;
        let path = self.path.join(format!("{name}.eml"));
        // Readers never find half a file.
        let temporary = self.path.join(format!(".{name}.tmp"));
        file.write(true).create_new(true);
        file.open(&temporary)?.write_all(&message.bytes)?;
        fs::rename(&temporary, &path)?;
        Ok(path)
    }
}

impl Transport for MailFolder {
    async fn send(&self, message: &Message) -> Result<(), TransportError> {
        let path = self.write(message).map_err(TransportError::new)?;
        tracing::info!(file = %path.display(), "mail");
        Ok(())
    }
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use auth_core::UnixTime;

    use super::*;
    use crate::MailAddress;

    /// Other users of the machine could use the links.
    #[tokio::test]
    async fn only_the_owner_may_read_the_folder_and_the_emails() {
        let parent = tempfile::tempdir().unwrap();
        let path = parent.path().join("local/mail");
        let address = MailAddress::parse("jane@example.com").unwrap();
        let message = Message {
            name: "reset",
            from: address.clone(),
            to: address,
            bytes: b"an email".into(),
            date: UnixTime::from_secs(1),
        };
        MailFolder::new(&path).send(&message).await.unwrap();
        for folder in [&path, &parent.path().join("local")] {
            let mode = fs::metadata(folder).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o700, "{}", folder.display());
        }
        let files: Vec<_> = fs::read_dir(&path).unwrap().collect();
        let [Ok(file)] = files.as_slice() else {
            panic!("one email: {files:?}");
        };
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
