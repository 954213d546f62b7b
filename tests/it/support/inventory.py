"""What a test server has in one region, by resource type: the ids that a state would have, and nothing that AWS makes
by itself. Read by the tests through boto.py."""


def pages(method, key, **arguments):
    answer = method(**arguments)
    return answer.get(key) or []


def network(ec2):
    vpcs = [v["VpcId"] for v in pages(ec2.describe_vpcs, "Vpcs") if not v.get("IsDefault")]
    mine = [{"Name": "vpc-id", "Values": vpcs or ["none"]}]
    tables = pages(ec2.describe_route_tables, "RouteTables", Filters=mine)
    own = [t for t in tables if not any(a.get("Main") for a in t.get("Associations", []))]
    groups = pages(ec2.describe_security_groups, "SecurityGroups", Filters=mine)
    groups = [g["GroupId"] for g in groups if g["GroupName"] != "default"]
    rules = pages(ec2.describe_security_group_rules, "SecurityGroupRules")
    rules = [r for r in rules if r["GroupId"] in groups]
    gateways = pages(ec2.describe_internet_gateways, "InternetGateways")
    nats = pages(ec2.describe_nat_gateways, "NatGateways")
    return {
        "aws_vpc": vpcs,
        "aws_subnet": [s["SubnetId"] for s in pages(ec2.describe_subnets, "Subnets", Filters=mine)],
        "aws_internet_gateway": [g["InternetGatewayId"] for g in gateways],
        "aws_nat_gateway": [n["NatGatewayId"] for n in nats if n["State"] != "deleted"],
        "aws_eip": [a["AllocationId"] for a in pages(ec2.describe_addresses, "Addresses")],
        "aws_route_table": [t["RouteTableId"] for t in own],
        "aws_route": [
            t["RouteTableId"] + " " + r["DestinationCidrBlock"]
            for t in own
            for r in t["Routes"]
            if r.get("GatewayId") != "local"
        ],
        "aws_route_table_association": [
            a["RouteTableAssociationId"] for t in own for a in t.get("Associations", []) if not a.get("Main")
        ],
        "aws_security_group": groups,
        "aws_vpc_security_group_ingress_rule": [r["SecurityGroupRuleId"] for r in rules if not r["IsEgress"]],
        "aws_vpc_security_group_egress_rule": [r["SecurityGroupRuleId"] for r in rules if r["IsEgress"]],
    }


def identities(iam):
    roles = [r["RoleName"] for r in pages(iam.list_roles, "Roles")]
    attached = [
        role + "/" + policy["PolicyArn"]
        for role in roles
        for policy in pages(iam.list_attached_role_policies, "AttachedPolicies", RoleName=role)
    ]
    return {"aws_iam_role": roles, "aws_iam_role_policy_attachment": attached}


def clusters(eks):
    names = pages(eks.list_clusters, "clusters")
    groups = [c + ":" + g for c in names for g in pages(eks.list_nodegroups, "nodegroups", clusterName=c)]
    return {"aws_eks_cluster": names, "aws_eks_node_group": groups}


def databases(rds, cache):
    instances = pages(rds.describe_db_instances, "DBInstances")
    groups = pages(cache.describe_replication_groups, "ReplicationGroups")
    subnets = pages(cache.describe_cache_subnet_groups, "CacheSubnetGroups")
    return {
        "aws_db_instance": [i["DbiResourceId"] for i in instances],
        "aws_db_subnet_group": [g["DBSubnetGroupName"] for g in pages(rds.describe_db_subnet_groups, "DBSubnetGroups")],
        "aws_elasticache_replication_group": [g["ReplicationGroupId"] for g in groups],
        "aws_elasticache_subnet_group": [
            g["CacheSubnetGroupName"] for g in subnets if g["CacheSubnetGroupName"] != "default"
        ],
    }


def inventory(client):
    """Sorted ids by type; types of which there is nothing are left out."""
    found = network(client("ec2"))
    found |= identities(client("iam"))
    found |= clusters(client("eks"))
    found |= databases(client("rds"), client("elasticache"))
    found["aws_s3_bucket"] = [b["Name"] for b in pages(client("s3").list_buckets, "Buckets")]
    return {kind: sorted(ids) for kind, ids in sorted(found.items()) if ids}
