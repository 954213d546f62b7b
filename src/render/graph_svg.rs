//! A graph as a picture in SVG: what is needed stands left of what needs it, modules are boxes around their blocks,
//! colours say what a plan does.
//!
//! Each module is laid out by itself; in the picture of the module above, it is one box of that size, and an edge
//! from inside of it to the outside leads from the box.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use layout::core::base::Orientation;
use layout::core::format::{ClipHandle, RenderBackend};
use layout::core::geometry::Point;
use layout::core::style::StyleAttr;
use layout::std_shapes::shapes::{Arrow, Element, ShapeKind};
use layout::topo::layout::VisualGraph;

use super::resource_graph::{Deed, ResourceGraph, ResourceNode};

/// More blocks than this in one module make no picture that a person could read, and take minutes to lay out.
pub const MAX_BLOCKS: usize = 300;

/// Widths and heights in pixels.
const CHARACTER: f64 = 7.3;
const LINE: f64 = 17.0;
const PADDING: f64 = 12.0;
const TITLE: f64 = 26.0;
const MARGIN: f64 = 20.0;

/// The picture. The error names the module that has too many blocks.
pub fn graph_svg(graph: &ResourceGraph) -> Result<String, String> {
    let mut root = Module::default();
    for (i, node) in graph.nodes.iter().enumerate() {
        let steps = node.module.steps();
        let module =
            steps.iter().fold(&mut root, |module, step| module.modules.entry(step.name.to_string()).or_default());
        module.blocks.push(i);
    }
    let paths: Vec<Vec<Member>> = graph.nodes.iter().enumerate().map(|(i, n)| path(i, n)).collect();
    let picture = root.draw(graph, &paths, 0, "the root module")?;
    let legend = legend(graph);
    let legend_height = if legend.is_empty() { 0.0 } else { LINE + PADDING };
    let (width, height) = (picture.width + 2.0 * MARGIN, picture.height + 2.0 * MARGIN + legend_height);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} \
         {height:.0}\" font-family=\"Helvetica, Arial, sans-serif\" font-size=\"13\">\n<defs><marker id=\"head\" \
         viewBox=\"0 0 10 10\" refX=\"9\" refY=\"5\" markerWidth=\"7\" markerHeight=\"7\" orient=\"auto-start-reverse\">\
         <path d=\"M0 0 L10 5 L0 10 z\" fill=\"#6b7280\"/></marker></defs>\n<rect width=\"100%\" height=\"100%\" \
         fill=\"#ffffff\"/>\n"
    );
    picture.write(&mut out, MARGIN, MARGIN);
    let mut x = MARGIN;
    for deed in legend {
        let (fill, line) = colours(Some(deed));
        let y = height - MARGIN - LINE + 4.0;
        // Writing to a string cannot fail.
        let _ = writeln!(
            out,
            "<rect x=\"{x:.0}\" y=\"{y:.0}\" width=\"14\" height=\"14\" rx=\"3\" fill=\"{fill}\" stroke=\"{line}\"/>\
             <text x=\"{:.0}\" y=\"{:.0}\" fill=\"#374151\">{}</text>",
            x + 20.0,
            y + 12.0,
            deed.word()
        );
        x += 20.0 + CHARACTER * deed.word().len() as f64 + 24.0;
    }
    out.push_str("</svg>\n");
    Ok(out)
}

/// The deeds that the picture shows.
fn legend(graph: &ResourceGraph) -> Vec<Deed> {
    let deeds: BTreeSet<Deed> = graph.nodes.iter().filter_map(|n| n.deed).collect();
    deeds.into_iter().collect()
}

/// Fill and line.
fn colours(deed: Option<Deed>) -> (&'static str, &'static str) {
    match deed {
        None | Some(Deed::Nothing) => ("#f3f4f6", "#9ca3af"),
        Some(Deed::Read) => ("#dbeafe", "#3b82f6"),
        Some(Deed::Update) => ("#fef3c7", "#d97706"),
        Some(Deed::Create) => ("#dcfce7", "#16a34a"),
        Some(Deed::Replace) => ("#ffedd5", "#ea580c"),
        Some(Deed::Forget) => ("#ede9fe", "#7c3aed"),
        Some(Deed::Delete) => ("#fee2e2", "#dc2626"),
    }
}

/// What stands in a module: a block, or a module below it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Member {
    Block(usize),
    Module(String),
}

/// The way to a block from the root: the modules, then itself.
fn path(i: usize, node: &ResourceNode) -> Vec<Member> {
    let modules = node.module.steps().iter().map(|step| Member::Module(step.name.to_string()));
    modules.chain([Member::Block(i)]).collect()
}

#[derive(Default)]
struct Module {
    blocks: Vec<usize>,
    modules: BTreeMap<String, Module>,
}

