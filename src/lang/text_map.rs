//! Where the characters of a piece of text stand in the source that it was taken from.
//!
//! A string of a YAML file is unescaped and dedented before it is read as a template; a mapping leads from
//! offsets in the resulting text back to the file.

use crate::model::{SourceId, Span};

/// Maps byte offsets of a text to places in a source. Cheap to clone where the text is a plain slice.
#[derive(Clone, Debug)]
pub struct TextMap {
    source: SourceId,
    /// Pairs of an offset in the text and the offset in the source that it stands for, sorted; between two of
    /// them both sides advance together.
    segments: Vec<(u32, u32)>,
    /// The last offset that spans may reach in the source, where one is known.
    end: Option<u32>,
    /// Every range of the text is the whole span.
    whole: bool,
}

impl TextMap {
    /// The text is a slice of the source that begins at the offset.
    pub fn offset(source: SourceId, base: usize) -> TextMap {
        TextMap { source, segments: vec![(0, clamp(base))], end: None, whole: false }
    }

    /// All of the text stands for one span: nothing finer is known.
    pub fn whole(span: Span) -> TextMap {
        TextMap { source: span.source, segments: vec![(0, span.start)], end: Some(span.end), whole: true }
    }

    /// The text came from the span, and nothing reaches beyond it; [`TextMap::segment`] says it more finely.
    pub fn within(span: Span) -> TextMap {
        TextMap { source: span.source, segments: vec![(0, span.start)], end: Some(span.end), whole: false }
    }

    /// From this offset of the text on, the text is the source from that offset on. Segments come in order.
    pub fn segment(&mut self, text: usize, source: usize) {
        let (text, source) = (clamp(text), clamp(source));
        match self.segments.last_mut() {
            Some(last) if last.0 >= text => last.1 = source,
            _ => self.segments.push((text, source)),
        }
    }

    /// The map of the text without its first bytes.
    pub(super) fn after(mut self, bytes: usize) -> TextMap {
        let bytes = clamp(bytes);
        let start = self.place(bytes);
        self.segments.retain(|(text, _)| *text > bytes);
        self.segments.iter_mut().for_each(|(text, _)| *text -= bytes);
        self.segments.insert(0, (0, start));
        self
    }

    pub fn source(&self) -> SourceId {
        self.source
    }

    /// The span of a byte range of the text.
    pub fn span(&self, start: usize, end: usize) -> Span {
        if let (true, Some(end), Some((_, start))) = (self.whole, self.end, self.segments.first()) {
            return Span { source: self.source, start: *start, end };
        }
        let (start, end) = (self.place(clamp(start)), self.place(clamp(end)));
        Span { source: self.source, start, end: end.max(start) }
    }

    fn place(&self, offset: u32) -> u32 {
        let at = self.segments.partition_point(|(text, _)| *text <= offset).saturating_sub(1);
        let (text, source) = self.segments.get(at).copied().unwrap_or_default();
        let place = source.saturating_add(offset - text.min(offset));
        self.end.map_or(place, |end| place.min(end))
    }
}

fn clamp(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_lead_back_through_escapes() {
        // Source `"a\nb"` at 10: the text is `a`, a line break, `b`.
        let mut map = TextMap::within(Span::new(SourceId(0), 10, 16));
        map.segment(0, 11);
        map.segment(1, 12);
        map.segment(2, 14);
        assert_eq!(map.span(0, 1), Span::new(SourceId(0), 11, 12));
        assert_eq!(map.span(2, 3), Span::new(SourceId(0), 14, 15));
        assert_eq!(map.span(1, 99), Span::new(SourceId(0), 12, 16));
    }
}
