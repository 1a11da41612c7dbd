//! What becomes of pictures, and of what only looks like one.

use image::codecs::gif::GifEncoder;
use image::{Delay, ExtendedColorType, Frame, ImageEncoder, Rgb, Rgba};

use super::*;

const RED: Rgba<u8> = Rgba([200, 30, 30, 255]);
const BLUE: Rgba<u8> = Rgba([30, 30, 200, 255]);

/// Red on the left, blue on the right.
fn halves(width: u32, height: u32) -> RgbaImage {
    RgbaImage::from_fn(width, height, |x, _| if x < width / 2 { RED } else { BLUE })
}

fn encoded(picture: RgbaImage, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    let picture = DynamicImage::from(picture);
    let picture = if format == ImageFormat::Jpeg { picture.into_rgb8().into() } else { picture };
    picture.write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn decoded(bytes: &[u8]) -> RgbaImage {
    image::load_from_memory(bytes).unwrap().into_rgba8()
}

fn refused(bytes: &[u8]) -> PictureError {
    make(bytes).unwrap_err()
}

/// Whether a pixel is of about this colour: JPEG never keeps it exactly.
#[track_caller]
fn assert_about(found: &Rgba<u8>, expected: Rgba<u8>) {
    let far = found.0.iter().zip(expected.0).any(|(a, b)| a.abs_diff(b) > 12);
    assert!(!far, "{found:?} is not about {expected:?}");
}

/// A JPEG with these segments behind its first two bytes.
fn with_segments(jpeg: &[u8], segments: &[(u8, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = jpeg[..2].to_vec();
    for (kind, content) in segments {
        bytes.extend([0xff, *kind]);
        bytes.extend(u16::try_from(content.len() + 2).unwrap().to_be_bytes());
        bytes.extend(content);
    }
    bytes.extend(&jpeg[2..]);
    bytes
}

/// Exif that says which way is up, as TIFF has it, and where that was.
fn exif(orientation: u8) -> (u8, Vec<u8>) {
    let mut content = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0".to_vec();
    content.extend([orientation, 0, 0, 0, 0, 0, 0, 0]);
    content.extend(b"GPS 37.5665 126.9780");
    (0xe1, content)
}

fn png_header(width: u32, height: u32) -> Vec<u8> {
    let mut header = b"IHDR".to_vec();
    header.extend(width.to_be_bytes());
    header.extend(height.to_be_bytes());
    header.extend([1, 0, 0, 0, 0]);
    let mut png = b"\x89PNG\r\n\x1a\n\0\0\0\x0d".to_vec();
    png.extend(&header);
    png.extend(crc32(&header).to_be_bytes());
    // The beginning of the data; whoever believes the header gets ready for the rest.
    png.extend(b"\0\0\x10\0IDAT\x78\xda");
    png.resize(4096, 0);
    png
}

fn crc32(bytes: &[u8]) -> u32 {
    let step = |crc: u32, byte: &u8| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| (crc >> 1) ^ (0xedb8_8320 * (crc & 1)))
    };
    !bytes.iter().fold(u32::MAX, step)
}

#[test]
fn every_format_becomes_two_squares() {
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif] {
        let made = make(&encoded(halves(300, 200), format)).unwrap();
        assert_eq!(made.format, PictureFormat::Jpeg, "{format:?}");
        for (file, side) in [(&made.large, 256), (&made.small, 64)] {
            let picture = decoded(file);
            assert_eq!(picture.dimensions(), (side, side));
            assert_about(picture.get_pixel(side / 8, side / 2), RED);
            assert_about(picture.get_pixel(side - side / 8, side / 2), BLUE);
        }
    }
}

#[test]
fn the_middle_is_kept() {
    let wide = RgbaImage::from_fn(900, 300, |x, _| if (300..600).contains(&x) { RED } else { BLUE });
    let picture = decoded(&make(&encoded(wide, ImageFormat::Png)).unwrap().large);
    assert_about(picture.get_pixel(4, 128), RED);
    assert_about(picture.get_pixel(251, 128), RED);
}

#[test]
fn one_pixel_is_a_picture() {
    let made = make(&encoded(RgbaImage::from_pixel(1, 1, RED), ImageFormat::Png)).unwrap();
    assert_about(decoded(&made.large).get_pixel(200, 200), RED);
}

#[test]
fn transparency_is_kept() {
    let clear = RgbaImage::from_pixel(100, 100, Rgba([0, 0, 0, 0]));
    let made = make(&encoded(clear, ImageFormat::Png)).unwrap();
    assert_eq!(made.format, PictureFormat::Png);
    assert_eq!(decoded(&made.small).get_pixel(5, 5).0[3], 0);
}

#[test]
fn the_same_picture_becomes_the_same_bytes() {
    let bytes = encoded(halves(300, 300), ImageFormat::Png);
    let (one, other) = (make(&bytes).unwrap(), make(&bytes).unwrap());
    assert_eq!((one.large, one.small), (other.large, other.small));
}

#[test]
fn a_picture_is_turned_the_right_way_up_and_forgets_where_it_was_taken() {
    let jpeg = with_segments(&encoded(halves(300, 300), ImageFormat::Jpeg), &[exif(6)]);
    let made = make(&jpeg).unwrap();
    let picture = decoded(&made.large);
    assert_about(picture.get_pixel(128, 30), RED);
    assert_about(picture.get_pixel(128, 226), BLUE);
    for file in [&made.large, &made.small] {
        assert!(!file.windows(4).any(|part| part == b"Exif" || part == b"GPS "));
    }
}

