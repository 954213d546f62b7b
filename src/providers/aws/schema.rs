//! The `provider "aws"` block: what it takes. Names and meanings as in the documentation of `hashicorp/aws`.

use crate::model::Schema;
use crate::provider::schema_words::{
    BlockWord, boolean, list_block, number, one_block, single_block, string, string_list, string_map, string_set,
};

pub(super) fn config() -> Schema {
    let block = single_block();
    checks(network(credentials(block)))
        .attr("region", string().optional(), "The region, such as eu-central-1; or AWS_REGION, or the profile's.")
        .attr("max_retries", number().optional(), "How often a failed call is made again; 25 unless set.")
        .attr(
            "retry_mode",
            string().optional().one_of(&["standard", "adaptive"]),
            "Accepted for files that set it: retries adapt in any case.",
        )
        .attr("s3_use_path_style", boolean().optional(), "Name buckets in the path of the URL, not in the host.")
        .block("assume_role", assume_role(), "A role to take on; several are taken on one after the other.")
        .block("assume_role_with_web_identity", web_identity(), "A role to take on with an OpenID Connect token.")
        .block("default_tags", default_tags(), "Tags that every object gets.")
        .block("ignore_tags", ignore_tags(), "Tags that others manage: neither shown nor removed.")
        .block("endpoints", super::endpoints::schema(), "URLs to call in place of the usual ones.")
        .into_schema("An account in a region of Amazon Web Services.")
}

fn credentials(block: BlockWord) -> BlockWord {
    block
        .attr("access_key", string().optional(), "Access key; or AWS_ACCESS_KEY_ID.")
        .attr("secret_key", string().optional().sensitive(), "Secret key; or AWS_SECRET_ACCESS_KEY.")
        .attr("token", string().optional().sensitive(), "Session token; or AWS_SESSION_TOKEN.")
        .attr("profile", string().optional(), "Profile in the shared files; or AWS_PROFILE.")
        .attr("shared_config_files", string_list().optional(), "Files in place of ~/.aws/config.")
        .attr("shared_credentials_files", string_list().optional(), "Files in place of ~/.aws/credentials.")
}

fn network(block: BlockWord) -> BlockWord {
    block
        .attr("custom_ca_bundle", string().optional(), "File of certificates to trust, in PEM form.")
        .attr("http_proxy", string().optional(), "Proxy for http URLs; or HTTP_PROXY.")
        .attr("https_proxy", string().optional(), "Proxy for https URLs; or HTTPS_PROXY.")
        .attr("no_proxy", string().optional(), "Hosts that are called directly; or NO_PROXY.")
        .attr("sts_region", string().optional(), "The region whose STS is called, if not the same.")
        .attr("use_dualstack_endpoint", boolean().optional(), "Call endpoints that have IPv6 too.")
        .attr("use_fips_endpoint", boolean().optional(), "Call endpoints that conform to FIPS 140.")
}

fn checks(block: BlockWord) -> BlockWord {
    block
        .attr(
            "allowed_account_ids",
            string_set().optional().conflicts_with(&["forbidden_account_ids"]),
            "The only accounts that may be touched.",
        )
        .attr(
            "forbidden_account_ids",
            string_set().optional().conflicts_with(&["allowed_account_ids"]),
            "Accounts that must not be touched.",
        )
        .attr("skip_credentials_validation", boolean().optional(), "Do not ask STS whether the credentials are good.")
        .attr("skip_metadata_api_check", string().optional(), "Do not look for credentials in the instance metadata.")
        .attr("skip_region_validation", boolean().optional(), "Take any text as a region.")
        .attr("skip_requesting_account_id", boolean().optional(), "Do not ask for the account's number.")
}

fn assume_role() -> BlockWord {
    list_block()
        .attr("role_arn", string().optional(), "The role.")
        .attr("session_name", string().optional(), "Name of the session, which shows in the logs.")
        .attr("external_id", string().optional(), "What the role's trust policy asks for.")
        .attr("duration", string().optional(), "How long the session lasts, from 15m to 12h.")
        .attr("policy", string().optional(), "JSON policy that narrows the role's permissions.")
        .attr("policy_arns", string_set().optional(), "Managed policies that narrow the role's permissions.")
        .attr("tags", string_map().optional(), "Tags of the session.")
}

fn web_identity() -> BlockWord {
    one_block()
        .attr("role_arn", string().optional(), "The role.")
        .attr("session_name", string().optional(), "Name of the session, which shows in the logs.")
        .attr("web_identity_token_file", string().optional(), "File that holds the token.")
        .attr("web_identity_token", string().optional().sensitive(), "The token itself, in place of a file.")
        .attr("duration", string().optional(), "How long the session lasts, from 15m to 12h.")
        .attr("policy", string().optional(), "JSON policy that narrows the role's permissions.")
        .attr("policy_arns", string_set().optional(), "Managed policies that narrow the role's permissions.")
}

fn default_tags() -> BlockWord {
    one_block().attr("tags", string_map().optional(), "The tags; an object's own win over them.")
}

fn ignore_tags() -> BlockWord {
    one_block().attr("keys", string_set().optional(), "Keys to ignore.").attr(
        "key_prefixes",
        string_set().optional(),
        "Beginnings of keys to ignore.",
    )
}
