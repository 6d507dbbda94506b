//! One module per part; `server` starts a whole quell on a free port.

mod api_grpc;
mod api_health;
mod api_otlp;
mod api_refusals;
mod api_watch;
mod api_webhooks;
mod app_restart;
mod server;
