//! Prepares the files of the function in `OUT_DIR`: each as it is, compressed, and with a hash for its `ETag`.
//!
//! The contract is converted from `openapi.yaml`. The files of Swagger UI come from a crate that contains its release
//! as an archive.

use std::{
    collections::hash_map::DefaultHasher,
    env,
    error::Error,
    fs,
    hash::{Hash, Hasher},
    io::{Read, Write},
    path::PathBuf,
};

use flate2::{Compression, bufread::DeflateDecoder, write::GzEncoder};
use rawzip::{ZipArchive, ZipSliceArchive};
use serde_json::Value;
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;

/// Relative to the root of the crate.
const CONTRACT: &str = "../../openapi.yaml";

const OWN_FILES: [&str; 2] = ["docs.html", "docs.js"];

const SWAGGER_UI_FILES: [&str; 3] = ["index.css", "swagger-ui.css", "swagger-ui-bundle.js"];

fn main() -> Result<(), Box<dyn Error>> {
    for path in ["build.rs", "page", CONTRACT] {
        println!("cargo::rerun-if-changed={path}");
    }
    let contract: Value = serde_saphyr::from_str(&fs::read_to_string(CONTRACT)?)?;
    write("openapi.json", contract.to_string().as_bytes())?;
    for name in OWN_FILES {
        write(name, &fs::read(format!("page/{name}"))?)?;
    }
    let archive = ZipArchive::from_slice(SWAGGER_UI_VENDORED)?;
    for name in SWAGGER_UI_FILES {
        write(name, &extract(&archive, name)?)?;
    }
    Ok(())
}

/// Extracts a file from the folder `dist`, whose parent is named after the release.
fn extract(archive: &ZipSliceArchive<&[u8]>, name: &str) -> Result<Vec<u8>, Box<dyn Error>> {
    let mut entries = archive.entries();
    while let Some(entry) = entries.next_entry()? {
        let path = entry.file_path().try_normalize()?;
        if !path.as_ref().split('/').skip(1).eq(["dist", name]) {
            continue;
        }
        let compressed = archive.get_entry(entry.wayfinder())?;
        let decoder = DeflateDecoder::new(compressed.data());
        let mut bytes = Vec::new();
        compressed
            .verifying_reader(decoder)
            .read_to_end(&mut bytes)?;
        return Ok(bytes);
    }
    Err(format!("Swagger UI's release has no file dist/{name}").into())
}

/// Writes a file, its compressed form, and the hash that changes with it.
fn write(name: &str, bytes: &[u8]) -> Result<(), Box<dyn Error>> {
    let folder = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(folder.join(name), bytes)?;
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    gzip.write_all(bytes)?;
    fs::write(folder.join(format!("{name}.gz")), gzip.finish()?)?;
    let mut hasher = DefaultHasher::new();
    bytes.hash(&mut hasher);
    let hash = format!("{:016x}", hasher.finish());
    fs::write(folder.join(format!("{name}.hash")), hash)?;
    Ok(())
}
