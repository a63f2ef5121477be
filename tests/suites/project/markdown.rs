//! Markdown as GitHub reads it: headings and their anchors, links, and tables.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

use bundle_tests::project;

/// Folders without documents of the project.
const SKIPPED: [&str; 2] = ["target", "node_modules"];

/// A Markdown file of the project.
pub(crate) struct Document {
    /// Its path from the root of the project.
    pub(crate) path: String,
    /// Its text. The lines of code blocks are empty.
    text: String,
}

impl Document {
    pub(crate) fn read(path: &str) -> Self {
        Self::new(path, &project::read(path))
    }

    fn new(path: &str, text: &str) -> Self {
        let mut in_block = false;
        let lines = text.lines().map(|line| {
            let is_fence = line.trim_start().starts_with("```");
            in_block ^= is_fence;
            if in_block || is_fence { "" } else { line }
        });
        Self {
            path: path.to_owned(),
            text: lines.collect::<Vec<_>>().join("\n"),
        }
    }

    /// Reads all Markdown files of the project.
    pub(crate) fn all() -> Vec<Self> {
        let mut paths = Vec::new();
        find_markdown(&project::root(), "", &mut paths);
        paths.iter().map(|path| Self::read(path)).collect()
    }

    /// Returns the anchors of the headings.
    pub(crate) fn anchors(&self) -> BTreeSet<String> {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        let headings = self.text.lines().filter_map(heading);
        let anchors = headings.map(|heading| {
            let anchor = anchor(heading);
            let count = seen.entry(anchor.clone()).or_default();
            *count += 1;
            match *count {
                1 => anchor,
                repeated => format!("{anchor}-{}", repeated - 1),
            }
        });
        anchors.collect()
    }

    /// Returns the targets of all links and images.
    pub(crate) fn links(&self) -> Vec<String> {
        let text = without_code(&self.text);
        let after = |marker: &str, end: &[char]| -> Vec<String> {
            let parts = text.split(marker).skip(1);
            let targets = parts.filter_map(|part| part.split(end).next());
            targets.map(str::to_owned).collect()
        };
        let html = [after("href=\"", &['"']), after("src=\"", &['"'])];
        // In `[text](target "title")`, the target ends at the white space.
        let inline = after("](", &[')', ' ', '\n']);
        html.into_iter().flatten().chain(inline).collect()
    }

    /// Returns the rows of the first table below a heading, without the header.
    pub(crate) fn table(&self, title: &str) -> Vec<Vec<String>> {
        let mut lines = self.text.lines();
        let found = lines.any(|line| heading(line) == Some(title));
        assert!(found, "{}: no heading {title:?}", self.path);
        let section = lines.take_while(|line| heading(line).is_none());
        let table = section.skip_while(|line| !line.starts_with('|'));
        let rows = table.take_while(|line| line.starts_with('|')).skip(2);
        let rows: Vec<Vec<String>> = rows.map(cells).collect();
        assert!(!rows.is_empty(), "{}: no table in {title:?}", self.path);
        rows
    }
}

/// Returns the texts between backticks.
pub(crate) fn code(text: &str) -> impl Iterator<Item = &str> {
    text.split('`').skip(1).step_by(2)
}

/// Adds the paths of Markdown files below `folder`, a path that ends with `/` or is empty.
fn find_markdown(root: &Path, folder: &str, found: &mut Vec<String>) {
    for entry in fs::read_dir(root.join(folder)).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name().into_string().unwrap();
        let is_skipped = name.starts_with('.') || SKIPPED.contains(&name.as_str());
        let path = format!("{folder}{name}");
        if entry.file_type().unwrap().is_dir() && !is_skipped {
            find_markdown(root, &format!("{path}/"), found);
        } else if Path::new(&name).extension() == Some("md".as_ref()) {
            found.push(path);
        }
    }
}

fn heading(line: &str) -> Option<&str> {
    let text = line.trim_start_matches('#');
    let level = line.len() - text.len();
    let is_heading = (1..=6).contains(&level) && text.starts_with(' ');
    is_heading.then(|| text.trim())
}

/// Returns GitHub's anchor of a heading: its text in lower case, without punctuation and with hyphens for spaces.
fn anchor(heading: &str) -> String {
    // The target of a link is not part of the text.
    let texts = heading.split("](").enumerate().map(|(index, part)| {
        let rest = part.split_once(')').map_or("", |(_target, rest)| rest);
        if index == 0 { part } else { rest }
    });
    let characters = texts.flat_map(str::chars).flat_map(char::to_lowercase);
    let is_in_anchor = |c: &char| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_');
    let characters = characters.filter(is_in_anchor);
    characters.map(|c| if c == ' ' { '-' } else { c }).collect()
}

fn without_code(text: &str) -> String {
    text.split('`').step_by(2).collect()
}

fn cells(row: &str) -> Vec<String> {
    let inner = row.trim().trim_start_matches('|').trim_end_matches('|');
    let cells = inner.split('|').map(|cell| cell.trim().to_owned());
    cells.collect()
}

#[test]
fn an_anchor_has_no_punctuation_and_no_link_targets() {
    assert_eq!(anchor("How `me` works"), "how-me-works");
    assert_eq!(anchor("100,000 users: a month"), "100000-users-a-month");
    assert_eq!(
        anchor("See [the _other_](x.md) page"),
        "see-the-_other_-page"
    );
}

#[test]
fn a_repeated_heading_has_a_numbered_anchor() {
    let document = Document::new(
        "x.md",
        "# One\n## One\n```\n# Code\n```\n####### None\n#None\n",
    );
    assert_eq!(
        document.anchors(),
        ["one", "one-1"].map(String::from).into()
    );
}

#[test]
fn links_in_code_are_not_links() {
    let text = "[a](b.md#c \"title\") `[d](e.md)` ![f\ng](h.png)\n```\n[i](j.md)\n```\n<img src=\"k.png\">";
    let document = Document::new("x.md", text);
    assert_eq!(document.links(), ["k.png", "b.md#c", "h.png"]);
}

#[test]
fn a_table_is_found_below_its_heading() {
    let text =
        "# A\n| x |\n| --- |\n| 1 |\n# B\ntext\n| x | y |\n| --- | --- |\n| `2` | |\n\n| z |\n";
    let document = Document::new("x.md", text);
    assert_eq!(document.table("A"), [["1"]]);
    assert_eq!(document.table("B"), [["`2`", ""]]);
}
