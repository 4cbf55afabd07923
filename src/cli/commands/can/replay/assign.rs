//! Where the frames of an interface go: `vcan1=can0`, as canplayer takes it.

use crate::commands::can::capture::UNNAMED;
use sockshim_can_bus::spec::is_name;

/// Every interface; also what an interface without a name is called.
pub const ANY: &str = UNNAMED;

/// Frames of one interface go to another one.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Assignment {
    /// Where they go.
    pub to: String,
    from: String,
}

impl Assignment {
    /// Whether frames of this interface go there.
    pub fn is_for(&self, interface: &str) -> bool {
        self.from == ANY || self.from == interface
    }
}

/// What a word means.
///
/// # Errors
/// In words.
pub fn parse(text: &str) -> Result<Assignment, String> {
    let Some((to, from)) = text.split_once('=') else {
        return Err("it is no assignment such as vcan1=can0, where frames of can0 go to vcan1".to_owned());
    };
    for name in [to, from] {
        if !is_name(name) {
            return Err(format!("'{name}' is not the name of an interface"));
        }
    }
    if to == ANY {
        return Err("frames go to one interface: there may be several assignments".to_owned());
    }
    Ok(Assignment { to: to.to_owned(), from: from.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_go_from_the_right_to_the_left() {
        let assignment = parse("vcan1=can0").expect("an assignment");
        assert_eq!(assignment.to, "vcan1");
        assert!(assignment.is_for("can0") && !assignment.is_for("vcan1"));
        assert!(parse("vcan1=any").expect("an assignment").is_for("can7"));
        for wrong in ["vcan1", "=can0", "vcan1=", "any=can0", "a b=can0"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
