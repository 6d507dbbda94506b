use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::{
    error::{Error, Fault, Place},
    model::Config,
    reference,
    tree::{Node, Value},
};

/// Longest configuration file, in bytes.
const MAX_FILE: u64 = 1024 * 1024;

/// What references may read.
pub struct Environment<'a> {
    /// Value of an environment variable.
    pub variable: &'a dyn Fn(&str) -> Option<String>,
    /// Folder to which `${file:...}` is relative.
    pub folder: PathBuf,
}

/// A configuration and what a person should know about it.
#[derive(Debug)]
pub struct Loaded {
    pub config: Config,
    /// Things that work but should not stay so, e.g. a password in the file.
    pub warnings: Vec<String>,
}

/// Reads a configuration file (all defaults without one) and puts `a.b=c` overrides on top.
pub fn load(path: Option<&Path>, sets: &[String]) -> Result<Loaded, Error> {
    let variable = |name: &str| std::env::var(name).ok();
    let Some(path) = path else {
        return parse("defaults", "", sets, &Environment { variable: &variable, folder: PathBuf::new() });
    };
    let file = path.display().to_string();
    let whole = |message: String| Error { file: file.clone(), place: Place::Whole, message };
    let length = std::fs::metadata(path).map_err(|error| whole(error.to_string()))?.len();
    if length > MAX_FILE {
        return Err(whole(format!("{length} bytes, at most {MAX_FILE} are taken")));
    }
    let text = std::fs::read_to_string(path).map_err(|error| whole(error.to_string()))?;
    let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
    parse(&file, &text, sets, &Environment { variable: &variable, folder })
}

/// Reads a configuration from its text; `file` is its name in errors.
pub fn parse(
    file: &str,
    text: &str,
    sets: &[String],
    environment: &Environment<'_>,
) -> Result<Loaded, Error> {
    let read = || -> Result<Loaded, Fault> {
        let mut tree = Node::parse(text)?;
        sets.iter().try_for_each(|set| tree.set(set))?;
        let mut warnings = Vec::new();
        tree.each_text("", &mut |path, place, value| {
            let (Value::Text(text) | Value::Loose(text)) = &*value else { return Ok(()) };
            match reference::resolve(text, environment).map_err(|message| Fault::new(place, message))? {
                Some(resolved) => *value = Value::Loose(resolved),
                None if is_secret(path) => warnings.push(format!(
                    "`{path}` is written out in the configuration; use ${{env:NAME}} or ${{file:/path}}"
                )),
                None => {}
            }
            Ok(())
        })?;
        let config = Config::deserialize(tree)?;
        config.check().map_err(|message| Fault { place: None, message })?;
        warnings.extend(config.warnings());
        warnings.sort();
        warnings.dedup();
        Ok(Loaded { config, warnings })
    };
    read().map_err(|fault| fault.of(file))
}

/// Whether a value of this path should not stand in a file.
fn is_secret(path: &str) -> bool {
    let name = path.rsplit('.').next().unwrap_or(path);
    ["token", "bearer_token", "secrets", "routing_keys", "password"].contains(&name)
}
