//! Tests of the program through its public interfaces.

#[cfg(test)]
mod suite;
