//! The drawing surface of the run's pictures: shapes by plotters, text by us, both smooth.
//!
//! Shapes are drawn at three times the size and averaged down, because plotters draws wide lines without
//! smoothing. Text is set here, because plotters' own setting leaves out each letter's side bearing and the
//! words come out uneven. The font is part of the program (two subsets of Inter, 16 kB each, under the SIL
//! Open Font License, see `fonts/LICENSE.txt`), because a training machine often has none installed.

use std::path::Path;

use ab_glyph::{Font, FontRef, PxScale, ScaleFont, point};
use plotters::backend::BitMapBackend;
use plotters::coord::Shift;
use plotters::drawing::{DrawingArea, IntoDrawingArea};
use plotters::element::BitMapElement;
use plotters::style::RGBColor;

use crate::run::durable::{self, OperatingSystem};
use crate::run::error::RunError;

/// Side of a drawn pixel's square that becomes one pixel of the picture.
pub const OVERSAMPLING: u32 = 3;

/// The surface that plotters draws on, in drawn pixels.
pub type Surface<'a> = DrawingArea<BitMapBackend<'a>, Shift>;

/// A picture in the making. Positions and sizes of text are in pixels of the final picture.
pub struct Canvas {
    pixels: Vec<u8>,
    size: (u32, u32),
    regular: FontRef<'static>,
    bold: FontRef<'static>,
}

/// How a text looks.
#[derive(Debug, Clone, Copy)]
pub struct TextStyle {
    /// Height of the em square in pixels.
    pub size: f32,
    pub bold: bool,
    pub color: RGBColor,
    pub anchor: Anchor,
}

/// Which end of a text is at the given position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Anchor {
    Start,
    Middle,
    End,
}

impl TextStyle {
    pub fn regular(size: f32, color: RGBColor) -> Self {
        Self {
            size,
            bold: false,
            color,
            anchor: Anchor::Start,
        }
    }

    pub fn bold(size: f32, color: RGBColor) -> Self {
        Self {
            bold: true,
            ..Self::regular(size, color)
        }
    }

    pub fn anchored(self, anchor: Anchor) -> Self {
        Self { anchor, ..self }
    }
}

impl Canvas {
    /// A white picture.
    pub fn new(width: u32, height: u32) -> Self {
        let font = |bytes| FontRef::try_from_slice(bytes).expect("the embedded font is whole");
        let drawn = (width * OVERSAMPLING) as usize * (height * OVERSAMPLING) as usize;
        Self {
            pixels: vec![255; drawn * 3],
            size: (width, height),
            regular: font(include_bytes!("fonts/Inter-Regular-latin.otf")),
            bold: font(include_bytes!("fonts/Inter-SemiBold-latin.otf")),
        }
    }

    /// Lets plotters draw.
    pub fn draw<R>(&mut self, draw: impl FnOnce(&Surface<'_>) -> R) -> R {
        let size = self.drawn_size();
        let surface = BitMapBackend::with_buffer(&mut self.pixels, size).into_drawing_area();
        draw(&surface)
    }

    /// Sets a text with its baseline at `y`. Returns its width.
    pub fn text(&mut self, text: &str, (x, y): (f32, f32), style: TextStyle) -> f32 {
        let font = if style.bold {
            self.bold.clone()
        } else {
            self.regular.clone()
        };
        let oversampling = OVERSAMPLING as f32;
        let units = font
            .units_per_em()
            .expect("the embedded font states its units");
        // ab_glyph measures a font by ascent to descent; designers, and this program, by the em square.
        let scale = PxScale::from(style.size * oversampling * font.height_unscaled() / units);
        let scaled = font.as_scaled(scale);
        let width: f32 = text
            .chars()
            .map(|c| scaled.h_advance(font.glyph_id(c)))
            .sum();
        let start = match style.anchor {
            Anchor::Start => x * oversampling,
            Anchor::Middle => x * oversampling - width / 2.0,
            Anchor::End => x * oversampling - width,
        };
        let mut pen = start;
        for c in text.chars() {
            let id = font.glyph_id(c);
            let glyph = id.with_scale_and_position(scale, point(pen, y * oversampling));
            if let Some(outline) = font.outline_glyph(glyph) {
                let bounds = outline.px_bounds();
                outline.draw(|column, row, coverage| {
                    let x = bounds.min.x as i64 + i64::from(column);
                    let y = bounds.min.y as i64 + i64::from(row);
                    self.blend(x, y, style.color, coverage);
                });
            }
            pen += scaled.h_advance(id);
        }
        width / oversampling
    }

    /// Writes the picture, replacing an earlier one atomically. The format follows the extension.
    pub fn save(&self, path: &Path) -> Result<(), RunError> {
        let failed = |error: String| RunError::Draw {
            path: path.to_path_buf(),
            why: error,
        };
        let scratch = durable::scratch_path(path);
        let pixels = self.averaged();
        let written = (|| {
            let surface = BitMapBackend::new(&scratch, self.size).into_drawing_area();
            let picture = BitMapElement::with_ref((0, 0), self.size, &pixels)
                .ok_or_else(|| "the picture has another size than its pixels".to_string())?;
            surface.draw(&picture).map_err(|error| error.to_string())?;
            surface.present().map_err(|error| error.to_string())
        })();
        let published = written
            .map_err(failed)
            .and_then(|()| durable::publish_file(&OperatingSystem, &scratch, path));
        if published.is_err() {
            let _ = std::fs::remove_file(&scratch);
        }
        published
    }

    fn drawn_size(&self) -> (u32, u32) {
        (self.size.0 * OVERSAMPLING, self.size.1 * OVERSAMPLING)
    }

    fn blend(&mut self, x: i64, y: i64, color: RGBColor, coverage: f32) {
        let (width, height) = self.drawn_size();
        if x < 0 || y < 0 || x >= i64::from(width) || y >= i64::from(height) {
            return;
        }
        let at = (y as usize * width as usize + x as usize) * 3;
        let coverage = coverage.clamp(0.0, 1.0);
        for (pixel, ink) in self.pixels[at..at + 3]
            .iter_mut()
            .zip([color.0, color.1, color.2])
        {
            *pixel =
                (f32::from(*pixel) * (1.0 - coverage) + f32::from(ink) * coverage).round() as u8;
        }
    }

    fn averaged(&self) -> Vec<u8> {
        let side = OVERSAMPLING as usize;
        let row = self.size.0 as usize * 3;
        let mut averaged = Vec::with_capacity(row * self.size.1 as usize);
        let mut sums = vec![0u16; row];
        for drawn_rows in self.pixels.chunks_exact(row * side * side) {
            sums.fill(0);
            for drawn_row in drawn_rows.chunks_exact(row * side) {
                for (sum, square) in sums
                    .chunks_exact_mut(3)
                    .zip(drawn_row.chunks_exact(3 * side))
                {
                    for pixel in square.chunks_exact(3) {
                        for (sum, channel) in sum.iter_mut().zip(pixel) {
                            *sum += u16::from(*channel);
                        }
                    }
                }
            }
            let count = (side * side) as u16;
            averaged.extend(sums.iter().map(|sum| ((sum + count / 2) / count) as u8));
        }
        averaged
    }
}
