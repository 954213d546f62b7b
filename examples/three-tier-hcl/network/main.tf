locals {
  subnets = merge([
    for tier, ranges in var.subnets : {
      for index, range in ranges : "${tier}-${index}" => {
        tier  = tier
        zone  = var.zones[index]
        range = range
      }
    }
  ]...)

  tier_tags = {
    public   = var.public_subnet_tags
    private  = var.private_subnet_tags
    database = {}
  }
}

resource "aws_vpc" "this" {
  cidr_block           = var.vpc_cidr
  enable_dns_support   = true
  enable_dns_hostnames = true

  tags = {
    Name = var.name
  }
}

resource "aws_internet_gateway" "this" {
  vpc_id = aws_vpc.this.id

  tags = {
    Name = var.name
  }
}

resource "aws_subnet" "this" {
  for_each = local.subnets

  vpc_id                  = aws_vpc.this.id
  availability_zone       = each.value.zone
  cidr_block              = each.value.range
  map_public_ip_on_launch = each.value.tier == "public"

  tags = merge(local.tier_tags[each.value.tier], {
    Name = "${var.name}-${each.key}"
    Tier = each.value.tier
  })
}

resource "aws_eip" "nat" {
  domain = "vpc"

  tags = {
    Name = "${var.name}-nat"
  }

  depends_on = [aws_internet_gateway.this]
}

resource "aws_nat_gateway" "this" {
  allocation_id = aws_eip.nat.id
  subnet_id     = aws_subnet.this["public-0"].id

  tags = {
    Name = var.name
  }

  depends_on = [aws_internet_gateway.this]
}

resource "aws_route_table" "this" {
  for_each = toset(keys(var.subnets))

  vpc_id = aws_vpc.this.id

  tags = {
    Name = "${var.name}-${each.key}"
  }
}

resource "aws_route" "public_to_internet" {
  route_table_id         = aws_route_table.this["public"].id
  destination_cidr_block = "0.0.0.0/0"
  gateway_id             = aws_internet_gateway.this.id
}

resource "aws_route" "private_to_internet" {
  route_table_id         = aws_route_table.this["private"].id
  destination_cidr_block = "0.0.0.0/0"
  nat_gateway_id         = aws_nat_gateway.this.id
}

resource "aws_route_table_association" "public" {
  count = length(var.subnets.public)

  subnet_id      = aws_subnet.this["public-${count.index}"].id
  route_table_id = aws_route_table.this["public"].id
}

resource "aws_route_table_association" "private" {
  count = length(var.subnets.private)

  subnet_id      = aws_subnet.this["private-${count.index}"].id
  route_table_id = aws_route_table.this["private"].id
}

resource "aws_route_table_association" "database" {
  count = length(var.subnets.database)

  subnet_id      = aws_subnet.this["database-${count.index}"].id
  route_table_id = aws_route_table.this["database"].id
}
