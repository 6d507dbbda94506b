//! Tests of the program through its public interfaces.

mod suite;
