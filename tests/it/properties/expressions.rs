//! Random expressions over the operators and functions of the language.

use super::dice::Dice;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ty {
    Num,
    Text,
    Bool,
    Texts,
    Nums,
    Map,
    Any,
}

use Ty::{Any, Bool, Map, Num, Nums, Text, Texts};

const TYPES: [Ty; 7] = [Num, Text, Bool, Texts, Nums, Map, Any];

const NUMBERS: &[&str] = &[
    "0",
    "1",
    "2",
    "3",
    "-1",
    "10",
    "0.1",
    "1.5",
    "-2.5",
    "1e10",
    "255",
    "123456789012345678901234567890",
    "1e-7",
    "16",
];

const TEXTS: &[&str] = &[
    "\"\"",
    "\"a\"",
    "\"Ab c\"",
    "\"é😀x\"",
    "\"10.0.0.0/16\"",
    "\"2024-02-29T23:59:59Z\"",
    "\"5\"",
    "\"true\"",
    "\"a,b,,c\"",
    "\"{\\\"a\\\":[1,null]}\"",
    "\"%s-%05.2f|%q\"",
    "\"x\\ny\\n\"",
    "\" pad \"",
    "\"YYYY-MM-DD'T'hh:mm\"",
    "\"1h30m\"",
    "\"fd00::/8\"",
    "\"a1b22\"",
    "\"[a-z]+([0-9]*)\"",
    "\"/x/\"",
    "\"YWJj\"",
    "\"ff\"",
    "\"a: [1, b]\\nc: ~\"",
    "\"%v %#v %t %x\"",
    "\"İß\"",
    "\"../a/./b.txt\"",
];

