//! What `provisioner` and `connection` blocks take.
//! <https://developer.hashicorp.com/terraform/language/resources/provisioners/connection>

use std::sync::LazyLock;

use crate::model::{Attribute, Block, Equality, Type, Value};

/// The provisioners that there are.
pub const NAMES: [&str; 3] = ["local-exec", "remote-exec", "file"];

/// The arguments of a provisioner of this type.
pub fn schema(ty: &str) -> Option<&'static Block> {
    match ty {
        "local-exec" => Some(&LOCAL_EXEC),
        "remote-exec" => Some(&REMOTE_EXEC),
        "file" => Some(&FILE),
        _ => None,
    }
}

/// The arguments of a `connection` block.
pub fn connection() -> &'static Block {
    &CONNECTION
}

static LOCAL_EXEC: LazyLock<Block> = LazyLock::new(|| {
    block(vec![
        Attribute { required: true, optional: false, ..text("command", "What is run, by the interpreter.") },
        attribute("interpreter", Type::list(Type::String), "The program and its arguments before the command."),
        text("working_dir", "The folder that it runs in."),
        attribute("environment", Type::map(Type::String), "Environment variables beside those of this process."),
        attribute("quiet", Type::Bool, "Does not show the command."),
    ])
});

static REMOTE_EXEC: LazyLock<Block> = LazyLock::new(|| {
    let list = Type::list(Type::String);
    block(vec![
        either("inline", list.clone(), "Commands that are run as one script.", &["script", "scripts"]),
        either("script", Type::String, "A script of this machine that is run there.", &["inline", "scripts"]),
        either("scripts", list, "Scripts of this machine that are run there in turn.", &["inline", "script"]),
    ])
});

static FILE: LazyLock<Block> = LazyLock::new(|| {
    let destination = text("destination", "Where it is written on the machine.");
    block(vec![
        either("source", Type::String, "A file or folder of this machine.", &["content"]),
        either("content", Type::String, "The text that is written.", &["source"]),
        Attribute { required: true, optional: false, ..destination },
    ])
});

static CONNECTION: LazyLock<Block> = LazyLock::new(|| {
    let secret = |name, doc| Attribute { sensitive: true, ..text(name, doc) };
    let mut attributes = vec![
        Attribute { one_of: vec!["ssh".into(), "winrm".into()], ..text("type", "The protocol: ssh.") },
        text("host", "The machine's address."),
        attribute("port", Type::Number, "22 unless another is given."),
        text("user", "root unless another is given."),
        secret("password", "The user's password."),
        secret("private_key", "The text of a private key."),
        text("certificate", "The text of a certificate that a CA signed; it goes with private_key."),
        text("host_key", "The machine's public key, or that of the CA that signed it; any where nothing is given."),
        attribute("agent", Type::Bool, "Whether the keys of the SSH agent are tried, where one runs: true."),
        text("agent_identity", "The comment or public key of the agent's key to try first."),
        text("timeout", "How long to try to connect, such as 5m, which it is where nothing is given."),
        text("script_path", "Where scripts are written; %RAND% in it becomes a number."),
        Attribute {
            one_of: vec!["unix".into(), "windows".into()],
            ..text("target_platform", "unix unless windows is given.")
        },
        text("bastion_host", "A machine through which the other is reached."),
        attribute("bastion_port", Type::Number, "The port of the machine if nothing is given."),
        text("bastion_user", "The user of the machine if nothing is given."),
        secret("bastion_password", "The password of the machine if nothing is given."),
        secret("bastion_private_key", "The key of the machine if nothing is given."),
        text("bastion_certificate", "The text of a certificate for bastion_private_key."),
        text("bastion_host_key", "The public key of the bastion."),
    ];
    for name in ["proxy_scheme", "proxy_host", "proxy_user_name", "cacert"] {
        attributes.push(text(name, "Not used over ssh."));
    }
    attributes.push(secret("proxy_user_password", "Not used over ssh."));
    attributes.push(attribute("proxy_port", Type::Number, "Not used over ssh."));
    for name in ["https", "insecure", "use_ntlm"] {
        attributes.push(attribute(name, Type::Bool, "Of winrm."));
    }
    block(attributes)
});

fn block(attributes: Vec<Attribute>) -> Block {
    Block { attributes, ..Block::default() }
}

fn text(name: &'static str, doc: &'static str) -> Attribute {
    attribute(name, Type::String, doc)
}

fn either(name: &'static str, ty: Type, doc: &'static str, others: &[&'static str]) -> Attribute {
    let conflicts_with = others.iter().map(|other| (*other).into()).collect();
    Attribute { conflicts_with, ..attribute(name, ty, doc) }
}

fn attribute(name: &'static str, ty: Type, doc: &'static str) -> Attribute {
    Attribute {
        name: name.into(),
        ty,
        doc: doc.into(),
        required: false,
        optional: true,
        computed: false,
        always_set: false,
        sensitive: false,
        repeats: None,
        write_only: false,
        replaces: false,
        default: None::<Value>,
        equality: Equality::Exact,
        one_of: Vec::new(),
        conflicts_with: Vec::new(),
        deprecated: None,
    }
}
