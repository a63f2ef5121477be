//! The tables of the documents list what the code has: settings, log events, alarms, parameters and commands.

use std::{
    collections::{BTreeMap, BTreeSet},
    process::Command,
};

use auth_core::VARIABLES;
use bundle_tests::{functions, process, project, template::Template};
use serde_json::Value;

use crate::{
    log_events,
    markdown::{Document, code},
};

/// Returns the names in the first column of a table.
fn listed(page: &str, title: &str) -> BTreeSet<String> {
    let rows = Document::read(page).table(title);
    let names = rows.iter().flat_map(|row| code(&row[0]));
    names.map(str::to_owned).collect()
}

#[test]
fn the_page_on_configuration_lists_the_variables() {
    let variables = VARIABLES.map(str::to_owned).into();
    assert_eq!(listed("docs/configuration.md", "Variables"), variables);
}

#[test]
fn the_page_on_operating_lists_the_log_events() {
    let messages = log_events::of_functions();
    assert_eq!(listed("docs/operating.md", "Log events"), messages);
}

/// Returns the default of a parameter as the documents write it.
fn default(parameter: &Value) -> String {
    match &parameter["Default"] {
        Value::String(text) if text.is_empty() => "none".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Returns the name of an alarm as the documents write it: those that all functions have begin with `Function`.
fn documented_alarm(alarm: &str) -> String {
    let template = Template::read();
    let functions = functions::names().map(|name| template.name_of(name));
    let mut suffixes = functions.filter_map(|function| {
        let prefix = function.strip_suffix("Function")?.to_owned();
        let suffix = alarm.strip_prefix(&prefix)?;
        ["Errors", "Throttles", "Duration"]
            .contains(&suffix)
            .then_some(suffix)
    });
    suffixes
        .next()
        .map_or_else(|| alarm.to_owned(), |suffix| format!("Function{suffix}"))
}

#[test]
fn the_page_on_the_api_lists_the_routes() {
    let rows = Document::read("docs/api.md").table("Routes");
    let named = |cell: &str| -> Vec<String> { code(cell).map(str::to_owned).collect() };
    let anywhere: BTreeSet<String> = rows.iter().flatten().flat_map(|cell| named(cell)).collect();
    let first: BTreeSet<String> = rows.iter().flat_map(|row| named(&row[0])).collect();
    let routes = functions::all()
        .iter()
        .flat_map(|function| &function.routes);
    let routes: BTreeSet<String> = routes
        .map(|route| format!("{} {}", route.method, route.path))
        .collect();
    let missing: Vec<_> = routes.difference(&anywhere).collect();
    assert!(missing.is_empty(), "not listed: {missing:?}");
    let unknown: Vec<_> = first.difference(&routes).collect();
    assert!(unknown.is_empty(), "not a route: {unknown:?}");
}

#[test]
fn the_page_on_operating_lists_the_alarms_with_their_parameters() {
    let mut expected = BTreeMap::new();
    let parameters = &project::yaml("template.yaml")["Parameters"];
    for (name, alarm) in Template::read().of_type("AWS::CloudWatch::Alarm") {
        let threshold = alarm["Properties"]["Threshold"].as_str().unwrap();
        let parameter = (threshold.to_owned(), default(&parameters[threshold]));
        expected.insert(documented_alarm(&name), parameter);
    }
    let mut listed = BTreeMap::new();
    for row in Document::read("docs/operating.md").table("Alarms") {
        let parameter = (row[2].replace('`', ""), row[3].clone());
        let names = code(&row[0]).map(str::to_owned);
        listed.extend(names.map(|name| (name, parameter.clone())));
    }
    assert_eq!(listed, expected);
}

#[test]
fn the_page_on_deploying_lists_the_parameters_with_their_defaults() {
    let template = project::yaml("template.yaml");
    let parameters = template["Parameters"].as_object().unwrap().iter();
    let expected: BTreeMap<String, String> = parameters
        .map(|(name, parameter)| (name.clone(), default(parameter)))
        .collect();
    let rows = Document::read("docs/deploying.md").table("Parameters");
    let listed = rows
        .iter()
        .map(|row| (row[0].replace('`', ""), row[1].replace('`', "")));
    assert_eq!(listed.collect::<BTreeMap<_, _>>(), expected);
}

#[test]
fn the_page_on_users_lists_the_commands_of_authctl() {
    let mut expected = BTreeSet::new();
    find_commands(&[], &mut expected);
    let is_word = |word: &&str| word.chars().all(|c| c.is_ascii_lowercase() || c == '-');
    let listed = listed("docs/users.md", "Commands").into_iter();
    // A command ends at its first argument. `or --none` in a cell is not a command.
    let commands = listed.filter(|usage| !usage.starts_with('-')).map(|usage| {
        let words = usage.split(' ').take_while(is_word);
        words.collect::<Vec<_>>().join(" ")
    });
    assert_eq!(commands.collect::<BTreeSet<_>>(), expected);
}

/// Adds the commands below `command` that have no subcommands, as the tool's own help lists them.
fn find_commands(command: &[&str], found: &mut BTreeSet<String>) {
    let mut tool = Command::new(process::authctl());
    let output = tool.args(command).arg("-h").output().unwrap();
    assert!(output.status.success(), "{command:?}");
    let help = String::from_utf8(output.stdout).unwrap();
    let section = help.lines().skip_while(|line| *line != "Commands:").skip(1);
    let section = section.take_while(|line| line.is_empty() || line.starts_with(' '));
    // Descriptions that continue on the next line are indented further.
    let names = section.filter_map(|line| {
        let line = line.strip_prefix("  ")?;
        line.split(' ').next().filter(|name| !name.is_empty())
    });
    let names: Vec<&str> = names.filter(|name| *name != "help").collect();
    if names.is_empty() {
        found.insert(command.join(" "));
    }
    for name in names {
        find_commands(&[command, &[name]].concat(), found);
    }
}

/// README.md repeats figures that other pages explain.
#[test]
fn the_figures_in_the_readme_match_those_in_the_pages() {
    let performance = project::read("docs/performance.md");
    let costs = project::read("docs/costs.md");
    let rows = Document::read("README.md").table("Compared");
    let is_measured = |row: &&Vec<String>| row.last().unwrap() == "`make bench`";
    let measured = rows.iter().filter(is_measured);
    let times = measured.flat_map(|row| &row[1..]);
    let times = times.flat_map(|cell| cell.split(" / "));
    let times: Vec<&str> = times.filter(|time| time.ends_with(" ms")).collect();
    assert_eq!(times.len(), 8, "{times:?}");
    for time in times {
        assert!(performance.contains(&format!("| {time} |")), "{time}");
    }
    let cost = rows.iter().find(|row| row[0].starts_with("100,000"));
    let cost = &cost.expect("a row with the costs")[1];
    assert!(costs.contains(&format!("| total | | {cost} |")), "{cost}");
}