/// Name, types of the arguments, type of the result. A final `Any` of those in `REPEATED` may come several times.
const FUNCTIONS: &[(&str, &[Ty], Ty)] = &[
    ("abs", &[Num], Num),
    ("ceil", &[Num], Num),
    ("floor", &[Num], Num),
    ("signum", &[Num], Num),
    ("log", &[Num, Num], Num),
    ("pow", &[Num, Num], Num),
    ("max", &[Num, Num], Num),
    ("min", &[Num, Num, Num], Num),
    ("parseint", &[Text, Num], Num),
    ("sum", &[Nums], Num),
    ("length", &[Any], Num),
    ("index", &[Texts, Text], Num),
    ("timecmp", &[Text, Text], Num),
    ("tonumber", &[Any], Num),
    ("chomp", &[Text], Text),
    ("lower", &[Text], Text),
    ("upper", &[Text], Text),
    ("title", &[Text], Text),
    ("trimspace", &[Text], Text),
    ("strrev", &[Text], Text),
    ("base64encode", &[Text], Text),
    ("base64decode", &[Text], Text),
    ("md5", &[Text], Text),
    ("sha1", &[Text], Text),
    ("sha256", &[Text], Text),
    ("sha512", &[Text], Text),
    ("base64sha256", &[Text], Text),
    ("urlencode", &[Text], Text),
    ("basename", &[Text], Text),
    ("dirname", &[Text], Text),
    ("jsonencode", &[Any], Text),
    ("yamlencode", &[Any], Text),
    ("format", &[Text, Any, Any], Text),
    ("format", &[Text, Any], Text),
    ("join", &[Text, Texts], Text),
    ("replace", &[Text, Text, Text], Text),
    ("regex", &[Text, Text], Any),
    ("regexall", &[Text, Text], Any),
    ("substr", &[Text, Num, Num], Text),
    ("trim", &[Text, Text], Text),
    ("trimprefix", &[Text, Text], Text),
    ("trimsuffix", &[Text, Text], Text),
    ("indent", &[Num, Text], Text),
    ("cidrhost", &[Text, Num], Text),
    ("cidrnetmask", &[Text], Text),
    ("cidrsubnet", &[Text, Num, Num], Text),
    ("formatdate", &[Text, Text], Text),
    ("timeadd", &[Text, Text], Text),
    ("tostring", &[Any], Text),
    ("textencodebase64", &[Text, Text], Text),
    ("uuidv5", &[Text, Text], Text),
    ("startswith", &[Text, Text], Bool),
    ("endswith", &[Text, Text], Bool),
    ("strcontains", &[Text, Text], Bool),
    ("contains", &[Texts, Text], Bool),
    ("contains", &[Any, Any], Bool),
    ("alltrue", &[Any], Bool),
    ("anytrue", &[Any], Bool),
    ("can", &[Any], Bool),
    ("tobool", &[Any], Bool),
    ("issensitive", &[Any], Bool),
    ("split", &[Text, Text], Texts),
    ("compact", &[Texts], Texts),
    ("sort", &[Texts], Texts),
    ("keys", &[Map], Texts),
    ("formatlist", &[Text, Texts], Texts),
    ("formatlist", &[Text, Texts, Any], Texts),
    ("cidrsubnets", &[Text, Num, Num], Texts),
    ("distinct", &[Texts], Texts),
    ("reverse", &[Texts], Texts),
    ("concat", &[Texts, Texts], Texts),
    ("slice", &[Texts, Num, Num], Texts),
    ("tolist", &[Any], Any),
    ("toset", &[Any], Any),
    ("tomap", &[Any], Any),
    ("setunion", &[Texts, Texts], Texts),
    ("setintersection", &[Texts, Texts], Texts),
    ("setsubtract", &[Texts, Texts], Texts),
    ("setproduct", &[Texts, Nums], Any),
    ("range", &[Num], Nums),
    ("range", &[Num, Num, Num], Nums),
    ("flatten", &[Any], Any),
    ("element", &[Texts, Num], Text),
    ("element", &[Any, Num], Any),
    ("coalesce", &[Text, Text], Text),
    ("coalesce", &[Any, Any], Any),
    ("coalescelist", &[Texts, Texts], Texts),
    ("chunklist", &[Texts, Num], Any),
    ("values", &[Map], Any),
    ("lookup", &[Map, Text, Any], Any),
    ("merge", &[Map, Map], Map),
    ("zipmap", &[Texts, Any], Map),
    ("transpose", &[Any], Any),
    ("matchkeys", &[Texts, Texts, Texts], Texts),
    ("one", &[Any], Any),
    ("try", &[Any, Any], Any),
    ("jsondecode", &[Text], Any),
    ("yamldecode", &[Text], Any),
    ("csvdecode", &[Text], Any),
    ("nonsensitive", &[Any], Any),
    ("ephemeralasnull", &[Any], Any),
];

/// One expression.
pub fn expression(dice: &mut Dice) -> String {
    let ty = dice.of(&TYPES);
    make(dice, ty, 4)
}

fn make(dice: &mut Dice, wanted: Ty, depth: usize) -> String {
    // Now and then something of the wrong type.
    let ty = if dice.once_in(12) { dice.of(&TYPES) } else { wanted };
    if depth == 0 || dice.once_in(4) {
        return leaf(dice, ty);
    }
    let d = depth - 1;
    match dice.pick(9) {
        0..5 => call(dice, ty, d),
        5 => {
            let (c, a, b) = (make(dice, Bool, d), make(dice, ty, d), make(dice, ty, d));
            format!("({c} ? {a} : {b})")
        }
        6 => pick_out(dice, ty, d),
        7 => operator(dice, ty, d),
        _ => collect(dice, ty, d),
    }
}

fn call(dice: &mut Dice, ty: Ty, depth: usize) -> String {
    let fits: Vec<_> = FUNCTIONS.iter().filter(|(_, _, result)| *result == ty || ty == Any).collect();
    if fits.is_empty() {
        return leaf(dice, ty);
    }
    let (name, types, _) = fits[dice.pick(fits.len())];
    let arguments: Vec<String> = types.iter().map(|t| make(dice, *t, depth)).collect();
    format!("{name}({})", arguments.join(", "))
}