/// Something that is laid out, with its top left corner at zero.
#[derive(Default)]
struct Picture {
    width: f64,
    height: f64,
    boxes: Vec<Box>,
    arrows: Vec<Vec<(Point, Point)>>,
    modules: Vec<(f64, f64, String, Picture)>,
}

struct Box {
    x: f64,
    y: f64,
    width: f64,
    height: f64,
    lines: Vec<String>,
    deed: Option<Deed>,
}

impl Module {
    /// Lays the members out. `depth` is the number of modules above.
    fn draw(&self, graph: &ResourceGraph, paths: &[Vec<Member>], depth: usize, name: &str) -> Result<Picture, String> {
        if self.blocks.len() + self.modules.len() > MAX_BLOCKS {
            return Err(name.to_string());
        }
        let mut visual = VisualGraph::new(Orientation::LeftToRight);
        let mut members = Vec::new();
        let mut inner = BTreeMap::new();
        let mut handles = BTreeMap::new();
        for (name, module) in &self.modules {
            let picture = module.draw(graph, paths, depth + 1, &format!("module.{name}"))?;
            let size = (
                picture.width.max(CHARACTER * name.len() as f64 + 70.0) + 2.0 * PADDING,
                picture.height + TITLE + 2.0 * PADDING,
            );
            inner.insert(name.clone(), picture);
            members.push((Member::Module(name.clone()), size));
        }
        for block in &self.blocks {
            let lines = graph.nodes.get(*block).map(lines).unwrap_or_default();
            let longest = lines.iter().map(|l| l.chars().count()).max().unwrap_or(0);
            let size = (CHARACTER * longest as f64 + 2.0 * PADDING, LINE * lines.len() as f64 + PADDING);
            members.push((Member::Block(*block), size));
        }
        for (number, (member, (width, height))) in members.iter().enumerate() {
            let shape = ShapeKind::new_box("");
            let size = Point::new(*width, *height);
            let look = StyleAttr::simple();
            let element =
                Element::create_with_properties(shape, look, Orientation::LeftToRight, size, number.to_string());
            handles.insert(member.clone(), visual.add_node(element));
        }
        let mut arrow = Arrow::simple("");
        // Laid out from left to right in the order of creation; the arrow points to what is needed.
        arrow = arrow.reverse();
        for (from, to) in self.edges(graph, paths, depth) {
            if let (Some(from), Some(to)) = (handles.get(&from), handles.get(&to)) {
                visual.add_edge(arrow.clone(), *to, *from);
            }
        }
        let mut canvas = Canvas::default();
        if !members.is_empty() {
            visual.do_it(false, false, false, &mut canvas);
        }
        Ok(canvas.picture(&members, inner, graph))
    }

    /// The edges between two members of this module, each once.
    fn edges(&self, graph: &ResourceGraph, paths: &[Vec<Member>], depth: usize) -> BTreeSet<(Member, Member)> {
        let here = |i: usize| {
            let path = paths.get(i)?;
            path.get(depth).filter(|_| self.is_on(path, depth, paths))
        };
        let mut found = BTreeSet::new();
        for (from, to) in &graph.edges {
            if let (Some(from), Some(to)) = (here(*from), here(*to))
                && from != to
            {
                found.insert((from.clone(), to.clone()));
            }
        }
        found
    }

    /// Whether a path leads through this module: any block below it shares the beginning.
    fn is_on(&self, path: &[Member], depth: usize, paths: &[Vec<Member>]) -> bool {
        let Some(own) = self.any_block().and_then(|i| paths.get(i)) else { return false };
        own.get(..depth) == path.get(..depth)
    }

    fn any_block(&self) -> Option<usize> {
        self.blocks.first().copied().or_else(|| self.modules.values().find_map(Module::any_block))
    }
}

/// What stands in a block's box.
fn lines(node: &ResourceNode) -> Vec<String> {
    let (ty, name) = node.name.rsplit_once('.').unwrap_or(("", &node.name));
    vec![name.to_string(), ty.to_string()]
}

/// Takes down what the layout draws.
#[derive(Default)]
struct Canvas {
    /// Member, corner and size.
    boxes: Vec<(usize, Point, Point)>,
    arrows: Vec<Vec<(Point, Point)>>,
}

