//! The values that bodies, queries and answers are made of, as the document describes them.
//!
//! The types themselves live in the storage crate, which knows nothing of documents, so each has a name here that
//! handlers give as `value_type`. Limits are taken from where they are enforced; a pattern says what the parser of the
//! type says, and the parser is what counts.

use serde_json::json;
use tickroom_storage::candle::Interval as CandleInterval;
use tickroom_storage::limits::{
    BIRTH_YEAR_MIN, COMMENT_CHARS_MAX, EMAIL_BYTES_MAX, IDEMPOTENCY_KEY_CHARS_MAX, INTERESTS_MAX,
    INTRO_CHARS, POST_CONTENT_CHARS_MAX, POST_TITLE_CHARS_MAX, REASON_CHARS_MAX, SEARCH_CHARS_MAX,
    TAG_CHARS_MAX, TAGS_MAX, USER_NAME_CHARS,
};
use tickroom_storage::moderation::Action;
use tickroom_storage::notification::NotificationKind as Kind;
use utoipa::openapi::schema::{
    AdditionalProperties, AnyOfBuilder, ArrayBuilder, KnownFormat, SchemaFormat, Type,
};
use utoipa::openapi::{ObjectBuilder, Ref, RefOr, Schema};
use utoipa::{PartialSchema, ToSchema};

use super::prose;
use crate::limits::{
    CURSOR_BYTES_MAX, PAGE_CANDLES, PAGE_CANDLES_MAX, PAGE_ITEMS, PAGE_ITEMS_MAX, PAGE_LOGINS,
    PAGE_LOGINS_MAX, PAGE_MESSAGES, PAGE_MESSAGES_MAX, PAGE_TAGS, PAGE_TAGS_MAX, PAGE_USERS, PAGE_USERS_MAX,
    PASSWORD_CHARS, SANCTION_SECONDS_MAX, SLOW_MODE_SECONDS_MAX, USER_SEARCH_CHARS_MAX,
};