#[test]
fn metadata_of_a_megabyte_is_left_behind() {
    let segments = vec![(0xe1, vec![b'x'; 65_000]); 20];
    let jpeg = with_segments(&encoded(halves(300, 300), ImageFormat::Jpeg), &segments);
    let made = make(&jpeg).unwrap();
    assert!(jpeg.len() > 1_000_000 && made.large.len() < 10_000);
}

#[test]
fn of_an_animation_the_first_frame_is_kept() {
    let mut gif = Vec::new();
    let mut encoder = GifEncoder::new(&mut gif);
    for colour in [RED, BLUE] {
        let frame = RgbaImage::from_pixel(80, 80, colour);
        encoder.encode_frame(Frame::from_parts(frame, 0, 0, Delay::from_numer_denom_ms(100, 1))).unwrap();
    }
    drop(encoder);
    assert_about(decoded(&make(&gif).unwrap().large).get_pixel(100, 100), RED);
}

#[test]
fn the_four_colours_of_print_become_the_three_of_light() {
    let made = make(include_bytes!("tests/cmyk.jpg")).unwrap();
    let picture = decoded(&made.large);
    let pixel = picture.get_pixel(128, 128);
    assert!(pixel.0[0] > 180 && pixel.0[1] < 90 && pixel.0[2] < 90, "no red: {pixel:?}");
}

#[test]
fn sixteen_bits_a_colour_become_eight() {
    let deep = image::ImageBuffer::from_pixel(64, 64, Rgb([51_400_u16, 7_710, 7_710]));
    let mut png = Cursor::new(Vec::new());
    DynamicImage::ImageRgb16(deep).write_to(&mut png, ImageFormat::Png).unwrap();
    assert_about(decoded(&make(png.get_ref()).unwrap().large).get_pixel(9, 9), RED);
}

#[test]
fn a_decompression_bomb_is_refused_by_its_header() {
    let bombs: [(&str, Vec<u8>); 5] = [
        ("png", png_header(50_000, 50_000)),
        ("square png", png_header(16_000, 16_000)),
        ("png of one line", png_header(1_000_000, 1)),
        ("gif", b"GIF89a\xff\xff\xff\xff\xf0\0\0\0\0\0\xff\xff\xff,\0\0\0\0\xff\xff\xff\xff\0".to_vec()),
        ("webp", b"RIFF\x1c\0\0\0WEBPVP8L\x10\0\0\0\x2f\xfe\xbf\xff\x0f\0\0\0\0\0\0\0\0\0\0\0".to_vec()),
    ];
    for (name, bomb) in bombs {
        assert_eq!(refused(&bomb), PictureError::TooLarge, "{name}");
    }
}

#[test]
fn a_damaged_picture_is_refused() {
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif] {
        let whole = encoded(halves(300, 200), format);
        let head = &whole[..20.min(whole.len())];
        assert_eq!(refused(head), PictureError::Unreadable, "{format:?}");
    }
    let png = encoded(halves(300, 200), ImageFormat::Png);
    assert_eq!(refused(&png[..png.len() / 2]), PictureError::Unreadable);
    let none = png_header(0, 0);
    assert_eq!(refused(&none), PictureError::Unreadable);
}

#[test]
fn a_part_of_a_file_never_panics() {
    for format in [ImageFormat::Jpeg, ImageFormat::Png, ImageFormat::WebP, ImageFormat::Gif] {
        let whole = encoded(halves(60, 40), format);
        for end in (0..whole.len()).step_by(5) {
            // Some formats can show what came so far; what counts is that there is an answer.
            let _ = make(&whole[..end]);
        }
    }
}

#[test]
fn what_is_no_picture_of_ours_is_unknown() {
    let others: [&[u8]; 8] = [
        b"",
        b"\xff",
        b"<svg xmlns='http://www.w3.org/2000/svg'><script>alert(1)</script></svg>",
        b"<!doctype html><script>alert(1)</script>",
        b"BM\x46\0\0\0\0\0\0\0\x36\0\0\0\x28\0\0\0",
        b"II*\0\x08\0\0\0",
        b"\0\0\x01\0\x01\0\x10\x10\0\0\x01\0",
        b"%PDF-1.7",
    ];
    for other in others {
        assert_eq!(refused(other), PictureError::Unknown, "{:?}", String::from_utf8_lossy(other));
    }
}

#[test]
fn what_hides_behind_a_picture_does_not_come_through() {
    let mut polyglot = encoded(halves(300, 300), ImageFormat::Gif);
    polyglot.extend(b"<script>alert(document.cookie)</script>PK\x03\x04");
    let made = make(&polyglot).unwrap();
    for file in [&made.large, &made.small] {
        assert!(!file.windows(6).any(|part| part == b"script"));
    }
}

#[tokio::test]
async fn no_more_pictures_are_let_in_than_there_is_memory_for() {
    let maker = PictureMaker::new();
    let places: Vec<Place> = (0..PICTURES_ADMITTED).map(|_| maker.admit().unwrap()).collect();
    assert_eq!(maker.admit().err().unwrap().status(), 503);
    drop(places);
    let place = maker.admit().unwrap();
    maker.make(place, encoded(halves(9, 9), ImageFormat::Png).into()).await.unwrap();
}

#[test]
fn a_photograph_as_large_as_allowed_is_taken() {
    let mut png = Vec::new();
    let encoder = PngEncoder::new(&mut png);
    let row = vec![127; 5000 * 5000];
    encoder.write_image(&row, 5000, 5000, ExtendedColorType::L8).unwrap();
    assert_eq!(make(&png).unwrap().format, PictureFormat::Jpeg);
}
