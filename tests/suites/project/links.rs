//! Links between documents have targets, and README.md links to every page.

use std::{collections::BTreeSet, path::Path};

use bundle_tests::project;

use crate::markdown::Document;

#[test]
fn every_link_leads_to_a_file_and_a_heading() {
    let documents = Document::all();
    assert!(
        documents
            .iter()
            .any(|document| document.path == "README.md")
    );
    let broken = documents.iter().flat_map(|document| {
        let links = document.links().into_iter();
        let problems = links.filter_map(|link| Some((check(document, &link).err()?, link)));
        let path = &document.path;
        let texts = problems.map(|(problem, link)| format!("{path}: {link}: {problem}"));
        texts.collect::<Vec<_>>()
    });
    let broken: Vec<String> = broken.collect();
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_page_is_linked_from_the_readme_and_from_another_page() {
    let pages = Document::all();
    let pages: Vec<Document> = pages.into_iter().filter(is_page).collect();
    let readme = targets(&Document::read("README.md"));
    for page in &pages {
        assert!(readme.contains(&page.path), "README.md: {}", page.path);
        let others = pages.iter().filter(|other| other.path != page.path);
        let is_linked = others.map(targets).any(|links| links.contains(&page.path));
        assert!(is_linked, "no page links to {}", page.path);
    }
}

fn is_page(document: &Document) -> bool {
    Path::new(&document.path).parent() == Some(Path::new("docs"))
}

/// Returns the files of the project that a document links to.
fn targets(document: &Document) -> BTreeSet<String> {
    let links = document.links();
    let files = links.iter().filter(|link| !is_external(link));
    files.filter_map(|link| target(document, link)).collect()
}

fn is_external(link: &str) -> bool {
    link.contains("://") || link.starts_with("mailto:")
}

/// Returns the path of the file that a relative link names, from the root of the project. `None` if the path leaves
/// the project.
fn target(document: &Document, link: &str) -> Option<String> {
    let path = link.split('#').next().unwrap_or_default();
    if path.is_empty() {
        return Some(document.path.clone());
    }
    let mut parts: Vec<&str> = document.path.split('/').collect();
    parts.pop();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()?),
            name => parts.push(name),
        }
    }
    Some(parts.join("/"))
}

fn check(document: &Document, link: &str) -> Result<(), &'static str> {
    if is_external(link) {
        return Ok(());
    }
    if link.starts_with('/') {
        return Err("is not relative");
    }
    let path = target(document, link).ok_or("leaves the project")?;
    if !project::root().join(&path).exists() {
        return Err("no such file");
    }
    let Some((_path, anchor)) = link.split_once('#') else {
        return Ok(());
    };
    if Path::new(&path).extension() != Some("md".as_ref()) {
        return Err("is not Markdown, so it has no headings");
    }
    let anchors = Document::read(&path).anchors();
    let is_found = anchors.contains(anchor);
    is_found.then_some(()).ok_or("no such heading")
}
