//! The `endpoints` block: URLs to call in place of the usual ones.
//!
//! It takes every name that the documentation of `hashicorp/aws` lists
//! (<https://registry.terraform.io/providers/hashicorp/aws/latest/docs/guides/custom-service-endpoints>), so that one
//! block serves all tools; the services that are called here are [`SERVICES`].

use std::collections::BTreeMap;

use crate::provider::Config;
use crate::provider::schema_words::{BlockWord, set_block, string};

/// The services that are called, each with the other names that the block has for it.
const SERVICES: [(&str, &[&str]); 7] =
    [("ec2", &[]), ("eks", &[]), ("elasticache", &[]), ("iam", &[]), ("rds", &[]), ("s3", &["s3api"]), ("sts", &[])];

/// The names of services that are not called.
const OTHERS: &str = "\
    accessanalyzer account accountaccess acm acmpca agentregistry amg amp amplify apigateway apigatewayv2 \
    appautoscaling appconfig appfabric appflow appintegrations appintegrationsservice applicationautoscaling \
    applicationinsights applicationsignals appmesh appregistry apprunner appstream appsync arcregionswitch \
    arczonalshift athena auditmanager autoscaling autoscalingplans backup batch bcmdataexports beanstalk bedrock \
    bedrockagent bedrockagentcore bedrockruntime billing budgets ce chatbot chime chimesdkmediapipelines \
    chimesdkvoice cleanrooms cloud9 cloudcontrol cloudcontrolapi cloudformation cloudfront cloudfrontkeyvaluestore \
    cloudhsm cloudhsmv2 cloudsearch cloudtrail cloudwatch cloudwatchevents cloudwatchevidently cloudwatchlog \
    cloudwatchlogs cloudwatchobservabilityaccessmanager cloudwatchrum codeartifact codebuild codecatalyst \
    codecommit codeconnections codedeploy codeguruprofiler codegurureviewer codepipeline codestarconnections \
    codestarnotifications cognitoidentity cognitoidentityprovider cognitoidp comprehend computeoptimizer config \
    configservice connect connectcases controltower costandusagereportservice costexplorer costoptimizationhub cur \
    customerprofiles databasemigration databasemigrationservice databrew dataexchange datapipeline datasync \
    datazone dax deploy detective devicefarm devopsagent devopsguru directconnect directoryservice \
    directoryservicedata dlm dms docdb docdbelastic drs ds dsql dynamodb ecr ecrpublic ecs efs elasticbeanstalk \
    elasticloadbalancing elasticloadbalancingv2 elasticsearch elasticsearchservice elastictranscoder elb elbv2 emr \
    emrcontainers emrserverless es eventbridge eventbridgev2 events evidently evs finspace firehose fis fms fsx \
    gamelift glacier globalaccelerator glue gluedatabrew grafana greengrass groundstation guardduty healthlake \
    identitystore imagebuilder inspector inspector2 inspectorv2 interconnect internetmonitor invoicing iot ivs \
    ivschat kafka kafkaconnect kendra keyspaces kinesis kinesisanalytics kinesisanalyticsv2 kinesisvideo kms \
    lakeformation lambda lambdacore lambdamicrovms launchwizard lex lexmodelbuilding lexmodelbuildingservice \
    lexmodels lexmodelsv2 lexv2models licensemanager lightsail location locationservice logs m2 macie2 mailmanager \
    managedgrafana mediaconnect mediaconvert medialive mediapackage mediapackagev2 mediapackagevod mediastore \
    memorydb mgn mpa mq msk mwaa mwaaserverless neptune neptunegraph networkfirewall networkflowmonitor \
    networkmanager networkmonitor networksecuritymanager notifications notificationscontacts oam \
    observabilityadmin odb opensearch opensearchingestion opensearchserverless opensearchservice organizations \
    osis outposts paymentcryptography pcaconnectorad pcs pinpoint pinpointsmsvoicev2 pipes polly pricing prometheus \
    prometheusservice qbusiness qldb quicksight ram rbin rdsdata rdsdataservice recyclebin redshift redshiftdata \
    redshiftdataapiservice redshiftserverless rekognition resiliencehub resiliencehubv2 resourceexplorer2 \
    resourcegroups resourcegroupstagging resourcegroupstaggingapi rolesanywhere route53 route53domains \
    route53profiles route53recoverycontrolconfig route53recoveryreadiness route53resolver rum s3control s3files \
    s3outposts s3tables s3vectors sagemaker savingsplans scheduler schemas secretsmanager securityhub securitylake \
    serverlessapplicationrepository serverlessapprepo serverlessrepo servicecatalog servicecatalogappregistry \
    servicediscovery servicequotas ses sesv2 sfn shield signer sns sqs ssm ssmcontacts ssmincidents ssmquicksetup \
    ssmsap sso ssoadmin stepfunctions storagegateway swf synthetics taxsettings timestreaminfluxdb timestreamquery \
    timestreamwrite transcribe transcribeservice transfer uxc verifiedpermissions vpclattice waf wafregional wafv2 \
    wellarchitected workmail workspaces workspacesweb xray";

/// URLs by service, where the block sets them.
pub(super) type Endpoints = BTreeMap<&'static str, String>;

/// The URLs of the services that are called.
pub(super) fn read(config: &Config) -> Endpoints {
    let mut endpoints = Endpoints::new();
    for block in config.blocks("endpoints") {
        for (service, aliases) in SERVICES {
            let mut names = std::iter::once(service).chain(aliases.iter().copied());
            if let Some(url) = names.find_map(|name| block.string(name).filter(|url| !url.is_empty())) {
                endpoints.insert(service, url);
            }
        }
    }
    endpoints
}

/// Other tools keep `endpoints` as a set of blocks; they are read as one.
pub(super) fn schema() -> BlockWord {
    let url = |block: BlockWord, name: &'static str, doc| block.attr(name, string().optional(), doc);
    let called = SERVICES.iter().fold(set_block(), |block, (service, aliases)| {
        let block = url(block, service, "URL of this service.");
        aliases.iter().fold(block, |block, alias| url(block, alias, "The same under another name."))
    });
    let others = OTHERS.split_ascii_whitespace();
    others.fold(called, |block, name| url(block, name, "Accepted for files that set it: nothing calls this service."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ObjectBuilder;

    #[test]
    fn a_block_for_many_services_gives_those_that_are_called() {
        let names = ["s3api", "sts", "dynamodb", "stepfunctions"];
        let schema = super::super::schema::config();
        let known = &schema.block.nested("endpoints").unwrap().block;
        assert!(names.iter().all(|name| known.attribute(name).is_some()));
        let block = names.iter().fold(ObjectBuilder::new(), |block, n| block.set(n, format!("http://{n}"))).build();
        let found = read(&ObjectBuilder::new().blocks("endpoints", [block]).build());
        assert_eq!(found, Endpoints::from([("s3", "http://s3api".into()), ("sts", "http://sts".into())]));
    }
}
