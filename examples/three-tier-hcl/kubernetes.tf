locals {
  role_services = {
    cluster = "eks.amazonaws.com"
    nodes   = "ec2.amazonaws.com"
  }

  role_policies = {
    cluster = ["AmazonEKSClusterPolicy"]
    nodes   = ["AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryReadOnly"]
  }

  role_attachments = merge([
    for role, policies in local.role_policies : {
      for policy in policies : "${role}-${policy}" => { role = role, policy = policy }
    }
  ]...)
}

resource "aws_iam_role" "this" {
  for_each = local.role_services

  name        = "${local.name}-${each.key}"
  description = "Role of the cluster's ${each.key}"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Effect    = "Allow"
        Action    = "sts:AssumeRole"
        Principal = { Service = each.value }
      },
    ]
  })
}

resource "aws_iam_role_policy_attachment" "this" {
  for_each = local.role_attachments

  role       = aws_iam_role.this[each.value.role].name
  policy_arn = "arn:aws:iam::aws:policy/${each.value.policy}"
}

resource "aws_eks_cluster" "main" {
  name     = local.name
  version  = var.kubernetes_version
  role_arn = aws_iam_role.this["cluster"].arn

  enabled_cluster_log_types = ["api", "audit"]

  vpc_config {
    subnet_ids              = concat(module.network.public_subnet_ids, module.network.private_subnet_ids)
    security_group_ids      = [aws_security_group.nodes.id]
    endpoint_private_access = true
    endpoint_public_access  = true
  }

  # Without its policies the role can't remove the cluster's network interfaces.
  depends_on = [aws_iam_role_policy_attachment.this]
}

resource "aws_eks_node_group" "this" {
  for_each = var.node_groups

  cluster_name    = aws_eks_cluster.main.name
  node_group_name = each.key
  node_role_arn   = aws_iam_role.this["nodes"].arn
  subnet_ids      = module.network.private_subnet_ids
  instance_types  = [each.value.instance_type]

  scaling_config {
    min_size     = each.value.min_size
    max_size     = each.value.max_size
    desired_size = coalesce(each.value.desired_size, each.value.min_size)
  }

  update_config {
    max_unavailable = 1
  }

  labels = {
    role = each.key
  }

  depends_on = [aws_iam_role_policy_attachment.this]
}
