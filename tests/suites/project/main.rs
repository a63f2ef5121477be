//! The project as a whole: its lists of functions, routes and settings agree, and `template.yaml` deploys what
//! it should.

mod agreement;
mod template;