/// Defines schemas by name. Nothing is ever of these types: they stand for what a value looks like in JSON.
macro_rules! schemas {
    ($($(#[doc = $doc:literal])+ $name:ident = $schema:expr;)+) => {
        $(
            $(#[doc = $doc])+
            pub(crate) enum $name {}

            impl PartialSchema for $name {
                fn schema() -> RefOr<Schema> {
                    RefOr::T($schema.description(Some(prose(&[$($doc),+]))).build().into())
                }
            }

            impl ToSchema for $name {}
        )+

        /// All of them: parameters refer to schemas, too, which utoipa does not collect.
        pub(super) fn all() -> Vec<(String, RefOr<Schema>)> {
            vec![$((stringify!($name).to_owned(), $name::schema())),+]
        }
    };
}

schemas! {
    /// An id: a number of up to 63 bits, as text, because JavaScript would round it. Ids rise with time.
    Id = text(1, 19).pattern(Some("^[1-8]?[0-9]{1,18}$")).examples([json!("96469263351816192")]);
    /// A moment, in UTC with milliseconds (RFC 3339).
    Time = formatted(KnownFormat::DateTime).examples([json!("2024-05-01T09:30:00.000Z")]);
    /// The place of a message in its room; the first has 1, each next one 1 more.
    Offset = number().minimum(Some(0)).maximum(Some(usize::MAX)).examples([json!(4711)]);
    /// The code of a market, as the exchange writes it.
    MarketCode = symbol();
    /// The name of a room: the code of its market.
    RoomName = symbol();

    /// What a person is called: visible characters, with single spaces inside.
    Username = text(*USER_NAME_CHARS.start(), *USER_NAME_CHARS.end())
        .pattern(Some(format!("^{VISIBLE}+( {VISIBLE}+)*$")))
        .examples([json!("ann"), json!("김철수")]);
    /// A mail address. Letter case does not matter; letters of all scripts do (RFC 6531), unlike in the format `email`.
    Email = text(3, EMAIL_BYTES_MAX)
        .pattern(Some(format!("^{MAIL}+@({LABEL}+(\\.{LABEL}+)+|localhost)$")))
        .examples([json!("ann@example.com")]);
    /// A password that one may choose: not one of the most common, and not one's own name or mail address.
    NewPassword = secret(*PASSWORD_CHARS.start(), *PASSWORD_CHARS.end()).examples([json!("correct horse battery")]);
    /// A password, as it was chosen.
    Password = secret(1, *PASSWORD_CHARS.end()).examples([json!("correct horse battery")]);
    /// What somebody says about herself. The empty text is none.
    Intro = text(0, INTRO_CHARS).examples([json!("코인 3년차")]);
    /// The year that somebody was born in.
    BirthYear = number().minimum(Some(BIRTH_YEAR_MIN)).maximum(Some(9999)).examples([json!(1990)]);
    /// Where somebody lives, as ISO 3166 has it: a country or a part of one.
    Region = text(2, 6).pattern(Some("^[A-Z]{2}(-[A-Z0-9]{1,3})?$")).examples([json!("KR-11")]);
    /// What somebody cares for, in a word or two: up to 30 characters, without the spaces around it.
    Interest = ObjectBuilder::new()
        .schema_type(Type::String)
        .min_length(Some(1))
        .pattern(Some(format!("^ *{VISIBLE}+( +{VISIBLE}+)* *$")))
        .examples([json!("DeFi")]);
    /// What somebody cares for. The same twice counts once.
    Interests = list(Interest::name(), INTERESTS_MAX);
    /// What a person may do.
    Role = one_of(&["user", "admin"]);
    /// Who sees a detail of a profile.
    Visibility = one_of(&["private", "public"]);
    /// Who sees which detail of a profile.
    DetailVisibility = ObjectBuilder::new()
        .property("birth_year", Ref::from_schema_name("Visibility"))
        .property("region", Ref::from_schema_name("Visibility"))
        .property("interests", Ref::from_schema_name("Visibility"))
        .required("birth_year")
        .required("region")
        .required("interests");

    /// The title of a post: one line.
    PostTitle = text(1, POST_TITLE_CHARS_MAX)
        .pattern(Some(format!("^{LINE}*{VISIBLE}{LINE}*$")))
        .examples([json!("비트코인 지지선 어디로 보세요?")]);
    /// The text of a post: Markdown.
    PostContent = text(1, POST_CONTENT_CHARS_MAX)
        .pattern(Some(format!("^{LINES}*{VISIBLE}{LINES}*$")))
        .examples([json!("I watch **$KRW-BTC** #support")]);
    /// A comment.
    CommentContent = text(1, COMMENT_CHARS_MAX)
        .pattern(Some(format!("^{LINES}*{VISIBLE}{LINES}*$")))
        .examples([json!("좋은 글 감사합니다")]);
    /// A tag: letters, digits and underscores of any script; a leading `#` is dropped, letter case folded.
    Tag = text(1, TAG_CHARS_MAX).examples([json!("support")]);
    /// What a post is about. The same twice counts once.
    Tags = list(Tag::name(), TAGS_MAX);
    /// Words to look for, or parts of them; at least one letter or digit.
    Words = text(1, SEARCH_CHARS_MAX).pattern(Some("[\\p{L}\\p{N}]")).examples([json!("지지선")]);
    /// A part of a name.
    NamePart = text(1, *USER_NAME_CHARS.end()).pattern(Some("[^\\s]")).examples([json!("an")]);
    /// A part of a name or mail address.
    AccountPart = text(0, USER_SEARCH_CHARS_MAX).examples([json!("example.com")]);

    /// What the sender calls a request, in order to send it twice and have it done once.
    IdempotencyKey = text(1, IDEMPOTENCY_KEY_CHARS_MAX)
        .pattern(Some("^[ -~]+$"))
        .examples([json!("1b9d6bcd-bbfd-4b2d-9b5d-ab8dfbbd4bed")]);
    /// Why somebody is told.
    NotificationKind = one_of(&Kind::ALL.map(Kind::as_str));
    /// For each kind of notification whether one is told: in an answer all of them, in a request those that change.
    NotificationSettings = settings();
    /// In which order posts are listed: the newest, or the most popular of the last seven days first.
    Sort = one_of(&["latest", "popular"]).default(Some(json!("latest")));

    /// How many messages a page shall have.
    MessagesLimit = limit(PAGE_MESSAGES, PAGE_MESSAGES_MAX);
    /// How many logins a page shall have.
    LoginsLimit = limit(PAGE_LOGINS, PAGE_LOGINS_MAX);
    /// How many people a page shall have.
    UsersLimit = limit(PAGE_USERS, PAGE_USERS_MAX);
    /// How many posts or comments a page shall have.
    ItemsLimit = limit(PAGE_ITEMS, PAGE_ITEMS_MAX);
    /// How many tags to list.
    TagsLimit = limit(PAGE_TAGS, PAGE_TAGS_MAX);
    /// Where an earlier page ended: its `next_cursor`, which only the list that gave it can read.
    Cursor = text(1, CURSOR_BYTES_MAX).examples([json!("96469263351816192")]);

    /// How long somebody is banned or muted, in seconds.
    SanctionSeconds = number().minimum(Some(1)).maximum(Some(SANCTION_SECONDS_MAX)).examples([json!(3600)]);
    /// How long to wait between two messages, in seconds; 0 for not at all.
    SlowModeSeconds = number().minimum(Some(0)).maximum(Some(SLOW_MODE_SECONDS_MAX)).examples([json!(10)]);
    /// Why somebody is banned or muted: one line.
    Reason = text(1, REASON_CHARS_MAX)
        .pattern(Some(format!("^{LINE}*{VISIBLE}{LINE}*$")))
        .examples([json!("도배")]);
    /// What somebody may not do: be in a room, or speak there.
    SanctionKind = one_of(&["ban", "mute"]);
    /// What was done to keep order.
    ModerationAction =
        one_of(&Action::ALL.iter().map(|action| action.as_str()).collect::<Vec<_>>());

    /// An exact decimal: prices and volumes have all digits that the exchange gave.
    Decimal = ObjectBuilder::new().schema_type(Type::Number).examples([json!(158219000.5)]);
    /// The length of a candle.
    Interval = one_of(&CandleInterval::ALL.map(CandleInterval::as_str)).default(Some(json!("1m")));
    /// A day, `2020-01-31`, or a time.
    Moment = AnyOfBuilder::new().item(formatted(KnownFormat::Date)).item(formatted(KnownFormat::DateTime));
    /// How candles are written.
    CandleFormat = one_of(&["json", "csv"]);
    /// How many candles a page shall have.
    CandlesLimit = limit(PAGE_CANDLES, PAGE_CANDLES_MAX);

    /// The last price of a market, in the exchange's own fields and its own spelling of numbers, with `received`, `seq`
    /// and, from a simulated exchange, `simulated` added.
    Ticker = ticker();
}

/// A character that leaves ink.
const VISIBLE: &str = "[^\\u0000-\\u0020\\u007F-\\u00A0\\u00AD\\u034F\\u061C\\u115F\\u1160\\u1680\\u17B4\\u17B5\
    \\u180B-\\u180F\\u2000-\\u200F\\u2028-\\u202F\\u205F-\\u206F\\u2800\\u3000\\u3164\\uFE00-\\uFE0F\\uFEFF\\uFFA0\
    \\uFFF0-\\uFFFB\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]";

/// A character of a title.
const LINE: &str = "[^\\u0000-\\u001F\\u007F-\\u009F\\u2028-\\u202E\\u2066-\\u2069]";

/// A character of a text of many lines.
const LINES: &str = "[^\\u0000-\\u0008\\u000B-\\u001F\\u007F-\\u009F]";

/// A character before the `@` of a mail address.
const MAIL: &str =
    "[^@\\u0000-\\u0020\\u007F-\\u00A0\\u1680\\u2000-\\u200A\\u2028\\u2029\\u202F\\u205F\\u3000]";

/// A character between the dots behind it.
const LABEL: &str =
    "[^@.\\u0000-\\u0020\\u007F-\\u00A0\\u1680\\u2000-\\u200A\\u2028\\u2029\\u202F\\u205F\\u3000]";

fn text(least: usize, most: usize) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).min_length(Some(least)).max_length(Some(most))
}

fn formatted(format: KnownFormat) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).format(Some(SchemaFormat::KnownFormat(format)))
}

