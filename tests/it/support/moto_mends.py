"""Corrects moto where a whole stack on it would show what AWS never shows.

Each mend says what AWS documents. What one test alone needs is a rule of the proxy instead.
"""

def apply():
    node_groups()
    replication_groups()
    security_group_rules()


def node_groups():
    """A group has no remote access unless it was asked for, keeps its update configuration, and takes the version of
    its cluster. moto has no DescribeUpdate: a change of a group, done at once, names no update to ask for."""
    from moto.eks import models, responses

    models.DEFAULT_REMOTE_ACCESS = None
    create = responses.EKSResponse.create_nodegroup

    def create_nodegroup(self):
        answer = create(self)
        group = answer.result["nodegroup"]
        group.update_config = self._get_param("updateConfig") or {"maxUnavailable": 1}
        group.version = self._get_param("version") or self.eks_backend.clusters[group.cluster_name].version
        return answer

    update = models.EKSBackend.update_nodegroup_config

    def update_nodegroup_config(self, **request):
        return {name: value for name, value in update(self, **request).items() if name != "id"}

    responses.EKSResponse.create_nodegroup = create_nodegroup
    models.EKSBackend.update_nodegroup_config = update_nodegroup_config


def replication_groups():
    """NumCacheClusters counts the nodes of a group that is not divided; a deleted group goes away; a subnet group can
    be deleted."""
    from moto.core.responses import EmptyResult
    from moto.elasticache.exceptions import CacheSubnetGroupNotFound
    from moto.elasticache.models import ElastiCacheBackend
    from moto.elasticache.responses import ElastiCacheResponse

    create, delete = ElastiCacheBackend.create_replication_group, ElastiCacheBackend.delete_replication_group

    def create_replication_group(self, **request):
        if request.get("num_cache_clusters") and not request.get("replicas_per_node_group"):
            request["replicas_per_node_group"] = request["num_cache_clusters"] - 1
        return create(self, **request)

    def delete_replication_group(self, *request, **named):
        group = delete(self, *request, **named)
        del self.replication_groups[group.replication_group_id]
        return group

    def delete_cache_subnet_group(self):
        name = self._get_param("CacheSubnetGroupName")
        if self.elasticache_backend.cache_subnet_groups.pop(name, None) is None:
            raise CacheSubnetGroupNotFound(name)
        return EmptyResult()

    ElastiCacheResponse.delete_cache_subnet_group = delete_cache_subnet_group
    ElastiCacheBackend.create_replication_group = create_replication_group
    ElastiCacheBackend.delete_replication_group = delete_replication_group


def security_group_rules():
    """A rule that names a group keeps its description; a rule of all protocols is changed without ports."""
    from moto.ec2.models.security_groups import SecurityGroupBackend, SecurityGroupRule

    SecurityGroupRule.description = property(
        lambda rule: rule.ip_range.get("Description") or rule.source_group.get("Description")
    )
    modify = SecurityGroupBackend.modify_security_group_rules

    def modify_security_group_rules(self, group_id, rules):
        for rule in rules.values():
            if rule.get("IpProtocol") == "-1":
                rule.setdefault("FromPort", -1)
                rule.setdefault("ToPort", -1)
        modify(self, group_id, rules)

    SecurityGroupBackend.modify_security_group_rules = modify_security_group_rules
