//! JSON in which no object repeats a member.
//!
//! RFC 7515 section 4 lets a parser reject repeated members or use the last one. Two parsers that
//! choose differently read two tokens, or two requests, from one text, so this one rejects them at every
//! depth.

use std::fmt;

use serde::{
    Deserialize, Deserializer,
    de::{DeserializeSeed, Error, MapAccess, SeqAccess, Visitor},
};
use serde_json::{Map, Number, Value, map::Entry};

/// Parses JSON in which no object repeats a member, at any depth and in any spelling of its name.
///
/// ```
/// let error = auth_core::parse_json(br#"{"a": 1, "\u0061": 2}"#).unwrap_err();
/// assert!(error.is_data());
/// ```
///
/// # Errors
///
/// [`serde_json::Error`], with the position at which the parser stopped. Only for a repeated member is it a
/// [data error](serde_json::Error::is_data): then the parser stopped at the end of the second name.
pub fn parse_json(json: &[u8]) -> Result<Value, serde_json::Error> {
    serde_json::from_slice(json).map(|Unique(value)| value)
}

/// Parses one JSON object with nothing after it. `None` for anything else.
pub(crate) fn parse_object(json: &[u8]) -> Option<Map<String, Value>> {
    match parse_json(json) {
        Ok(Value::Object(members)) => Some(members),
        _ => None,
    }
}

struct Unique(Value);

impl<'de> Deserialize<'de> for Unique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        UniqueVisitor.deserialize(deserializer).map(Self)
    }
}

struct UniqueVisitor;

impl<'de> DeserializeSeed<'de> for UniqueVisitor {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for UniqueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON without repeated members")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value)
            .map(Value::Number)
            .ok_or_else(|| E::custom("not a finite number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let mut array = Vec::new();
        while let Some(Unique(item)) = items.next_element()? {
            array.push(item);
        }
        Ok(Value::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            let Entry::Vacant(entry) = object.entry(name) else {
                return Err(A::Error::custom("repeated member"));
            };
            let Unique(value) = members.next_value()?;
            entry.insert(value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_object_is_parsed_completely() {
        let members = parse_object(br#" {"a":[1,-2,1.5,null,true,{"b":"c"}]} "#).unwrap();
        assert_eq!(
            Value::Object(members),
            serde_json::json!({"a":[1, -2, 1.5, null, true, {"b":"c"}]})
        );
    }

    #[test]
    fn repeated_members_are_rejected_at_every_depth_and_in_every_spelling() {
        for (json, name_ends_at) in [
            (r#"{"a":1,"a":1}"#, 10),
            (r#"{"a":1,"\u0061":2}"#, 15),
            (r#"{"x":{"a":1,"a":2}}"#, 15),
            (r#"{"x":[{"a":1,"a":2}]}"#, 16),
        ] {
            let error = parse_json(json.as_bytes()).unwrap_err();
            assert!(error.is_data(), "{json}: {error}");
            assert_eq!((error.line(), error.column()), (1, name_ends_at), "{json}");
            assert_eq!(parse_object(json.as_bytes()), None, "{json}");
        }
    }

    #[test]
    fn only_a_repeated_member_is_a_data_error() {
        let deep = "[".repeat(200) + &"]".repeat(200);
        for json in [
            "",
            "{",
            "{x}",
            "1e999",
            r#""\ud800""#,
            "\"\u{1}\"",
            "{} {}",
            &deep,
        ] {
            let error = parse_json(json.as_bytes()).unwrap_err();
            assert!(!error.is_data(), "{json}: {error}");
        }
    }

    #[test]
    fn anything_but_one_object_is_rejected() {
        for json in [
            "",
            "[]",
            "1",
            "null",
            "\"a\"",
            "{}{}",
            "{} x",
            "{",
            "{\"a\":1e999}",
            "\u{feff}{}",
        ] {
            assert_eq!(parse_object(json.as_bytes()), None, "{json}");
        }
        let deep = "{\"a\":".repeat(5_000) + "1" + &"}".repeat(5_000);
        assert_eq!(parse_object(deep.as_bytes()), None);
    }
}
