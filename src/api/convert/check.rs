use quell_proto::v1;

use super::wire::{Invalid, Wire, clip};
use crate::domain::{Check, CheckState};

impl Wire for Check {
    type Message = v1::Check;

    fn to_wire(&self) -> v1::Check {
        v1::Check {
            name: self.name.clone(),
            state: self.state.as_str().to_owned(),
            found: self.found.clone(),
            next_action: self.next_action.clone(),
        }
    }

    fn from_wire(message: v1::Check) -> Result<Self, Invalid> {
        let v1::Check { name, state, found, next_action } = message;
        let states = [CheckState::Ok, CheckState::Off, CheckState::Failed];
        let known = states.into_iter().find(|known| known.as_str() == state);
        let state = known
            .ok_or_else(|| Invalid::new("state", format!("`{}` is none of ok, off, failed", clip(&state))))?;
        Ok(Self { name, state, found, next_action })
    }
}
