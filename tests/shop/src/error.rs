/// Why the shop could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("shop configuration: {0}")]
    Config(String),
    #[error("cannot listen on loopback for {service}: {cause}")]
    Listen { service: &'static str, cause: std::io::Error },
    #[error("cannot set up telemetry of {service}: {cause}")]
    Telemetry { service: &'static str, cause: String },
    #[error("no fault named {0:?}, give one of {names}", names = crate::Fault::names())]
    UnknownFault(String),
    #[error("orders-db did not take {statement:?}: {cause}")]
    Database { statement: String, cause: String },
    #[error("the shop is stopped, start a new one")]
    Stopped,
}

pub type Result<T, E = Error> = std::result::Result<T, E>;
