//! What every operation has in common, worked out from its shape, so that handlers say only what is their own:
//!
//! - Its id is its tag and its handler: `post_create`.
//! - Its summary is the first sentence of the handler's doc, its description the rest, without the list of errors.
//! - Whoever can answer `unauthenticated` asks for a login; who can only answer `token_invalid` takes one.
//! - A path parameter can be malformed, a query and a body can be wrong, what writes can be a forgery.
//! - The problems that it answers with one status become one response, which others that answer the same share.

use std::collections::BTreeMap;
use std::mem;

use axum::http::StatusCode;
use serde_json::json;
use utoipa::openapi::path::{Operation, ParameterIn, PathItem};
use utoipa::openapi::schema::{AllOfBuilder, SchemaType, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{
    Components, ContentBuilder, HeaderBuilder, ObjectBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder,
    Schema,
};
use utoipa::{IntoResponses, Modify};

use super::problem::{Anything, InvalidPath, Json, OriginForbidden, Stored, ValidationFailed};
use super::schema;
use crate::error::PROBLEM_JSON;

/// The tags of what is served from memory.
const FROM_MEMORY: [&str; 2] = ["ops", "page"];

pub(super) struct Finish;

/// What can go wrong, by `status code`, with its meaning.
type Problems = BTreeMap<String, RefOr<Response>>;

impl Modify for Finish {
    fn modify(&self, openapi: &mut OpenApi) {
        let components = openapi.components.get_or_insert_with(Components::new);
        components.schemas.extend(schema::all());
        for item in openapi.paths.paths.values_mut() {
            for (is_safe, operation) in operations(item) {
                name(operation);
                tell(operation);
                let parameters =
                    operation.parameters.iter_mut().flatten().map(|parameter| &mut parameter.schema);
                let bodies = operation.request_body.iter_mut().flat_map(|body| body.content.values_mut());
                parameters.chain(bodies.map(|content| &mut content.schema)).for_each(refuse_null);
                settle(is_safe, operation, &mut components.responses);
            }
        }
    }
}

/// With whether it changes nothing.
fn operations(item: &mut PathItem) -> impl Iterator<Item = (bool, &mut Operation)> {
    let PathItem { get, put, post, delete, patch, .. } = item;
    let writes = [put, post, delete, patch].map(|operation| (false, operation));
    let all = std::iter::once((true, get)).chain(writes);
    all.filter_map(|(is_safe, operation)| operation.as_mut().map(|operation| (is_safe, operation)))
}

fn name(operation: &mut Operation) {
    let tag = operation.tags.iter().flatten().next().cloned().unwrap_or_default();
    operation.operation_id = operation.operation_id.take().map(|handler| format!("{tag}_{handler}"));
}

fn tell(operation: &mut Operation) {
    let doc = operation.summary.take().unwrap_or_default().replace('\n', " ");
    let (first, rest) = doc.split_once(". ").unwrap_or((doc.trim_end_matches('.'), ""));
    let more = operation.description.take().unwrap_or_default();
    let more = more.split("# Errors").next().unwrap_or_default();
    let description = format!("{}\n\n{}", rest.trim_start_matches("204."), more.trim());
    operation.summary = Some(first.to_owned());
    operation.description = Some(description.trim().to_owned()).filter(|text| !text.is_empty());
}

/// What may be absent is absent: `null` stands for nothing in a URL, and for no body, though utoipa has it so of an
/// `Option`.
fn refuse_null(schema: &mut Option<RefOr<Schema>>) {
    match schema {
        Some(RefOr::T(Schema::OneOf(choice))) if choice.items.len() == 2 => *schema = choice.items.pop(),
        Some(RefOr::T(Schema::Object(object))) => {
            if let SchemaType::Array(types) = &mut object.schema_type {
                types.retain(|kind| *kind != Type::Null);
            }
        }
        _ => {}
    }
}

/// Turns the problems into responses, and adds those that go without saying.
fn settle(is_safe: bool, operation: &mut Operation, shared: &mut BTreeMap<String, RefOr<Response>>) {
    let listed = mem::take(&mut operation.responses.responses);
    let (mut problems, mut responses): (Problems, BTreeMap<_, _>) =
        listed.into_iter().partition(|(key, _)| key.contains(' '));
    problems.extend(implied(is_safe, operation));
    if operation.security.is_none() {
        operation.security = Some(security(&problems));
    }
    responses.iter_mut().for_each(|(status, response)| describe(status, response));
    for (status, problems) in by_status(problems) {
        let name = shared_name(&problems);
        responses.insert(status.clone(), Ref::from_response_name(&name).into());
        shared.entry(name).or_insert_with(|| response(&status, &problems).into());
    }
    operation.responses.responses = responses;
}

fn implied(is_safe: bool, operation: &Operation) -> Problems {
    let mut problems = Anything::responses();
    let has = |place: ParameterIn| {
        operation.parameters.iter().flatten().any(|parameter| parameter.parameter_in == place)
    };
    let mut add = |applies: bool, more: fn() -> Problems| {
        if applies {
            problems.extend(more());
        }
    };
    add(has(ParameterIn::Path), InvalidPath::responses);
    add(has(ParameterIn::Query), ValidationFailed::responses);
    add(takes_json(operation), Json::responses);
    add(!is_safe, OriginForbidden::responses);
    let is_stored = |tag: &String| !FROM_MEMORY.contains(&tag.as_str());
    add(operation.tags.iter().flatten().any(is_stored), Stored::responses);
    problems
}

fn takes_json(operation: &Operation) -> bool {
    operation.request_body.iter().any(|body| body.content.contains_key("application/json"))
}

/// Any of the ways to show who one is; none of them, too, where one need not.
fn security(problems: &Problems) -> Vec<SecurityRequirement> {
    let none: [&str; 0] = [];
    let login = ["bearer", "cookie"].map(|scheme| SecurityRequirement::new(scheme, none));
    let knows = |code: &str| problems.keys().any(|key| key.ends_with(code));
    match (knows(" unauthenticated"), knows(" token_invalid")) {
        (true, _) => login.into(),
        (false, true) => std::iter::once(SecurityRequirement::default()).chain(login).collect(),
        (false, false) => Vec::new(),
    }
}

fn describe(status: &str, response: &mut RefOr<Response>) {
    let reason = status.parse().ok().and_then(|code| StatusCode::from_u16(code).ok()?.canonical_reason());
    if let (RefOr::T(response), Some(reason)) = (response, reason)
        && response.description.is_empty()
    {
        response.description = reason.to_owned();
    }
}

/// Each code with its meaning.
fn by_status(problems: Problems) -> BTreeMap<String, Vec<(String, String)>> {
    let mut sorted: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for (key, response) in problems {
        if let (Some((status, code)), RefOr::T(Response { description, .. })) =
            (key.split_once(' '), response)
        {
            sorted.entry(status.to_owned()).or_default().push((code.to_owned(), description));
        }
    }
    sorted
}

/// `NotFound`, `InvalidPathOrMalformedJson`.
fn shared_name(problems: &[(String, String)]) -> String {
    let names = problems.iter().map(|(code, _)| code.split('_').map(capitalised).collect::<String>());
    names.collect::<Vec<_>>().join("Or")
}

fn capitalised(word: &str) -> String {
    let mut letters = word.chars();
    letters.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(letters).collect()
}

fn response(status: &str, problems: &[(String, String)]) -> Response {
    let meanings = problems.iter().map(|(code, meaning)| format!("- `{code}`: {meaning}"));
    let codes = ObjectBuilder::new()
        .schema_type(Type::String)
        .enum_values(Some(problems.iter().map(|(code, _)| code.as_str())));
    let schema = AllOfBuilder::new()
        .item(Ref::from_schema_name("Problem"))
        .item(ObjectBuilder::new().property("code", codes));
    let content = ContentBuilder::new().schema(Some(schema)).example(example(status, problems)).build();
    let response = ResponseBuilder::new()
        .description(meanings.collect::<Vec<_>>().join("\n"))
        .content(PROBLEM_JSON, content);
    let header = match status {
        "401" => {
            Some(("WWW-Authenticate", "How to show who one is, and what was wrong with what was shown."))
        }
        "429" | "503" => Some(("Retry-After", "Seconds to wait, where they are known.")),
        _ => None,
    };
    let response = header.into_iter().fold(response, |response, (name, meaning)| {
        let value = ObjectBuilder::new().schema_type(Type::String);
        response.header(name, HeaderBuilder::new().schema(value).description(Some(meaning)).build())
    });
    response.build()
}

fn example(status: &str, problems: &[(String, String)]) -> Option<serde_json::Value> {
    let (code, meaning) = problems.first()?;
    let status = StatusCode::from_u16(status.parse().ok()?).ok()?;
    Some(json!({
        "type": format!("urn:tickroom:problem:{code}"),
        "title": status.canonical_reason(),
        "status": status.as_u16(),
        "code": code,
        "detail": meaning,
    }))
}
