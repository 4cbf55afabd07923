//! A frame as an object of JSON.

use crate::commands::can::frame::{Frame, Kind};
use crate::commands::can::log::Seen;
use crate::commands::can::notation::Identifier;
use serde::Serialize;
use serde_json::value::RawValue;
use sockshim_can_proto::frame::CAN_EFF_FLAG;

/// The fields, which the help describes.
#[derive(Serialize)]
struct Object<'a> {
    time: Box<RawValue>,
    interface: &'a str,
    kind: &'static str,
    id: String,
    extended: bool,
    length: usize,
    data: Option<String>,
    flags: Option<u8>,
    len8_dlc: Option<u8>,
    sdt: Option<u8>,
    af: Option<u32>,
    frame: String,
}

/// The object, on one line.
pub fn line(seen: &Seen) -> String {
    let Seen { time, interface, frame } = seen;
    let number = format!("{}.{:09}", time.as_secs(), time.subsec_nanos());
    let hex = || frame.data.iter().map(|byte| format!("{byte:02X}")).collect();
    let (mut flags, mut len8_dlc, mut sdt, mut af) = (None, None, None, None);
    match frame.kind {
        Kind::Classic { len8_dlc: code } => len8_dlc = Some(code).filter(|code| *code > 0),
        Kind::Fd { flags: bits } => flags = Some(bits),
        Kind::Xl { flags: bits, sdt: kind, af: field } => {
            (flags, sdt, af) = (Some(bits), Some(kind), Some(field));
        }
    }
    let object = Object {
        time: RawValue::from_string(number).unwrap_or_default(),
        interface,
        kind: kind(frame),
        id: Identifier(frame).to_string(),
        extended: !matches!(frame.kind, Kind::Xl { .. }) && frame.id & CAN_EFF_FLAG != 0,
        length: frame.data.len(),
        data: (!frame.is_request()).then(hex),
        flags,
        len8_dlc,
        sdt,
        af,
        frame: frame.to_string(),
    };
    // Numbers and texts.
    serde_json::to_string(&object).unwrap_or_default()
}

fn kind(frame: &Frame) -> &'static str {
    match frame.kind {
        Kind::Xl { .. } => "xl",
        _ if frame.is_error() => "error",
        Kind::Fd { .. } => "fd",
        Kind::Classic { .. } if frame.is_request() => "request",
        Kind::Classic { .. } => "data",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::can::notation::parse;
    use std::time::Duration;

    fn json(text: &str) -> String {
        let frame = parse(text).expect("a frame");
        line(&Seen { time: Duration::new(5, 7), interface: "can0".into(), frame })
    }

    #[test]
    fn objects() {
        let data = r#"{"time":5.000000007,"interface":"can0","kind":"data","id":"123","extended":false,"length":2,"data":"C0FF","flags":null,"len8_dlc":null,"sdt":null,"af":null,"frame":"123#C0FF"}"#;
        assert_eq!(json("123#C0FF"), data);
        let request = json("00000123#R3");
        assert!(
            request.contains(r#""kind":"request","id":"00000123","extended":true,"length":3,"data":null"#)
        );
        assert!(json("20000001#00").contains(r#""kind":"error","id":"20000001","extended":false"#));
        assert!(json("123##3").contains(r#""kind":"fd""#));
        assert!(json("45123#80:03:00000001#11").contains(r#""flags":128,"len8_dlc":null,"sdt":3,"af":1"#));
    }
}
