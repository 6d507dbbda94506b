//! What a heading says that its part is for.

use super::SectionKind;

/// Whole titles.
const TITLES: &[(&str, SectionKind)] = &[
    ("reason", SectionKind::Meaning),
    ("alert description", SectionKind::Meaning),
    ("goal", SectionKind::Meaning),
    ("recommended actions", SectionKind::Mitigation),
    ("recommended action", SectionKind::Mitigation),
    ("playbook", SectionKind::Diagnosis),
    ("workflow", SectionKind::Diagnosis),
    ("runbook", SectionKind::Diagnosis),
    ("steps", SectionKind::Diagnosis),
    ("instructions", SectionKind::Diagnosis),
];

/// Words within a title; the first that stands in it decides.
const WORDS: &[(&[&str], SectionKind)] = &[
    (&["meaning", "overview", "summary", "description", "background"], SectionKind::Meaning),
    (&["impact"], SectionKind::Impact),
    (
        &[
            "diagnosis",
            "diagnostic",
            "diagnostics",
            "diagnose",
            "troubleshooting",
            "troubleshoot",
            "investigation",
            "investigate",
            "debugging",
            "debug",
            "triage",
        ],
        SectionKind::Diagnosis,
    ),
    (
        &[
            "mitigation",
            "mitigating",
            "mitigations",
            "mitigate",
            "resolution",
            "resolve",
            "resolving",
            "remediation",
            "remediate",
            "fix",
            "fixing",
            "recovery",
            "workaround",
            "workarounds",
        ],
        SectionKind::Mitigation,
    ),
    (&["escalation", "escalate", "contacts"], SectionKind::Escalation),
    (&["verification", "verify", "validation"], SectionKind::Verification),
];

/// What the part under a title is for; `None` where the title does not say. A title of the whole file only counts when
/// it is nothing but such a word.
pub(super) fn kind(title: &str, level: usize) -> Option<SectionKind> {
    let lower = title.to_lowercase();
    let words: Vec<&str> = lower
        .split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty() && !word.chars().all(|c| c.is_ascii_digit()))
        .collect();
    let joined = words.join(" ");
    if let Some((_, kind)) = TITLES.iter().find(|(title, _)| *title == joined) {
        return Some(*kind);
    }
    if level == 1 && words.len() > 1 || level > 4 {
        return None;
    }
    words.iter().find_map(|word| WORDS.iter().find(|(known, _)| known.contains(word)).map(|(_, kind)| *kind))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_words_lead_to_the_same_parts() {
        for (title, wanted) in [
            ("Meaning", SectionKind::Meaning),
            ("Alert Description", SectionKind::Meaning),
            ("Impact", SectionKind::Impact),
            ("2. Troubleshooting", SectionKind::Diagnosis),
            ("Diagnostic steps:", SectionKind::Diagnosis),
            ("Playbook", SectionKind::Diagnosis),
            ("Mitigating", SectionKind::Mitigation),
            ("**Recommended Actions**", SectionKind::Mitigation),
            ("How to fix", SectionKind::Mitigation),
            ("Escalation", SectionKind::Escalation),
        ] {
            assert_eq!(kind(title, 2), Some(wanted), "{title}");
        }
        assert_eq!(kind("Slow disk", 3), None);
        assert_eq!(kind("Fix the KubePodCrashLooping", 1), None);
        assert_eq!(kind("Diagnosis", 1), Some(SectionKind::Diagnosis));
    }
}
