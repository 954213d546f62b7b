variable "region" {
  description = "AWS region of the whole stack."
  type        = string
  default     = "eu-west-1"
}

variable "project" {
  description = "Short name that begins the name of everything."
  type        = string
  default     = "shop"

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,14}$", var.project))
    error_message = "The project name is 2 to 15 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "environment" {
  description = "Name of the environment."
  type        = string
  default     = "production"
}

variable "vpc_cidr" {
  description = "IPv4 range of the network."
  type        = string
  default     = "10.0.0.0/16"
}

variable "subnets" {
  description = "IPv4 ranges of the subnets of each tier, one for each zone."
  type = object({
    public   = list(string)
    private  = list(string)
    database = list(string)
  })
  default = {
    public   = ["10.0.1.0/24", "10.0.2.0/24"]
    private  = ["10.0.10.0/24", "10.0.20.0/24"]
    database = ["10.0.100.0/24", "10.0.200.0/24"]
  }
}

variable "kubernetes_version" {
  description = "Version of the cluster's control plane."
  type        = string
  default     = "1.31"
}

variable "node_groups" {
  description = "Groups of worker machines, by name."
  type = map(object({
    instance_type = string
    min_size      = number
    max_size      = number
    desired_size  = optional(number)
  }))
  default = {
    system = {
      instance_type = "t3.medium"
      min_size      = 2
      max_size      = 5
    }
    application = {
      instance_type = "t3.large"
      min_size      = 3
      max_size      = 20
    }
  }
}

variable "database" {
  description = "The PostgreSQL server."
  type = object({
    engine_version        = string
    instance_class        = string
    multi_az              = bool
    backup_retention_days = number
    allocated_storage     = number
  })
  default = {
    engine_version        = "15.4"
    instance_class        = "db.r6g.large"
    multi_az              = true
    backup_retention_days = 30
    allocated_storage     = 100
  }
}

variable "cache_node_type" {
  description = "Machine type of the Redis nodes."
  type        = string
  default     = "cache.t4g.medium"
}

variable "bucket_names" {
  description = "Purposes of the buckets; each gets one."
  type        = set(string)
  default     = ["assets", "backups"]
}
