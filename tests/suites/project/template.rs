//! `template.yaml`: what a deployed stack consists of, and what its functions may do.

mod alarms;
mod deploys;
mod functions;
mod mails;
mod options;
mod parameters;
mod storage;

/// With these parameters, the stack has all alarms, and they notify.
const ALARMING: [(&str, &str); 2] = [
    ("AlarmTopicArn", "arn:aws:sns:eu-central-1:1:alarms"),
    ("DeploymentPreference", "Canary10Percent5Minutes"),
];
