//! What each rule says to a call that nobody makes.

use super::Parts;
use super::question::Question;
use sockshim_core::errno::Errno;
use sockshim_core::rules::{Obstacle, Rule, Subject, Verb};
use std::fmt;

/// A call, and the rules up to the one that decides.
pub struct Trial {
    /// The call.
    pub question: Question,
    /// Each rule's number, and what it says.
    pub verdicts: Vec<(usize, Verdict)>,
}

/// What a rule says to a call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Verdict {
    /// It holds, and fires at each such call.
    Fires,
    /// It holds, and fires at some such calls: those.
    MayFire(String),
    /// This key does not hold.
    No(Obstacle),
    /// It would hold, but lets calls pass that wait.
    Waits,
}

impl Trial {
    /// Asks the rules in order.
    pub fn of(question: Question, rules: &[Rule]) -> Trial {
        let mut verdicts = Vec::new();
        for (number, rule) in rules.iter().enumerate() {
            let verdict = Verdict::of(rule, &question);
            let decides = verdict == Verdict::Fires;
            verdicts.push((number, verdict));
            if decides {
                break;
            }
        }
        Trial { question, verdicts }
    }

    /// The rule that fires at each such call.
    pub fn fires(&self) -> Option<usize> {
        self.verdicts.iter().find(|(_, verdict)| *verdict == Verdict::Fires).map(|(number, _)| *number)
    }
}

impl Verdict {
    fn of(rule: &Rule, question: &Question) -> Verdict {
        if let Some(obstacle) = rule.obstacle(question.call, question, question.program.as_bytes()) {
            return Verdict::No(obstacle);
        }
        let lets_pass = matches!(rule.verb, Verb::Fail { errno: Errno::EAGAIN, force: false, .. });
        if lets_pass && !question.is_nonblocking() {
            return Verdict::Waits;
        }
        match rule.when.is_some() || rule.chance.is_some() {
            true => Verdict::MayFire(Parts::of(rule).pace),
            false => Verdict::Fires,
        }
    }

    /// Whether it fires at some such calls.
    pub fn may_fire(&self) -> bool {
        matches!(self, Verdict::MayFire(_))
    }

    /// The key that does not hold.
    pub fn obstacle(&self) -> Option<&'static str> {
        match self {
            Verdict::No(obstacle) => Some(obstacle.name()),
            Verdict::Waits => Some("force"),
            Verdict::Fires | Verdict::MayFire(_) => None,
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Verdict::Fires => f.write_str("yes"),
            Verdict::MayFire(pace) => write!(f, "{pace}"),
            Verdict::No(obstacle) => write!(f, "no: {}", obstacle.name()),
            Verdict::Waits => f.write_str("no: the call waits"),
        }
    }
}
