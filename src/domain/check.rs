/// Outcome of one check of what quell uses: a source, a receiver, a folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// As in the configuration, e.g. `sources.prometheus`.
    pub name: String,
    pub state: CheckState,
    pub found: String,
    /// What to do next; empty when nothing is to be done.
    pub next_action: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CheckState {
    Ok,
    /// It may be there and is not configured.
    Off,
    Failed,
}

impl CheckState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Off => "off",
            Self::Failed => "failed",
        }
    }
}
