//! One module per part; `server` starts a whole quell on a free port.

mod accuracy;
mod api_grpc;
mod api_health;
mod api_otlp;
mod api_query;
mod api_refusals;
mod api_watch;
mod api_webhooks;
mod app_restart;
mod authored;
mod bench_command;
mod cli_query;
mod evidence;
mod server;
