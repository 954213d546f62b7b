//! The stack that every command works on: the canary wherever a value can stand.

pub const MAIN: &str = r#"
provider "aws" {
  region = "eu-west-1"
  default_tags {
    tags = { hidden = var.secret }
  }
}

resource "random_password" "made" {
  length  = 24
  special = false
}

resource "random_id" "named" {
  byte_length = 2
  prefix      = var.secret
}

resource "random_shuffle" "mixed" {
  input = [var.secret, "open"]
}

resource "terraform_data" "given" {
  input            = { deep = [var.secret], text = "${var.secret}!" }
  triggers_replace = { hidden = var.secret, size = 1 }
}

resource "terraform_data" "keyed" {
  input = { (var.secret) = 1 }
}

resource "terraform_data" "lines" {
  input = <<-EOT
    a line
    ${var.secret}
  EOT
  provisioner "local-exec" {
    command     = "printf %s '${self.output}' \"$TOLD\""
    environment = { TOLD = var.secret }
  }
  provisioner "local-exec" {
    command = "echo ${local.brief}"
  }
  provisioner "local-exec" {
    when    = destroy
    command = "printf %s '${self.output}'"
  }
}

resource "terraform_data" "user" {
  triggers_replace = ["${var.secret}/${random_password.made.result}"]
}

resource "terraform_data" "rendered" {
  input = templatefile("text.tftpl", { hidden = var.secret })
}

resource "aws_db_instance" "main" {
  identifier          = "main"
  engine              = "postgres"
  instance_class      = "db.t4g.micro"
  allocated_storage   = 20
  username            = "me"
  password            = var.secret
  skip_final_snapshot = true
}

resource "aws_db_instance" "brief" {
  identifier          = "brief"
  engine              = "postgres"
  instance_class      = "db.t4g.micro"
  allocated_storage   = 20
  username            = "me"
  password_wo         = "${local.brief}${length(ephemeral.random_password.once.result)}"
  password_wo_version = 1
  skip_final_snapshot = true
}

ephemeral "random_password" "once" {
  length = 20
}

module "inner" {
  source = "./inner"
  hidden = var.secret
}

check "told" {
  assert {
    condition     = var.secret == ""
    error_message = "it is ${var.secret}"
  }
}

locals {
  given = var.secret
  # A rollback has no ephemeral values: they are kept nowhere.
  brief = coalesce(var.brief, "none")
}

output "told" {
  value     = "${var.secret}-${random_password.made.result}"
  sensitive = true
}

output "keyed" {
  value     = { (var.secret) = module.inner.echo }
  sensitive = true
}
"#;

pub const INNER: &str = r#"
variable "hidden" {
  sensitive = true
}

resource "terraform_data" "inner" {
  input = var.hidden
}

output "echo" {
  value = terraform_data.inner.output
}
"#;

/// What an import writes configuration for, and what the command imports.
pub const IMPORTED: &str = "import {\n  to = terraform_data.imported\n  id = \"an-id\"\n}\n";
