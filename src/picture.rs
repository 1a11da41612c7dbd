//! Pictures that people send: from bytes that may be anything to two small squares that are safe to show.
//!
//! A picture is recognised by its first bytes, whatever its sender calls it. Its size is read from its header before
//! anything is decoded, for a file of a few kilobytes can claim to be larger than memory. What is kept is encoded anew:
//! no metadata, where a photograph was taken among them, survives, and neither does anything that was hidden behind or
//! within the picture. Of an animation the first frame is kept; colour profiles are dropped.
//!
//! Decoding takes memory and a core, so it runs on blocking threads, a few at once, and a few more may wait.

use std::io::Cursor;
use std::sync::Arc;

use bytes::Bytes;
use image::codecs::jpeg::JpegEncoder;
use image::codecs::png::PngEncoder;
use image::{
    DynamicImage, GenericImageView, ImageDecoder, ImageError, ImageFormat, ImageReader, ImageResult, Limits,
    RgbaImage, imageops,
};
use tickroom_storage::picture::{NewPicture, PICTURE_SIDES, PictureFormat};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::error::ApiError;
use crate::limits::{
    PICTURE_DECODER_BYTES_MAX, PICTURE_JPEG_QUALITY, PICTURE_PIXELS_MAX, PICTURE_SIDE_MAX, PICTURES_ADMITTED,
    PICTURES_DECODED_AT_ONCE,
};

/// Why some bytes become no picture.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PictureError {
    /// They do not begin as a picture does that we know.
    #[error("expected a picture in one of the formats JPEG, PNG, WebP and GIF")]
    Unknown,
    /// More pixels than we want to look at.
    #[error("expected at most {PICTURE_PIXELS_MAX} pixels, no side longer than {PICTURE_SIDE_MAX}")]
    TooLarge,
    /// They begin as a picture and go on as none.
    #[error("the picture is damaged, or of a kind that its format seldom has")]
    Unreadable,
}

impl From<PictureError> for ApiError {
    fn from(error: PictureError) -> Self {
        match error {
            PictureError::Unknown => Self::unsupported_content(error.to_string()),
            PictureError::TooLarge => Self::unprocessable("picture_too_large", error.to_string()),
            PictureError::Unreadable => Self::unprocessable("picture_unreadable", error.to_string()),
        }
    }
}

impl From<ImageError> for PictureError {
    fn from(error: ImageError) -> Self {
        match error {
            ImageError::Limits(_) => Self::TooLarge,
            _ => Self::Unreadable,
        }
    }
}

/// Makes pictures, within its means. Clones share them.
#[derive(Clone)]
pub struct PictureMaker {
    /// A place for each picture that is made, waits, or is on its way here; none left: 503.
    places: Arc<Semaphore>,
    /// A turn for each that is being made.
    turns: Arc<Semaphore>,
}

/// A place for one picture. It is taken before the picture is received, so that memory for no more of them is needed.
pub struct Place {
    _held: OwnedSemaphorePermit,
}

impl PictureMaker {
    /// One for the whole server.
    #[must_use]
    pub fn new() -> Self {
        let semaphore = |places| Arc::new(Semaphore::new(places));
        Self { places: semaphore(PICTURES_ADMITTED), turns: semaphore(PICTURES_DECODED_AT_ONCE) }
    }

    /// Takes a place for a picture that is about to come.
    ///
    /// # Errors
    ///
    /// 503 when there are too many already.
    pub fn admit(&self) -> Result<Place, ApiError> {
        let place = Arc::clone(&self.places).try_acquire_owned();
        place.map(|held| Place { _held: held }).map_err(|_full| ApiError::busy())
    }

    /// Makes both sizes of a picture. The work keeps its place and its turn even if the client hangs up.
    ///
    /// # Errors
    ///
    /// 415 for what is no picture, 422 for one that is too large or damaged.
    pub async fn make(&self, place: Place, content: Bytes) -> Result<NewPicture, ApiError> {
        let turn = Arc::clone(&self.turns).acquire_owned().await.map_err(ApiError::internal)?;
        let made = tokio::task::spawn_blocking(move || {
            let _held = (place, turn);
            make(&content)
        });
        // A decoder that panics has met a picture that its author did not think of.
        Ok(made.await.unwrap_or(Err(PictureError::Unreadable))?)
    }
}

impl Default for PictureMaker {
    fn default() -> Self {
        Self::new()
    }
}

fn make(content: &[u8]) -> Result<NewPicture, PictureError> {
    let [large_side, small_side] = PICTURE_SIDES;
    let large = square(content, large_side)?;
    let small = imageops::thumbnail(&large, small_side, small_side);
    let is_opaque = large.pixels().all(|pixel| pixel.0.last() == Some(&u8::MAX));
    let format = if is_opaque { PictureFormat::Jpeg } else { PictureFormat::Png };
    Ok(NewPicture { format, large: encode(large, format)?, small: encode(small, format)? })
}

/// The middle of the picture as a square of this side, the right way up.
fn square(content: &[u8], side: u32) -> Result<RgbaImage, PictureError> {
    let mut decoder = decoder(content)?;
    let orientation = decoder.orientation()?;
    let picture = DynamicImage::from_decoder(decoder)?;
    let (width, height) = picture.dimensions();
    let least = width.min(height);
    let middle = picture.view((width - least) / 2, (height - least) / 2, least, least);
    // Turning a square is the same before and after; after, it is small.
    let mut square = DynamicImage::from(imageops::thumbnail(&*middle, side, side));
    square.apply_orientation(orientation);
    Ok(square.into_rgba8())
}

/// A decoder that has read the header and found nothing too large in it.
fn decoder(content: &[u8]) -> Result<impl ImageDecoder + '_, PictureError> {
    let format = image::guess_format(content).map_err(|_| PictureError::Unknown)?;
    if !matches!(format, ImageFormat::Jpeg | ImageFormat::Png | ImageFormat::WebP | ImageFormat::Gif) {
        return Err(PictureError::Unknown);
    }
    let mut limits = Limits::default();
    limits.max_image_width = Some(PICTURE_SIDE_MAX);
    limits.max_image_height = Some(PICTURE_SIDE_MAX);
    limits.max_alloc = Some(PICTURE_DECODER_BYTES_MAX);
    let mut reader = ImageReader::with_format(Cursor::new(content), format);
    reader.limits(limits);
    let decoder = reader.into_decoder()?;
    let (width, height) = decoder.dimensions();
    if width == 0 || height == 0 {
        return Err(PictureError::Unreadable);
    }
    let is_small = u64::from(width) * u64::from(height) <= PICTURE_PIXELS_MAX
        && decoder.total_bytes() <= PICTURE_DECODER_BYTES_MAX;
    if is_small { Ok(decoder) } else { Err(PictureError::TooLarge) }
}

fn encode(picture: RgbaImage, format: PictureFormat) -> ImageResult<Bytes> {
    let mut encoded = Vec::new();
    let picture = DynamicImage::from(picture);
    match format {
        PictureFormat::Jpeg => picture
            .into_rgb8()
            .write_with_encoder(JpegEncoder::new_with_quality(&mut encoded, PICTURE_JPEG_QUALITY))?,
        PictureFormat::Png => picture.write_with_encoder(PngEncoder::new(&mut encoded))?,
    }
    Ok(encoded.into())
}

#[cfg(test)]
mod tests;
