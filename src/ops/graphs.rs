//! The graph of a configuration in the forms in which it is shown.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::load::Loaded;
use crate::graph::{NodeId, NodeKind, StaticModuleId, cycles, real_name, reduced, summary};
use crate::model::{Mode, ModulePath, ResourceAddress};
use crate::plan::Plan;
use crate::render::graph_dot::{OperationGraph, OperationNode};
use crate::render::resource_graph::{Deed, ResourceGraph, ResourceNode};

/// The resource blocks, with what a plan does to their objects where there is one.
pub fn resources(loaded: &Loaded, plan: Option<&Plan>) -> ResourceGraph {
    let (spec, tree) = (&loaded.spec, &loaded.graph.tree);
    let found = summary(spec, &loaded.graph);
    let deeds = plan.map(deeds);
    let node = |(module, i): &(StaticModuleId, u32)| {
        let block = &tree.definition(spec, *module).resources[*i as usize];
        let module = tree.get(*module).path.clone();
        let address = ResourceAddress {
            module: module.clone(),
            mode: block.mode,
            ty: block.ty.clone(),
            name: block.name.clone(),
        };
        let deed = deeds.as_ref().map(|all| all.get(&address).copied().unwrap_or(Deed::Nothing));
        ResourceNode { module, name: block.local_name(), deed }
    };
    let nodes: Vec<ResourceNode> = found.blocks.iter().map(node).collect();
    let mut order: Vec<usize> = (0..nodes.len()).collect();
    order.sort_by_cached_key(|i| (nodes[*i].module.to_string(), nodes[*i].name.clone()));
    let mut place = vec![0; nodes.len()];
    order.iter().enumerate().for_each(|(at, i)| place[*i] = at);
    let mut edges: Vec<_> = found.edges.iter().map(|(from, to)| (place[*from], place[*to])).collect();
    edges.sort_unstable();
    ResourceGraph { nodes: order.into_iter().map(|i| nodes[i].clone()).collect(), edges }
}

/// The gravest deed to any object of each block.
fn deeds(plan: &Plan) -> HashMap<ResourceAddress, Deed> {
    let mut deeds: HashMap<ResourceAddress, Deed> = HashMap::new();
    for change in &plan.changes {
        let resource = &change.address.resource;
        let block = resource.without_keys();
        let deed = Deed::of(&change.action);
        deeds.entry(block).and_modify(|known| *known = deed.max(*known)).or_insert(deed);
    }
    deeds
}

/// Everything that is evaluated: values, providers and modules too.
pub fn operation(loaded: &Loaded) -> OperationGraph {
    let graph = &loaded.graph;
    let mut nodes: BTreeMap<String, OperationNode> = BTreeMap::new();
    let mut edges: Vec<(String, String)> = Vec::new();
    let mut cyclic: HashSet<(String, String)> = HashSet::new();
    let groups = cycles(graph);
    let group = |id: NodeId| groups.iter().position(|group| group.binary_search(&id).is_ok());
    let names: Vec<String> = graph
        .nodes
        .node_indices()
        .map(|id| {
            let node = name(loaded, id);
            let name = node.name.clone();
            nodes.insert(name.clone(), node);
            name
        })
        .collect();
    for id in graph.nodes.node_indices() {
        let from = &names[id.index()];
        edges.extend(graph.needs(id).map(|need| (from.clone(), names[need.index()].clone())));
        if let Some(own) = group(id) {
            let around = graph.needs(id).filter(|need| group(*need) == Some(own));
            cyclic.extend(around.map(|need| (from.clone(), names[need.index()].clone())));
        }
        if let Some(used) = graph.providers.get(&id) {
            let node = provider(&used.name, used.alias.as_deref());
            let close = format!("{} (close)", node.name);
            edges.push((from.clone(), node.name.clone()));
            edges.push((close.clone(), from.clone()));
            edges.push(("root".to_string(), close.clone()));
            nodes.insert(close.clone(), OperationNode { name: close, shown: None });
            nodes.insert(node.name.clone(), node);
        }
    }
    let place: HashMap<&str, usize> = nodes.keys().enumerate().map(|(i, name)| (name.as_str(), i)).collect();
    let number = |(a, b): &(String, String)| Some((*place.get(a.as_str())?, *place.get(b.as_str())?));
    let edges = reduced(nodes.len(), edges.iter().filter_map(number).filter(|(a, b)| a != b).collect());
    let cyclic = cyclic.iter().filter_map(number).collect();
    OperationGraph { nodes: nodes.into_values().collect(), edges, cyclic }
}

fn name(loaded: &Loaded, id: NodeId) -> OperationNode {
    let (spec, graph) = (&loaded.spec, &loaded.graph);
    let node = graph.nodes[id];
    let m = graph.tree.definition(spec, node.module);
    let path = &graph.tree.get(node.module).path;
    let plain = |text: String| OperationNode { name: text, shown: None };
    match node.kind {
        NodeKind::Expand if path.is_root() => plain("root (expand)".into()),
        NodeKind::Close if path.is_root() => plain("root".into()),
        NodeKind::Expand => plain(format!("{path} (expand)")),
        NodeKind::Close => plain(format!("{path} (close)")),
        NodeKind::Variable(i) => {
            let name = within(path, format!("var.{}", m.variables[i as usize].name));
            match path.is_root() {
                true => OperationNode { shown: Some((name.clone(), "note")), name },
                false => plain(format!("{name} (expand)")),
            }
        }
        NodeKind::Local(i) => plain(within(path, format!("local.{} (expand)", m.locals[i as usize].name))),
        NodeKind::Output(i) => plain(within(path, format!("output.{} (expand)", m.outputs[i as usize].name))),
        NodeKind::Check(i) => plain(within(path, format!("check.{} (expand)", m.checks[i as usize].name))),
        NodeKind::Resource(i) => {
            let block = &m.resources[i as usize];
            let name = within(path, block.local_name());
            let shown = (block.mode != Mode::Ephemeral).then(|| (name.clone(), "box"));
            OperationNode { name: format!("{name} (expand)"), shown }
        }
        NodeKind::Provider(i) => {
            let block = &m.providers[i as usize];
            let mut node = provider(&real_name(m, &block.name), block.alias.as_deref());
            if !path.is_root() {
                node.name = within(path, node.name);
                node.shown = Some((node.name.clone(), "diamond"));
            }
            node
        }
    }
}

fn provider(name: &str, alias: Option<&str>) -> OperationNode {
    let source = crate::providers::by_name(name).map_or(name, |r| r.source);
    let full = crate::render::json::full_source(name, source);
    let alias = alias.map(|a| format!(".{a}")).unwrap_or_default();
    let name = format!("provider[\"{full}\"]{alias}");
    OperationNode { shown: Some((name.clone(), "diamond")), name }
}

fn within(path: &ModulePath, name: String) -> String {
    if path.is_root() { name } else { format!("{path}.{name}") }
}
