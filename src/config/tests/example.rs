//! `tickroom.example.toml` is printed from the comments and defaults of `raw.rs`. `just example-config` writes it,
//! the tests here fail when it is stale or when it does not mean what the defaults mean.

use std::fs;
use std::path::Path;

use syn::{Attribute, Expr, ExprLit, Fields, Item, ItemStruct, Lit, Meta, Type};

use super::super::raw::Raw;
use super::*;

/// Width of the printed comments, as that of the code.
const WIDTH: usize = 110;

#[test]
fn the_example_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tickroom.example.toml");
    let printed = print();
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, &printed).unwrap();
    }
    let present = fs::read_to_string(&path).unwrap_or_default();
    assert!(present == printed, "tickroom.example.toml is stale: run `just example-config`");
}

#[test]
fn the_example_means_the_defaults_with_and_without_its_hashes() {
    let defaults = format!("{:?}", load(&Sources::default()).unwrap().config);
    let is_key = |line: &str| line.starts_with('#') && !line.starts_with("# ") && line.len() > 1;
    let lines = print().lines().map(|line| line[usize::from(is_key(line))..].to_owned()).collect::<Vec<_>>();
    for text in [print(), lines.join("\n")] {
        let config = with_file(&text).map_err(|mistakes| mistakes.to_string()).ok().unwrap().config;
        assert_eq!(format!("{config:?}"), defaults);
    }
}

/// The whole file: the comment of `Raw` on top, then each section with its comment, then each key with its comment
/// and, behind a `#`, its default.
fn print() -> String {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/config/raw.rs");
    let file = syn::parse_file(&fs::read_to_string(source).unwrap()).unwrap();
    let structs = file.items.into_iter().filter_map(|item| match item {
        Item::Struct(item) => Some(item),
        _ => None,
    });
    let structs: Vec<ItemStruct> = structs.collect();
    let defaults = toml::Table::try_from(Raw::default()).unwrap();
    let find = |name: &str| structs.iter().find(|item| item.ident == name).unwrap();

    let raw = find("Raw");
    let mut printed = comment(&raw.attrs);
    for (section, ty) in fields(raw).map(|(name, field)| (name, &field.ty)) {
        let Type::Path(ty) = ty else { panic!("{section} is not a plain type") };
        let item = find(&ty.path.get_ident().unwrap().to_string());
        printed += &format!("\n{}[{section}]\n", comment(&item.attrs));
        for (key, field) in fields(item) {
            printed += &format!("\n{}#{key} = {}\n", comment(&field.attrs), defaults[&section][&key]);
        }
    }
    printed
}

fn fields(item: &ItemStruct) -> impl Iterator<Item = (String, &syn::Field)> {
    let Fields::Named(fields) = &item.fields else { panic!("{} has no named fields", item.ident) };
    fields.named.iter().map(|field| (field.ident.as_ref().unwrap().to_string(), field))
}

/// A doc comment as `#` lines, filled anew: the source has its own width.
fn comment(attributes: &[Attribute]) -> String {
    let lines: Vec<String> = attributes.iter().filter_map(doc_line).collect();
    let paragraphs = lines.split(|line| line.is_empty()).map(|paragraph| fill(&paragraph.join(" ")));
    paragraphs.collect::<Vec<_>>().join("#\n")
}

fn doc_line(attribute: &Attribute) -> Option<String> {
    let Meta::NameValue(meta) = &attribute.meta else {
        return None;
    };
    let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = &meta.value else {
        return None;
    };
    meta.path.is_ident("doc").then(|| text.value().trim().to_owned())
}

fn fill(paragraph: &str) -> String {
    let mut lines = vec!["#".to_owned()];
    for word in paragraph.split_whitespace() {
        let line = lines.last_mut().unwrap();
        if line.chars().count() + 1 + word.chars().count() > WIDTH {
            lines.push(format!("# {word}"));
        } else {
            *line += &format!(" {word}");
        }
    }
    lines.into_iter().map(|line| line + "\n").collect()
}
