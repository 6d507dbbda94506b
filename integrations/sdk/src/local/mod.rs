//! Query languages over signals held in memory.
