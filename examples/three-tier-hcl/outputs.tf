output "region" {
  description = "Region that the stack lies in."
  value       = data.aws_region.current.name
}

output "vpc_id" {
  description = "Id of the network."
  value       = module.network.vpc_id
}

output "subnet_ids" {
  description = "Ids of the subnets, by tier."
  value = {
    public   = module.network.public_subnet_ids
    private  = module.network.private_subnet_ids
    database = module.network.database_subnet_ids
  }
}

output "cluster_endpoint" {
  description = "Address of the cluster's API."
  value       = aws_eks_cluster.main.endpoint
}

output "node_group_sizes" {
  description = "Least and greatest number of machines in each node group."
  value       = { for name, group in var.node_groups : name => "${group.min_size}..${group.max_size}" }
}

output "database_url" {
  description = "Connection string of the database, password included."
  value = format(
    "postgresql://%s:%s@%s/%s",
    aws_db_instance.main.username,
    random_password.database.result,
    aws_db_instance.main.endpoint,
    aws_db_instance.main.db_name,
  )
  sensitive = true
}

output "cache_endpoint" {
  description = "Address of the Redis primary."
  value       = aws_elasticache_replication_group.main.primary_endpoint_address
}

output "bucket_names" {
  description = "Names of the buckets, by purpose."
  value       = { for purpose, bucket in aws_s3_bucket.this : purpose => bucket.bucket }
}
