variable "name" {
  description = "Begins the name of everything in the network."
  type        = string
}

variable "vpc_cidr" {
  description = "IPv4 range of the network."
  type        = string
}

variable "zones" {
  description = "Availability zones, in the order of the subnets."
  type        = list(string)
}

variable "subnets" {
  description = "IPv4 ranges of the subnets of each tier, one for each zone."
  type = object({
    public   = list(string)
    private  = list(string)
    database = list(string)
  })
}

variable "public_subnet_tags" {
  description = "Further tags of the public subnets."
  type        = map(string)
  default     = {}
}

variable "private_subnet_tags" {
  description = "Further tags of the private subnets."
  type        = map(string)
  default     = {}
}
