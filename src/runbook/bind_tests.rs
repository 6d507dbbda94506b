use std::process::Command;

use promql_parser::parser::{Expr, parse};
use proptest::prelude::*;
use rstest::rstest;

use super::*;

fn vars(value: &str) -> Vars {
    let mut vars = Vars::new();
    vars.set("service", value);
    vars
}

#[rstest]
#[case("kubectl logs deploy/$service", "cart", "kubectl logs deploy/cart")]
#[case("kubectl logs deploy/${service}-v2", "cart", "kubectl logs deploy/cart-v2")]
#[case("echo $service", "a b", "echo 'a b'")]
#[case("echo $service", "$(reboot)", "echo '$(reboot)'")]
#[case("echo '$service'", "it's", r"echo 'it'\''s'")]
#[case("echo \"$service\"", "`id`!", "echo \"\"'`id`!'\"\"")]
#[case("awk '{print $1}' $service", "x;y", "awk '{print $1}' 'x;y'")]
#[case("echo \"$(cat $service)\"", "x;y", "echo \"$(cat 'x;y')\"")]
fn quotes_for_the_shell(#[case] template: &str, #[case] value: &str, #[case] bound: &str) {
    assert_eq!(bind(template, &vars(value), Language::Sh).unwrap(), bound);
}

#[rstest]
#[case("echo `cat $service`", "x;y")]
#[case("echo $'$service'", "x;y")]
#[case("echo \\$service", "x;y")]
#[case("echo $$service", "x;y")]
#[case("cat <<EOF\n$service\nEOF", "x;y")]
#[case("kubectl delete $service", "--all")]
#[case("kubectl delete \"$service\"", "--all")]
#[case("ls # $service", "x;y")]
#[case("echo $service", "a\nb")]
#[case("echo $service", "a\u{202e}b")]
fn refuses_what_quoting_cannot_tame(#[case] template: &str, #[case] value: &str) {
    let error = bind(template, &vars(value), Language::Sh).unwrap_err();
    assert!(matches!(error, BindError::Unfit { .. }), "{error}");
}

#[rstest]
#[case(r#"up{service="$service"}"#, r#"a"b\c"#, r#"up{service="a\"b\\c"}"#)]
#[case("up{service='$service'}", "it's", r"up{service='it\'s'}")]
#[case(r#"up{service=~"$service.*"}"#, "a.b|c-d", r#"up{service=~"a\\.b\\|c-d.*"}"#)]
#[case(r#"{service="x"} |~ "$service""#, "a+b", r#"{service="x"} |~ "a\\+b""#)]
#[case(r#"{service="x"} |= "$service""#, "a+b", r#"{service="x"} |= "a+b""#)]
#[case("up[$service]", "5m", "up[5m]")]
fn quotes_for_queries(#[case] template: &str, #[case] value: &str, #[case] bound: &str) {
    assert_eq!(bind(template, &vars(value), Language::Promql).unwrap(), bound);
}

#[rstest]
#[case("up{service=`$service`}", "a`} or vector(1) #")]
#[case("up + $service", "1) or vector(1")]
#[case("up $service up", "unless")]
#[case(r#"up{service="\$service"}"#, "x")]
fn refuses_values_outside_a_tame_string(#[case] template: &str, #[case] value: &str) {
    assert!(bind(template, &vars(value), Language::Promql).is_err());
}

#[test]
fn a_step_without_values_still_shows() {
    let shown = show("kubectl -n $namespace get pod $service", &vars("cart"), Language::Sh);
    assert_eq!(shown.text, "kubectl -n <namespace> get pod cart");
    assert_eq!(shown.unbound, [BindError::Unknown("namespace".to_owned())]);
    assert_eq!(
        bind("$namespace", &Vars::new(), Language::Text).unwrap_err().to_string(),
        "variable $namespace has no value here"
    );
}

#[test]
fn what_is_filled_in_is_bounded() {
    let template = "$service ".repeat(100_000);
    let shown = show(&template, &vars(&"x".repeat(1_000)), Language::Text);
    assert!(shown.text.len() < 2_000_000 && !shown.unbound.is_empty());
    assert!(bind("$service", &vars(&"x".repeat(2_000)), Language::Text).is_err());
}

/// Text that tries to break out.
fn hostile() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{1,40}",
        prop::collection::vec(
            prop::sample::select(vec![
                "'", "\"", "`", "$(", ")", "${", "}", "\\", ";", "|", "&&", "!", "*", "~", "#", "<", ">",
                "-", "x", " ", "{", "\\'", "é",
            ]),
            1..12
        )
        .prop_map(|parts| parts.concat()),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// A real shell takes the value as one word, whatever is in it.
    #[test]
    fn a_shell_sees_one_word(value in hostile(), at in 0_usize..5) {
        let templates = [
            "printf '[%s]' x$service",
            "printf '[%s]' x\"$service\"",
            "printf '[%s]' 'x$service'",
            "(printf '[%s]' x$service)",
            "printf '[%s]' \"$(printf '%s' x$service)\"",
        ];
        let command = bind(templates[at], &vars(&value), Language::Sh).unwrap();
        let output = Command::new("sh").args(["-c", &command]).output().unwrap();
        prop_assert_eq!(String::from_utf8_lossy(&output.stdout), format!("[x{value}]"), "{}", command);
        prop_assert!(output.stderr.is_empty(), "{}", command);
    }
}

proptest! {
    /// PromQL reads back exactly the value, as one matcher.
    #[test]
    fn promql_sees_one_value(value in hostile(), quote in prop::sample::select(vec!['"', '\''])) {
        let query = bind(&format!("up{{service={quote}$service{quote}}}"), &vars(&value), Language::Promql).unwrap();
        let Expr::VectorSelector(selector) = parse(&query).unwrap() else { panic!("not a selector: {query}") };
        let values: Vec<_> = selector.matchers.matchers.iter().map(|matcher| matcher.value.clone()).collect();
        prop_assert_eq!(values, [value]);
    }

    /// A regular expression with the value in it matches the value and nothing shorter.
    #[test]
    fn a_regex_matcher_takes_the_value_literally(value in hostile()) {
        let query = bind("up{service=~\"$service\"}", &vars(&value), Language::Promql).unwrap();
        let Expr::VectorSelector(selector) = parse(&query).unwrap() else { panic!("not a selector: {query}") };
        let matcher = &selector.matchers.matchers[0];
        prop_assert!(matcher.is_match(&value), "{}", query);
        prop_assert!(!matcher.is_match(&format!("{value}x")), "{}", query);
    }

    #[test]
    fn never_panics(template in "\\PC{0,80}", value in "\\PC{0,20}") {
        for language in [Language::Sh, Language::Promql, Language::Logql, Language::Traceql, Language::Text] {
            let shown = show(&template, &vars(&value), language);
            prop_assert!(shown.text.len() <= 128 * 1_024 + template.len() * 8);
        }
    }
}
