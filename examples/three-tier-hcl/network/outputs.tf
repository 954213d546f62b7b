output "vpc_id" {
  description = "Id of the network."
  value       = aws_vpc.this.id
}

output "public_subnet_ids" {
  description = "Ids of the public subnets, in the order of the zones."
  value       = [for index, _ in var.subnets.public : aws_subnet.this["public-${index}"].id]
}

output "private_subnet_ids" {
  description = "Ids of the private subnets, in the order of the zones."
  value       = [for index, _ in var.subnets.private : aws_subnet.this["private-${index}"].id]
}

output "database_subnet_ids" {
  description = "Ids of the database subnets, in the order of the zones."
  value       = [for index, _ in var.subnets.database : aws_subnet.this["database-${index}"].id]
}

output "nat_address" {
  description = "Public address that the private tier speaks from."
  value       = aws_eip.nat.public_ip
}