fn secret(least: usize, most: usize) -> ObjectBuilder {
    text(least, most).format(Some(SchemaFormat::KnownFormat(KnownFormat::Password)))
}

fn symbol() -> ObjectBuilder {
    text(2, 32).pattern(Some("^[A-Z0-9-]*-[A-Z0-9-]*$")).examples([json!("KRW-BTC")])
}

fn number() -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::Integer)
}

fn limit(usual: u16, most: u16) -> ObjectBuilder {
    number().minimum(Some(1)).maximum(Some(most)).default(Some(json!(usual)))
}

fn one_of(values: &[&'static str]) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(Type::String).enum_values(Some(values.iter().copied()))
}

fn list(of: impl Into<String>, most: usize) -> ArrayBuilder {
    ArrayBuilder::new().items(Ref::from_schema_name(of)).max_items(Some(most))
}

fn settings() -> ObjectBuilder {
    let object = ObjectBuilder::new().additional_properties(Some(AdditionalProperties::FreeForm(false)));
    Kind::ALL.into_iter().fold(object, |object, kind| {
        object.property(kind.as_str(), ObjectBuilder::new().schema_type(Type::Boolean))
    })
}

fn ticker() -> ObjectBuilder {
    let frame = include_str!("../../docs/protocol/ticker-frame.json");
    let text = || ObjectBuilder::new().schema_type(Type::String);
    ObjectBuilder::new()
        .property("code", Ref::from_schema_name("MarketCode"))
        .property("trade_price", ObjectBuilder::new().schema_type(Type::Number))
        .property("change", text())
        .property("timestamp", number().description(Some("The exchange's clock, epoch milliseconds.")))
        .property("received", number().description(Some("When it got here, epoch milliseconds.")))
        .property("seq", number().description(Some("Counts the prices of this market.")))
        .property("simulated", ObjectBuilder::new().schema_type(Type::Boolean))
        .required("code")
        .required("trade_price")
        .required("timestamp")
        .required("received")
        .required("seq")
        .examples([serde_json::from_str::<serde_json::Value>(frame).unwrap_or_default()])
}
