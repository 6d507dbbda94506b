use serde::{Deserialize, Serialize};

macro_rules! words {
    ($(#[$doc:meta])* $type:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $type {
            $($(#[$vdoc])* #[serde(rename = $word)] $variant,)+
        }

        impl $type {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The word for it in runbooks and over the API.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// The value of that word, if there is one.
            pub fn parse(word: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|value| value.as_str() == word)
            }
        }
    };
}

words! {
    /// What a recovery path does, a closed vocabulary.
    Action {
        RollbackCode = "rollback_code",
        RollbackConfig = "rollback_config",
        RollForward = "roll_forward",
        Hotfix = "hotfix",
        StopRollout = "stop_rollout",
        FeatureOff = "feature_off",
        Restart = "restart",
        ScaleUp = "scale_up",
        ScaleDownToKnownGood = "scale_down_to_known_good",
        ThrottleLoadShed = "throttle_load_shed",
        Failover = "failover",
        Drain = "drain",
        Quarantine = "quarantine",
        Reroute = "reroute",
        Block = "block",
        Degrade = "degrade",
        DisableAutomation = "disable_automation",
        ConfigChange = "config_change",
        RotateCredentials = "rotate_credentials",
        DataRestore = "data_restore",
        DataRepair = "data_repair",
        FreeDisk = "free_disk",
        Manual = "manual",
        Escalate = "escalate",
        Wait = "wait",
    }
}

words! {
    /// How likely a step is to make things worse.
    Risk {
        None = "none",
        Low = "low",
        Medium = "medium",
        High = "high",
        /// A command whose effect is not known; never ranked above a known one.
        Unknown = "unknown",
    }
}

words! {
    /// How much a step touches when it goes wrong.
    Blast {
        Pod = "pod",
        Node = "node",
        Service = "service",
        Zone = "zone",
        Cluster = "cluster",
        Global = "global",
        Data = "data",
    }
}

words! {
    /// Who has to agree first.
    Approval {
        None = "none",
        Human = "human",
        TwoHumans = "two_humans",
    }
}
