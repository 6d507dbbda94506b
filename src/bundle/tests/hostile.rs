use std::os::unix::fs::symlink;

use proptest::prelude::*;
use tempfile::tempdir;

use super::*;

fn with_reference(reference: &str) -> String {
    MANIFEST.replace("\"name\"", &format!("\"reference\":\"{reference}\",\"name\""))
}

#[test]
fn a_reference_may_not_leave_the_neighbourhood() {
    let root = tempdir().unwrap();
    let far = write(root.path(), "far", &[("logs.jsonl", b"")]);
    let home = root.path().join("home");
    for reference in ["/etc", "../../far", "../x/../../far", &far.display().to_string()] {
        let path = write(&home, "case", &[("manifest.json", with_reference(reference).as_bytes())]);
        for result in [strict(&path), lenient(&path)] {
            assert!(matches!(result, Err(Error::Outside { .. })), "{reference}: {result:?}");
        }
    }
    symlink(&far, home.join("link")).unwrap();
    let path = write(&home, "case", &[("manifest.json", with_reference("../link").as_bytes())]);
    assert!(matches!(strict(&path), Err(Error::Outside { .. })));
    for reference in ["../nowhere", ".", "..", "../case"] {
        let path = write(&home, "case", &[("manifest.json", with_reference(reference).as_bytes())]);
        let result = strict(&path);
        assert!(matches!(result, Err(Error::Reference { .. })), "{reference}: {result:?}");
    }
}

#[test]
fn a_file_may_not_be_a_link_out_of_the_bundle() {
    let root = tempdir().unwrap();
    let secret = root.path().join("secret");
    std::fs::write(&secret, log_line("cart", 1, "password")).unwrap();
    let path = write(root.path(), "case", &[("manifest.json", MANIFEST.as_bytes())]);
    symlink(&secret, path.join("logs.jsonl")).unwrap();
    assert!(matches!(lenient(&path), Err(Error::Outside { .. })));

    std::fs::remove_file(path.join("logs.jsonl")).unwrap();
    std::fs::write(path.join("kept.jsonl"), log_line("cart", 1, "x")).unwrap();
    symlink("kept.jsonl", path.join("logs.jsonl")).unwrap();
    assert_eq!(strict(&path).unwrap().store.logs.len(), 1, "a link within is fine");

    std::fs::remove_file(path.join("logs.jsonl")).unwrap();
    std::fs::create_dir(path.join("logs.jsonl")).unwrap();
    assert!(strict(&path).unwrap_err().to_string().contains("not a regular file"));
}

#[test]
fn an_archive_may_not_hold_links_or_paths_that_leave_it() {
    let root = tempdir().unwrap();
    let path = root.path().join("b.tar.zst");
    let mut archive = tar::Builder::new(Vec::new());
    let mut link = header(0, tar::EntryType::Symlink);
    archive.append_link(&mut link, "logs.jsonl", "/etc/passwd").unwrap();
    std::fs::write(&path, zstd(&archive.into_inner().unwrap())).unwrap();
    assert!(matches!(strict(&path), Err(Error::Outside { .. })));

    for name in ["../logs.jsonl", "/tmp/logs.jsonl"] {
        let mut archive = tar::Builder::new(Vec::new());
        let mut header = header(0, tar::EntryType::Regular);
        header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
        header.set_cksum();
        archive.append(&header, &b""[..]).unwrap();
        std::fs::write(&path, zstd(&archive.into_inner().unwrap())).unwrap();
        let result = strict(&path);
        assert!(matches!(result, Err(Error::Outside { .. })), "{name}: {result:?}");
    }
}

fn with_limits(change: impl FnOnce(&mut Limits)) -> Options {
    let mut options = Options { lenient: true, ..Options::default() };
    change(&mut options.limits);
    options
}

#[test]
fn bombs_do_not_go_off() {
    let root = tempdir().unwrap();
    let bomb = vec![b'\n'; 4 << 20];
    for (name, bytes) in [("logs.jsonl.zst", zstd(&bomb)), ("logs.jsonl.gz", gzip(&bomb))] {
        let path = write(root.path(), name, &[(name, &bytes)]);
        for options in [
            with_limits(|limits| (limits.ratio, limits.ratio_from_bytes) = (100, 1 << 20)),
            with_limits(|limits| limits.file_bytes = 1 << 20),
            with_limits(|limits| limits.total_bytes = 1 << 20),
        ] {
            let result = open(&path, options);
            assert!(matches!(result, Err(Error::TooLarge { line, .. }) if line > 1), "{result:?}");
        }
        assert!(
            open(&path, Options::default()).is_err_and(|error| matches!(error, Error::NotABundle { .. }))
        );
    }
    let path = root.path().join("b.tar.zst");
    std::fs::write(&path, packed(&[("logs.jsonl", &bomb)])).unwrap();
    let result = open(&path, with_limits(|limits| (limits.ratio, limits.ratio_from_bytes) = (100, 1 << 20)));
    assert!(matches!(result, Err(Error::TooLarge { .. })), "{result:?}");
}

