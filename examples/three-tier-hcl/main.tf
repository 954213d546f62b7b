data "aws_caller_identity" "current" {}

data "aws_region" "current" {}

data "aws_availability_zones" "available" {
  state = "available"
}

locals {
  name  = "${var.project}-${var.environment}"
  zones = slice(data.aws_availability_zones.available.names, 0, length(var.subnets.public))
}

module "network" {
  source = "./network"

  name     = local.name
  vpc_cidr = var.vpc_cidr
  zones    = local.zones
  subnets  = var.subnets
  public_subnet_tags = {
    "kubernetes.io/role/elb" = "1"
  }
  private_subnet_tags = {
    "kubernetes.io/role/internal-elb" = "1"
  }
}
