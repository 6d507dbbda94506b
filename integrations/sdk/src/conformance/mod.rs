//! What every implementation of a capability must do, as checks that its tests run.
//!
//! A check says what is wrong as text and never panics. The macro makes one test of each:
//!
//! ```text
//! async fn fixture() -> quell_sdk::conformance::MetricsFixture { … }
//! quell_sdk::metrics_conformance!(fixture);
//! ```

pub mod metrics;

pub use metrics::MetricsFixture;

/// What a check found: nothing, or what is wrong.
pub type Outcome = Result<(), String>;

/// Makes one `#[tokio::test]` of each check of [`metrics`]. Takes the name of an `async fn` in the same
/// module that returns a [`MetricsFixture`]; it is called once per test.
#[macro_export]
macro_rules! metrics_conformance {
    ($fixture:ident) => {
        mod metrics_conformance {
            $crate::metrics_conformance!(
                @tests $fixture
                name_is_not_empty
                points_ascend_and_are_finite_and_inside_the_window
                service_is_under_its_label
                names_and_labels_tell_series_apart
                queries_give_the_numbers_they_stand_for
                a_bad_expression_is_a_bad_request
                an_unknown_service_is_an_empty_full_answer
                a_window_with_nothing_is_empty
                a_budget_is_kept_and_what_it_cost_is_said
                answers_are_the_same_each_time
            );
        }
    };
    (@tests $fixture:ident $($check:ident)+) => {
        $(
            #[tokio::test]
            async fn $check() {
                let fixture = super::$fixture().await;
                let outcome = $crate::conformance::metrics::$check(&fixture).await;
                assert_eq!(outcome, Ok(()));
            }
        )+
    };
}

#[cfg(test)]
mod tests;