impl Canvas {
    fn picture(
        self,
        members: &[(Member, (f64, f64))],
        mut inner: BTreeMap<String, Picture>,
        graph: &ResourceGraph,
    ) -> Picture {
        let corners = self.boxes.iter().flat_map(|(_, at, size)| [*at, at.add(*size)]);
        let points = self.arrows.iter().flatten().flat_map(|(a, b)| [*a, *b]);
        let all: Vec<Point> = corners.chain(points).collect();
        let least = |of: fn(&Point) -> f64| all.iter().map(of).fold(f64::INFINITY, f64::min);
        let most = |of: fn(&Point) -> f64| all.iter().map(of).fold(0.0, f64::max);
        let (left, top) = if all.is_empty() { (0.0, 0.0) } else { (least(|p| p.x), least(|p| p.y)) };
        let move_point = |p: &Point| Point::new(p.x - left, p.y - top);
        let mut picture = Picture {
            width: (most(|p| p.x) - left).max(0.0),
            height: (most(|p| p.y) - top).max(0.0),
            ..Picture::default()
        };
        for (number, at, size) in &self.boxes {
            let at = move_point(at);
            match members.get(*number) {
                Some((Member::Block(i), _)) => picture.boxes.push(Box {
                    x: at.x,
                    y: at.y,
                    width: size.x,
                    height: size.y,
                    lines: graph.nodes.get(*i).map(lines).unwrap_or_default(),
                    deed: graph.nodes.get(*i).and_then(|n| n.deed),
                }),
                Some((Member::Module(name), (width, height))) => {
                    let mut module = inner.remove(name).unwrap_or_default();
                    (module.width, module.height) = (*width, *height);
                    picture.modules.push((at.x, at.y, format!("module.{name}"), module));
                }
                None => (),
            }
        }
        picture.arrows =
            self.arrows.iter().map(|path| path.iter().map(|(a, b)| (move_point(a), move_point(b))).collect()).collect();
        picture
    }
}

impl RenderBackend for Canvas {
    fn draw_rect(&mut self, at: Point, size: Point, _: &StyleAttr, number: Option<String>, _: Option<ClipHandle>) {
        if let Some(number) = number.and_then(|n| n.parse().ok()) {
            self.boxes.push((number, at, size));
        }
    }

    fn draw_line(&mut self, _: Point, _: Point, _: &StyleAttr, _: Option<String>) {}

    fn draw_circle(&mut self, _: Point, _: Point, _: &StyleAttr, _: Option<String>) {}

    fn draw_text(&mut self, _: Point, _: &str, _: &StyleAttr) {}

    fn draw_arrow(
        &mut self,
        path: &[(Point, Point)],
        _: bool,
        _: (bool, bool),
        _: &StyleAttr,
        _: Option<String>,
        _: &str,
    ) {
        self.arrows.push(path.to_vec());
    }

    fn create_clip(&mut self, _: Point, _: Point, _: usize) -> ClipHandle {
        0
    }
}

impl Picture {
    /// Writes everything at this place. Arrows lie below the boxes.
    fn write(&self, out: &mut String, x: f64, y: f64) {
        // Writing to a string cannot fail.
        for path in &self.arrows {
            let _ = writeln!(
                out,
                "<path d=\"{}\" fill=\"none\" stroke=\"#9ca3af\" stroke-width=\"1.3\" marker-start=\"url(#head)\"/>",
                curve(path, x, y)
            );
        }
        for (left, top, name, module) in &self.modules {
            let (left, top) = (x + left, y + top);
            let _ = writeln!(
                out,
                "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"8\" fill=\"#f8fafc\" \
                 stroke=\"#94a3b8\" stroke-dasharray=\"5 3\"/><text x=\"{:.1}\" y=\"{:.1}\" fill=\"#475569\" \
                 font-weight=\"bold\">{}</text>",
                module.width,
                module.height,
                left + PADDING,
                top + TITLE - 7.0,
                escaped(name)
            );
            module.write(out, left + PADDING, top + TITLE + PADDING);
        }
        for block in &self.boxes {
            let (fill, line) = colours(block.deed);
            let (left, top) = (x + block.x, y + block.y);
            let _ = write!(
                out,
                "<rect x=\"{left:.1}\" y=\"{top:.1}\" width=\"{:.1}\" height=\"{:.1}\" rx=\"5\" fill=\"{fill}\" \
                 stroke=\"{line}\" stroke-width=\"1.5\"/>",
                block.width, block.height
            );
            for (i, text) in block.lines.iter().enumerate() {
                let style =
                    if i == 0 { "fill=\"#111827\" font-weight=\"bold\"" } else { "fill=\"#4b5563\" font-size=\"11\"" };
                let _ = write!(
                    out,
                    "<text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"middle\" {style}>{}</text>",
                    left + block.width / 2.0,
                    top + PADDING / 2.0 + LINE * (i as f64 + 0.75),
                    escaped(text)
                );
            }
            out.push('\n');
        }
    }
}

/// The layout gives each point with its control point: the first pair begins the curve, the others end a piece of it.
fn curve(path: &[(Point, Point)], x: f64, y: f64) -> String {
    let at = |p: &Point| format!("{:.1} {:.1}", p.x + x, p.y + y);
    match path {
        [first, second, rest @ ..] => {
            let mut out = format!("M{} C{} {} {}", at(&first.0), at(&first.1), at(&second.0), at(&second.1));
            for (control, end) in rest {
                out.push_str(&format!(" S{} {}", at(control), at(end)));
            }
            out
        }
        _ => String::new(),
    }
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}
