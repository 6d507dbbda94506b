//! The words of quell as plain data: incidents, evidence, symptoms, hypotheses, recovery paths and the
//! events of the journal.
//!
//! No IO, no async, no clock: time is an argument. Everything that a person ever sees is a view of these
//! types. They know nothing of vendors, protobuf or storage; `api::convert` writes their counterparts for
//! the wire.

mod action;
mod calibration;
mod check;
mod entity;
mod event;
mod evidence;
mod fault;
mod hypothesis;
mod incident;
mod investigation;
mod recovery;
mod symptom;

pub use action::{Action, Approval, Blast, Risk};
pub use calibration::{CalibrationDataset, CalibrationFigures, CalibrationProvenance, CalibrationTable};
pub use check::{Check, CheckState};
pub use entity::{Entity, EntityKind};
pub use event::{Event, Payload};
pub use evidence::{Evidence, EvidenceId, Language, Number, SignalKind, Trust};
pub use fault::FaultClass;
pub use hypothesis::{Argument, Decibans, Hop, Hypothesis, HypothesisId, RunbookRef};
pub use incident::{Incident, IncidentId, IncidentStatus, InvestigationStatus, Transition};
pub use investigation::{BlindSpot, Coverage, Innocent, Investigation, Timings, Verdict};
pub use quell_sdk::{
    Completeness,
    signal::{Alert, AlertStatus, CallEdge, Change, ChangeKind, Labels, Window},
};
pub use recovery::{Factor, PathId, RecoveryPath, Step, StepKind, Verification};
pub use symptom::{Direction, IndicatorKind, Onset, Symptom, SymptomId};
