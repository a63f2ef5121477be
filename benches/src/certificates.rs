//! Certificates for the TLS front, made at run time with the command `openssl`. They look like those of AWS
//! endpoints: RSA keys of 2,048 bits, and one intermediate certificate between the server's and the root.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use tempfile::TempDir;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject};

/// The extensions of the certificates, without the settings of the machine.
const CONFIGURATION: &str = "
[req]
distinguished_name = subject
[subject]
[authority]
basicConstraints = critical, CA:true
keyUsage = critical, keyCertSign
[server]
extendedKeyUsage = serverAuth
subjectAltName = DNS:";

/// A server's certificate and those above it.
pub(crate) struct Certificates {
    /// The server's certificate and the intermediate one.
    pub(crate) chain: Vec<CertificateDer<'static>>,
    pub(crate) key: PrivateKeyDer<'static>,
    /// The root certificate in PEM, which clients must trust.
    pub(crate) root: String,
}

impl Certificates {
    /// Makes certificates that are valid for a day, for a server of this name.
    pub(crate) fn make(host: &str) -> Self {
        let folder = TempDir::new().expect("a temporary folder");
        let (certificate, key) = (file(&folder, "server.pem"), file(&folder, "server.key"));
        fs::write(
            file(&folder, "configuration"),
            CONFIGURATION.to_owned() + host,
        )
        .expect("written");
        make(folder.path(), "root", "authority", None);
        make(folder.path(), "intermediate", "authority", Some("root"));
        make(folder.path(), "server", "server", Some("intermediate"));
        let chain = [certificate, file(&folder, "intermediate.pem")];
        Self {
            chain: chain
                .map(|file| CertificateDer::from_pem_file(file).expect("PEM"))
                .into(),
            key: PrivateKeyDer::from_pem_file(key).expect("PEM"),
            root: fs::read_to_string(file(&folder, "root.pem")).expect("PEM"),
        }
    }
}

fn file(folder: &TempDir, name: &str) -> PathBuf {
    folder.path().join(name)
}

/// Makes `<name>.pem` and `<name>.key`, signed with the key of `issuer` or its own.
fn make(folder: &Path, name: &str, extensions: &str, issuer: Option<&str>) {
    let options = format!(
        "req -x509 -config configuration -extensions {extensions} -subj /CN={name} -days 1 -newkey rsa:2048 -nodes -keyout {name}.key -out {name}.pem"
    );
    let issuer = issuer.map(|issuer| format!(" -CA {issuer}.pem -CAkey {issuer}.key"));
    let options = options + &issuer.unwrap_or_default();
    let made = Command::new("openssl")
        .args(options.split(' '))
        .current_dir(folder)
        .output()
        .expect("openssl runs");
    let errors = String::from_utf8_lossy(&made.stderr);
    assert!(made.status.success(), "openssl {options}: {errors}");
}
