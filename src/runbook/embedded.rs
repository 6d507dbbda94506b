/// The shipped runbooks by file name; a test holds the table against the folder.
pub(super) const EMBEDDED: &[(&str, &str)] = &[];
