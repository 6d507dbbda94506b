//! The adapter through its public interface: against a real Prometheus, and against awkward servers.

#[cfg(test)]
mod suite {
    mod awkward;
    mod real;
    mod shop;
}