/// An element or attribute of something.
fn pick_out(dice: &mut Dice, ty: Ty, depth: usize) -> String {
    match dice.pick(5) {
        0 => format!("{}[{}]", make(dice, Texts, depth), dice.of(&["0", "1", "-1", "\"0\"", "0.5"])),
        1 => format!("{}[{}]", make(dice, Map, depth), make(dice, Text, 0)),
        2 => format!("{}.{}", make(dice, Map, depth), dice.of(&["a", "b", "zz"])),
        3 => format!("{}[*].{}", make(dice, Any, depth), dice.of(&["a", "b"])),
        _ => format!("{{ a = {}, b = 2 }}.a", make(dice, ty, depth)),
    }
}

fn operator(dice: &mut Dice, ty: Ty, d: usize) -> String {
    match ty {
        Num => {
            let op = dice.of(&["+", "-", "*", "/", "%"]);
            format!("({} {op} {})", make(dice, Num, d), make(dice, Num, d))
        }
        Bool => match dice.pick(4) {
            0 => format!("!{}", make(dice, Bool, d)),
            1 => {
                let op = dice.of(&["&&", "||"]);
                format!("({} {op} {})", make(dice, Bool, d), make(dice, Bool, d))
            }
            2 => {
                let op = dice.of(&["<", "<=", ">", ">="]);
                format!("({} {op} {})", make(dice, Num, d), make(dice, Num, d))
            }
            _ => {
                let (op, of) = (dice.of(&["==", "!="]), dice.of(&TYPES));
                format!("({} {op} {})", make(dice, of, d), make(dice, of, d))
            }
        },
        _ => match dice.pick(3) {
            0 => format!("\"<${{{}}}>\"", make(dice, Any, d)),
            1 => format!("\"${{{}}}\"", make(dice, ty, d)),
            _ => {
                let (condition, list) = (make(dice, Bool, d), make(dice, Texts, d));
                format!(
                    "\"%{{ if {condition} }}yes%{{ else }}no%{{ endif }}%{{ for x in {list} ~}} ${{x}} %{{ endfor }}\""
                )
            }
        },
    }
}

/// A collection made of others.
fn collect(dice: &mut Dice, ty: Ty, d: usize) -> String {
    match dice.pick(6) {
        0 => format!("[for x in {} : {}]", make(dice, Texts, d), dice.of(&["x", "upper(x)", "[x]", "length(x)"])),
        1 => format!("[for i, x in {} : i if {}]", make(dice, Any, d), dice.of(&["true", "x != \"a\"", "i != 0"])),
        2 => format!("{{ for k, v in {} : k => v }}", make(dice, Map, d)),
        3 => format!("{{ for x in {} : x => length(x)... }}", make(dice, Texts, d)),
        4 => format!("[{}, {}]", make(dice, ty, d), make(dice, ty, d)),
        _ => format!(
            "{{ a = {}, {} = {} }}",
            make(dice, ty, d),
            dice.of(&["b", "\"c d\"", "(\"e\")"]),
            make(dice, ty, d)
        ),
    }
}

fn leaf(dice: &mut Dice, ty: Ty) -> String {
    match ty {
        Num => dice.of(NUMBERS).into(),
        Text => dice.of(TEXTS).into(),
        Bool => dice.of(&["true", "false"]).into(),
        Texts => dice
            .of(&["[]", "[\"a\", \"b\"]", "[\"b\", \"a\", \"b\", \"\"]", "toset([\"z\", \"a\"])", "tolist([\"x\"])"])
            .into(),
        Nums => dice.of(&["[]", "[1, 2.5]", "[3, 1, 2]", "toset([2, 1])", "[0]"]).into(),
        Map => {
            dice.of(&["{}", "{ a = 1, b = \"x\" }", "tomap({ a = \"1\", c = \"2\" })", "{ b = [1], a = null }"]).into()
        }
        Any => match dice.pick(6) {
            0 => "null".into(),
            1 => leaf(dice, Num),
            2 => leaf(dice, Text),
            3 => leaf(dice, Texts),
            4 => leaf(dice, Map),
            _ => leaf(dice, Bool),
        },
    }
}
