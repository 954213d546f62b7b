resource "aws_security_group" "database" {
  name        = "${local.name}-database"
  description = "PostgreSQL, reached from the cluster"
  vpc_id      = module.network.vpc_id

  tags = {
    Name = "${local.name}-database"
  }
}

resource "aws_security_group" "cache" {
  name        = "${local.name}-cache"
  description = "Redis, reached from the cluster"
  vpc_id      = module.network.vpc_id

  tags = {
    Name = "${local.name}-cache"
  }
}

resource "aws_security_group" "nodes" {
  name        = "${local.name}-nodes"
  description = "Worker machines of the cluster"
  vpc_id      = module.network.vpc_id

  tags = {
    Name = "${local.name}-nodes"
  }
}

resource "aws_vpc_security_group_ingress_rule" "database_from_nodes" {
  security_group_id            = aws_security_group.database.id
  referenced_security_group_id = aws_security_group.nodes.id
  description                  = "PostgreSQL from the worker machines"
  ip_protocol                  = "tcp"
  from_port                    = 5432
  to_port                      = 5432
}

resource "aws_vpc_security_group_ingress_rule" "cache_from_nodes" {
  security_group_id            = aws_security_group.cache.id
  referenced_security_group_id = aws_security_group.nodes.id
  description                  = "Redis from the worker machines"
  ip_protocol                  = "tcp"
  from_port                    = 6379
  to_port                      = 6379
}

resource "aws_vpc_security_group_ingress_rule" "nodes_from_nodes" {
  security_group_id            = aws_security_group.nodes.id
  referenced_security_group_id = aws_security_group.nodes.id
  description                  = "Worker machines among themselves"
  ip_protocol                  = "-1"
}

resource "aws_vpc_security_group_egress_rule" "nodes_to_anywhere" {
  security_group_id = aws_security_group.nodes.id
  cidr_ipv4         = "0.0.0.0/0"
  description       = "Images, packages and the cloud's APIs"
  ip_protocol       = "-1"
}
