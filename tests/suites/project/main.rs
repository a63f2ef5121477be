//! The project as a whole: its lists of functions, routes and settings agree, `template.yaml` deploys what it
//! should, and the documents list what there is and link to what exists.

mod agreement;
mod api;
mod commands;
mod dependencies;
mod documents;
mod examples;
mod links;
mod log_events;
mod markdown;
mod template;