#[test]
fn long_lines_are_named_or_skipped() {
    let root = tempdir().unwrap();
    let logs = format!(
        "{}\n{}\n{}",
        log_line("cart", 1, "a"),
        log_line("cart", 2, &"x".repeat(5_000)),
        log_line("cart", 3, "b")
    );
    let path =
        write(root.path(), "b", &[("manifest.json", MANIFEST.as_bytes()), ("logs.jsonl", logs.as_bytes())]);
    let mut options = with_limits(|limits| limits.line_bytes = 1_000);
    assert_eq!(open(&path, options).unwrap().store.logs.len(), 2);
    options.lenient = false;
    let message = open(&path, options).unwrap_err().to_string();
    assert!(message.contains("logs.jsonl, line 2: is longer than 1000 bytes"), "{message}");

    let options = with_limits(|limits| limits.signal_bytes = 1_000);
    let bundle = open(&path, options).unwrap();
    assert!(bundle.store.logs.len() == 2 && bundle.skipped[0].lines == 1, "{:?}", bundle.skipped);
}

#[test]
fn a_compressed_file_cut_short_is_named_and_leniently_kept_so_far() {
    let root = tempdir().unwrap();
    let lines: String =
        (0..2_000).map(|second| log_line("cart", second % 60, &format!("line {second}")) + "\n").collect();
    let whole = gzip(lines.as_bytes());
    let cut = &whole[..whole.len() - 100];
    let path = write(root.path(), "b", &[("manifest.json", MANIFEST.as_bytes()), ("logs.jsonl.gz", cut)]);
    let message = strict(&path).unwrap_err().to_string();
    assert!(
        message.contains("logs.jsonl.gz, line ") && message.contains("cannot be read to its end"),
        "{message}"
    );
    let bundle = lenient(&path).unwrap();
    assert!(bundle.store.logs.len() > 100 && bundle.skipped[0].lines >= 1);

    let mut damaged = zstd(lines.as_bytes());
    let middle = damaged.len() / 2;
    damaged[middle] ^= 0xff;
    let path =
        write(root.path(), "c", &[("manifest.json", MANIFEST.as_bytes()), ("logs.jsonl.zst", &damaged)]);
    assert!(strict(&path).is_err());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn arbitrary_bytes_in_any_file_never_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        name in prop::sample::select(vec![
            "manifest.json", "alerts.jsonl", "changes.jsonl", "topology.json", "metrics.jsonl", "logs.jsonl",
            "traces.jsonl", "metrics.jsonl.zst", "logs.jsonl.gz",
        ]),
    ) {
        let root = tempdir().unwrap();
        let mut files = vec![("manifest.json", MANIFEST.as_bytes()), (name, &bytes)];
        if name == "manifest.json" {
            files.remove(0);
        }
        let path = write(root.path(), "b", &files);
        prop_assert!(lenient(&path).is_ok() || strict(&path).is_err(), "what opens strictly opens leniently");
        let path = root.path().join("b.tar.zst");
        std::fs::write(&path, &bytes).unwrap();
        prop_assert!(lenient(&path).is_ok() || strict(&path).is_err());
        std::fs::write(&path, packed(&files)).unwrap();
        prop_assert!(lenient(&path).is_ok() || strict(&path).is_err());
    }

    /// A byte of a good archive is broken: an error or a bundle, never a panic.
    #[test]
    fn a_broken_byte_never_panics(place in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let logs = log_line("cart", 1, "x").repeat(3);
        let mut bytes = packed(&[("manifest.json", MANIFEST.as_bytes()), ("logs.jsonl", logs.as_bytes())]);
        let place = place.index(bytes.len());
        bytes[place] = byte;
        let root = tempdir().unwrap();
        let path = root.path().join("b.tar.zst");
        std::fs::write(&path, &bytes).unwrap();
        prop_assert!(lenient(&path).is_ok() || strict(&path).is_err());
    }
}
