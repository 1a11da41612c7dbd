//! How our types travel through SQL: numbers as BIGINT, everything with a syntax as text that is checked again when
//! it comes back.

use sqlx::any::{AnyTypeInfo, AnyValueRef};
use sqlx::encode::IsNull;
use sqlx::error::BoxDynError;
use sqlx::{Any, Database, Decode, Encode, Type};

use crate::candle::{Interval, Outcome};
use crate::idempotency::IdempotencyKey;
use crate::moderation::{Action, SanctionKind};
use crate::notification::NotificationKind;
use crate::prose::{CommentContent, PostContent, PostTitle, Reason};
use crate::tag::Tag;
use crate::user::{BirthYear, Email, Intro, Region, Role, UserName};
use crate::{
    BackfillId, ClientMessageId, CommentId, Decimal, EventId, FamilyId, FollowId, MarketCode, MessageId,
    ModerationId, NotificationId, Offset, PostId, RoomName, TimestampMs, UserId,
};

/// Where the driver collects bound values.
type Buffer = <Any as Database>::ArgumentBuffer;

/// Lets `$type` be bound and read as the column type of `$column`.
macro_rules! sql_value {
    ($($type:ty),+ => $column:ty, $encode:expr, $decode:expr) => {$(
        impl Type<Any> for $type {
            fn type_info() -> AnyTypeInfo {
                <$column as Type<Any>>::type_info()
            }

            fn compatible(found: &AnyTypeInfo) -> bool {
                <$column as Type<Any>>::compatible(found)
            }
        }

        impl Encode<'_, Any> for $type {
            fn encode_by_ref(&self, buffer: &mut Buffer) -> Result<IsNull, BoxDynError> {
                let encode: fn(&Self) -> $column = $encode;
                <$column as Encode<Any>>::encode(encode(self), buffer)
            }
        }

        impl<'r> Decode<'r, Any> for $type {
            fn decode(value: AnyValueRef<'r>) -> Result<Self, BoxDynError> {
                let decode: fn($column) -> Result<Self, BoxDynError> = $decode;
                decode(<$column as Decode<Any>>::decode(value)?)
            }
        }
    )+};
}

sql_value!(
    UserId, MessageId, FamilyId, FollowId, PostId, CommentId, EventId, ModerationId, NotificationId, TimestampMs => i64,
    |value| value.get(),
    |number| Ok(Self::new(number))
);
sql_value!(Offset => i64, |offset| offset.to_bigint(), |number| Ok(Self::new(u64::try_from(number)?)));
sql_value!(
    RoomName, MarketCode, ClientMessageId, UserName, Email, Role, Intro, Region, NotificationKind => &str,
    |text| text.as_str(),
    |text| Ok(text.parse()?)
);
sql_value!(
    Tag, PostTitle, PostContent, CommentContent, Reason, IdempotencyKey => &str,
    |text| text.as_str(),
    |text| Ok(text.parse()?)
);
sql_value!(BirthYear => i64, |year| year.get().into(), |number| Ok(Self::stored(u16::try_from(number)?)));
sql_value!(BackfillId => i64, |id| id.get(), |number| Ok(Self::new(number)));
sql_value!(Action, SanctionKind, Interval, Outcome => &str, |name| name.as_str(), |text| Ok(text.parse()?));
sql_value!(Decimal => String, |number| number.to_string(), |text| Ok(text.parse()?));
