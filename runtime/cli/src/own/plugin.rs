//! `connectd plugin`: connector classes of a worker, and components in files.
//!
//! Owns its flags, and how a component is described: in sentences about what it can be and what it asks for. Leaves loading components to
//! the binary. Invariant: a component is described by what it says of itself, and by nothing else.

use runtime_core::{
    complaint::Complaint,
    config::nearest::nearest,
    plugin::{PluginInfo, Role, Want},
};
use serde_json::{Value, json};

use super::{
    outcome::{Common, Done, Outcome, failed, input},
    rest::{Rest, Worker, segment},
    scaffold,
};
use crate::{table, world::World};

/// `connectd plugin`
#[derive(clap::Args, Clone, Debug, PartialEq, Eq)]
pub struct Plugins {
    #[command(subcommand)]
    pub(super) action: Action,
    #[command(flatten)]
    worker: Worker,
    #[command(flatten)]
    pub(super) common: Common,
}

#[derive(clap::Subcommand, Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// List the classes of a worker
    List {
        /// Converters, transforms and predicates too
        #[arg(long)]
        all: bool,
    },
    /// Show the settings of a class
    Describe {
        /// Such as FileStreamSource, or its full name
        #[arg(value_name = "CLASS")]
        class: String,
    },
    /// Load components as a worker would, and say what they are and what they ask for; no worker is needed
    Validate {
        /// Components, or folders of them
        #[arg(value_name = "FILE.wasm", required = true)]
        paths: Vec<String>,
    },
    /// Begin a connector in Rust: a folder with one that works, and what it needs
    New(scaffold::New),
}

impl Plugins {
    pub(super) fn name(&self) -> &'static str {
        match self.action {
            Action::List { .. } => "plugin list",
            Action::Describe { .. } => "plugin describe",
            Action::Validate { .. } => "plugin validate",
            Action::New(_) => "plugin new",
        }
    }

    /// The files to load, if that is what is asked for.
    pub fn to_load(&self) -> Option<&[String]> {
        match &self.action {
            Action::Validate { paths } => Some(paths),
            _ => None,
        }
    }

    pub(super) fn run(&self, world: &mut dyn World) -> Done {
        match &self.action {
            Action::List { all } => list(&mut Rest::new(&self.worker, world)?, *all),
            Action::Describe { class } => describe(&mut Rest::new(&self.worker, world)?, class),
            Action::New(new) => new.run(world),
            Action::Validate { .. } => unreachable!("components are loaded in the binary"),
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or("-").to_owned()
}

fn list(rest: &mut Rest<'_>, all: bool) -> Done {
    let path = format!("/connector-plugins?connectorsOnly={}", !all);
    let answer = rest.ask("GET", &path, None, "plug-ins were not listed")?;
    let rows = answer.as_array().map(Vec::as_slice).unwrap_or_default();
    let cells = rows.iter().map(|row| vec![text(&row["class"]), text(&row["type"]), text(&row["version"])]);
    let table = table::aligned(&["CLASS", "TYPE", "VERSION"], &cells.collect::<Vec<_>>());
    Ok(Outcome::new(answer.clone(), table))
}

fn describe(rest: &mut Rest<'_>, class: &str) -> Done {
    let what = format!("class {class} was not described");
    let Some(keys) = rest.find(&format!("/connector-plugins/{}/config", segment(class)), &what)? else {
        let known = rest.ask("GET", "/connector-plugins?connectorsOnly=false", None, &what)?;
        let full: Vec<&str> = known.as_array().into_iter().flatten().filter_map(|row| row["class"].as_str()).collect();
        let names = full.iter().flat_map(|full| {
            let simple = full.rsplit('.').next().unwrap_or(full);
            [*full, simple, simple.strip_suffix("Connector").unwrap_or(simple)]
        });
        let near = nearest(class, names).map(|near| format!(" Did you mean {near}?")).unwrap_or_default();
        let why = format!("the worker has no such class.{near}");
        return Err(failed(Complaint::new(what).because(why).help("connectd plugin list --all")));
    };
    let mut lines = String::new();
    for key in keys.as_array().into_iter().flatten() {
        let default = match (&key["default_value"], key["required"] == true) {
            (_, true) => "required".to_owned(),
            (Value::String(text), _) if !text.is_empty() => format!("default {text}"),
            _ => "no default".to_owned(),
        };
        let kind = text(&key["type"]).to_lowercase();
        lines += &format!("{}  {kind}, {default}\n    {}\n", text(&key["name"]), text(&key["documentation"]));
    }
    Ok(Outcome::new(keys, lines))
}

/// What became of loading one component: its description and the number of settings in each role, or why it cannot be used.
pub type Loaded<'a> = Result<(&'a PluginInfo, Vec<(Role, usize)>), String>;

/// The end of `plugin validate`.
pub fn validated(loaded: &[(String, Loaded<'_>)]) -> Done {
    let bad: Vec<&(String, Loaded<'_>)> = loaded.iter().filter(|(_, loaded)| loaded.is_err()).collect();
    if let [(path, Err(why)), ..] = bad.as_slice() {
        let more = match bad.len() {
            1 => String::new(),
            count => format!(" ({} more cannot be used either)", count - 1),
        };
        let complaint = Complaint::new(format!("the component cannot be used{more}")).at(path).because(why);
        return Err(input(
            complaint.help("build it for wasm32-wasip2 against the WIT in the folder wit, with `cargo build`"),
        ));
    }
    if loaded.is_empty() {
        let complaint = Complaint::new("nothing was validated").because("there is no file that ends in .wasm");
        return Err(input(complaint));
    }
    let (mut result, mut shown) = (Vec::new(), String::new());
    for (path, info, roles) in
        loaded.iter().filter_map(|(path, loaded)| loaded.as_ref().ok().map(|(info, roles)| (path, *info, roles)))
    {
        if !shown.is_empty() {
            shown.push('\n');
        }
        let title = if info.title.is_empty() { String::new() } else { format!("  {}", info.title) };
        shown += &format!("{path}\n  {} {}{title}\n", info.name, info.version);
        for (role, keys) in roles {
            let classes: Vec<&str> = info.classes(*role).collect();
            shown += &format!("  {} with {keys} settings, as {}\n", role.name(), classes.join(", "));
        }
        if info.wants.is_empty() {
            shown += "  asks for nothing: it sees its records and no file, network or clock\n";
        }
        for want in &info.wants {
            shown += &format!("  asks for {} ({}): {}\n", want.capability, want.detail, want.reason);
        }
        let want = |want: &Want| json!({ "capability": want.capability, "detail": want.detail, "reason": want.reason });
        let wants: Vec<Value> = info.wants.iter().map(want).collect();
        result.push(json!({
            "file": path,
            "name": info.name,
            "version": info.version,
            "roles": roles.iter().map(|(role, _)| role.name()).collect::<Vec<_>>(),
            "classes": roles.iter().flat_map(|(role, _)| info.classes(*role)).collect::<Vec<_>>(),
            "wants": wants,
        }));
    }
    Ok(Outcome::new(result.into(), shown))
}
