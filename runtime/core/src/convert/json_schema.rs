//! Schemas in the JSON of the envelope.
//!
//! Owns both directions, with the order of the keys that Kafka writes: type, items/keys/values/fields, optional, name, version, doc,
//! parameters, default, field. Invariant: a schema that was written is read as the same schema.

use alloc::{format, string::String, sync::Arc, vec::Vec};
use serde_json::value::RawValue;

use super::escape::quote_into;
use super::json_data::{self, MOST_DEPTH, Style};
use super::node::{Fields, Node, field};
use crate::data::{Fault, Field, Kind, Schema, Value};

/// Reads a schema; `None`: the JSON null. The errors are Kafka's.
pub fn read(json: &str) -> Result<Option<Arc<Schema>>, Fault> {
    of(json, MOST_DEPTH).map(|schema| schema.map(Arc::new))
}

fn of(json: &str, depth: usize) -> Result<Option<Schema>, Fault> {
    let depth = depth.checked_sub(1).ok_or_else(|| Fault::data("The schema is too deep"))?;
    let fields = match Node::of(json)? {
        Node::Null => return Ok(None),
        Node::Object(fields) => fields,
        _ => Fields::new(),
    };
    let kind = text(&fields, "type")?.ok_or_else(|| Fault::data("Schema must contain 'type' field"))?;
    let mut schema = Schema::of(kind_of(&kind, &fields, depth)?);
    schema.optional = matches!(get(&fields, "optional")?, Some(Node::Bool(true)));
    schema.name = text(&fields, "name")?;
    schema.doc = text(&fields, "doc")?;
    if let Some(version @ Node::Number(number)) = &get(&fields, "version")?
        && version.is_whole()
    {
        schema.version = number.parse().ok();
    }
    if let Some(Node::Object(parameters)) = get(&fields, "parameters")? {
        for (name, value) in parameters {
            let Node::Text(value) = Node::of(value.get())? else {
                return Err(Fault::data("Schema parameters must have string values."));
            };
            schema.parameters.push((name.into(), value.into()));
        }
    }
    if let Some(default) = field(&fields, "default") {
        schema.default = json_data::read(Some(&Arc::new(schema.clone())), default.get(), true)?;
    }
    Ok(Some(schema))
}

fn kind_of(kind: &str, fields: &Fields<'_>, depth: usize) -> Result<Kind, Fault> {
    let part = |name: &str, missing: &str| {
        let schema = field(fields, name).map(|json| of(json.get(), depth)).transpose()?.flatten();
        schema.map(Arc::new).ok_or_else(|| Fault::data(missing))
    };
    Ok(match kind {
        "int8" => Kind::Int8,
        "int16" => Kind::Int16,
        "int32" => Kind::Int32,
        "int64" => Kind::Int64,
        "float" => Kind::Float32,
        "double" => Kind::Float64,
        "boolean" => Kind::Boolean,
        "string" => Kind::Text,
        "bytes" => Kind::Bytes,
        "array" => Kind::Array(part("items", "Array schema did not specify the element type")?),
        "map" => Kind::Map(
            part("keys", "Map schema did not specify the key type")?,
            part("values", "Map schema did not specify the value type")?,
        ),
        "struct" => {
            let Some(Node::Array(members)) = get(fields, "fields")? else {
                return Err(Fault::data("Struct schema's \"fields\" argument is not an array."));
            };
            Kind::Struct(members.into_iter().map(|json| member(json, depth)).collect::<Result<_, _>>()?)
        }
        other => return Err(Fault::data(format!("Unknown schema type: {other}"))),
    })
}

fn member(json: &RawValue, depth: usize) -> Result<Field, Fault> {
    let unnamed = || Fault::data("Struct schema's field name not specified properly");
    let Node::Object(fields) = Node::of(json.get())? else { return Err(unnamed()) };
    let name = text(&fields, "field")?.ok_or_else(unnamed)?;
    let schema = of(json.get(), depth)?.ok_or_else(unnamed)?;
    Ok(Field::new(name, schema))
}

fn get<'a>(fields: &Fields<'a>, name: &str) -> Result<Option<Node<'a>>, Fault> {
    Ok(field(fields, name).map(|json| Node::of(json.get())).transpose()?)
}

fn text(fields: &Fields<'_>, name: &str) -> Result<Option<String>, Fault> {
    Ok(match get(fields, name)? {
        Some(Node::Text(text)) => Some(text.into()),
        _ => None,
    })
}

/// Appends a schema; `member`: the name of the field that has it.
pub fn write(out: &mut Vec<u8>, schema: &Schema, style: Style, member: Option<&str>) -> Result<(), Fault> {
    let kind = match &schema.kind {
        Kind::Int8 => "int8",
        Kind::Int16 => "int16",
        Kind::Int32 => "int32",
        Kind::Int64 => "int64",
        Kind::Float32 => "float",
        Kind::Float64 => "double",
        Kind::Boolean => "boolean",
        Kind::Text => "string",
        Kind::Bytes => "bytes",
        Kind::Array(_) => "array",
        Kind::Map(..) => "map",
        Kind::Struct(_) => "struct",
    };
    out.extend_from_slice(format!("{{\"type\":\"{kind}\"").as_bytes());
    match &schema.kind {
        Kind::Array(items) => {
            out.extend_from_slice(b",\"items\":");
            write(out, items, style, None)?;
        }
        Kind::Map(keys, values) => {
            out.extend_from_slice(b",\"keys\":");
            write(out, keys, style, None)?;
            out.extend_from_slice(b",\"values\":");
            write(out, values, style, None)?;
        }
        Kind::Struct(fields) => {
            out.extend_from_slice(b",\"fields\":[");
            for (index, field) in fields.iter().enumerate() {
                out.extend_from_slice(if index == 0 { b"" } else { b"," });
                write(out, &field.schema, style, Some(&field.name))?;
            }
            out.push(b']');
        }
        _ => {}
    }
    out.extend_from_slice(format!(",\"optional\":{}", schema.optional).as_bytes());
    if let Some(name) = &schema.name {
        entry(out, "name", name);
    }
    if let Some(version) = schema.version {
        out.extend_from_slice(format!(",\"version\":{version}").as_bytes());
    }
    if let Some(doc) = &schema.doc {
        entry(out, "doc", doc);
    }
    if !schema.parameters.is_empty() {
        out.extend_from_slice(b",\"parameters\":{");
        for (index, (name, value)) in schema.parameters.iter().enumerate() {
            out.extend_from_slice(if index == 0 { b"" } else { b"," });
            quote_into(out, name);
            out.push(b':');
            quote_into(out, value);
        }
        out.push(b'}');
    }
    if schema.default != Value::Null {
        out.extend_from_slice(b",\"default\":");
        json_data::write(out, Some(schema), &schema.default, style)?;
    }
    if let Some(member) = member {
        entry(out, "field", member);
    }
    out.push(b'}');
    Ok(())
}

fn entry(out: &mut Vec<u8>, name: &str, value: &str) {
    out.extend_from_slice(format!(",\"{name}\":").as_bytes());
    quote_into(out, value);
}
