//! A fake `CloudFormation` with one stack. It records who called it.

use std::{
    io,
    sync::{Arc, Mutex},
};

use http::{Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Bytes;

use crate::server::serve;

/// The name of the stack.
pub const NAME: &str = "sign-in";

/// The id of the stack.
pub const ARN: &str = "arn:aws:cloudformation:eu-central-1:123456789012:stack/sign-in/8a2f";

/// A server for one test.
pub struct Stack {
    url: String,
    callers: Arc<Mutex<Vec<String>>>,
}

impl Stack {
    /// Serves a stack with these outputs.
    pub async fn serve(outputs: &[(&str, &str)]) -> Self {
        Self::serve_with(outputs, &[]).await
    }

    /// Serves a stack with these outputs and parameters.
    pub async fn serve_with(outputs: &[(&str, &str)], parameters: &[(&str, &str)]) -> Self {
        let body = description(outputs, parameters);
        let callers = Arc::new(Mutex::new(Vec::new()));
        let seen = Arc::clone(&callers);
        let address = serve(move |request| {
            let caller = request.headers().get("authorization");
            let caller = caller.and_then(|caller| caller.to_str().ok());
            let caller = caller.unwrap_or_default().to_owned();
            seen.lock().expect("no panic").push(caller);
            let body = body.clone();
            async move {
                let form = request.into_body().collect().await;
                let form = form.map_err(io::Error::other)?.to_bytes();
                let name = format!("StackName={NAME}");
                let is_known = String::from_utf8_lossy(&form)
                    .split('&')
                    .any(|pair| pair == name);
                Ok(if is_known {
                    respond(StatusCode::OK, body)
                } else {
                    unknown()
                })
            }
        })
        .await;
        Self {
            url: format!("http://{address}"),
            callers,
        }
    }

    /// Returns the URL of the server.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the `Authorization` of each request, which names the access key and the region.
    #[must_use]
    pub fn callers(&self) -> Vec<String> {
        self.callers.lock().expect("no panic").clone()
    }
}

fn description(outputs: &[(&str, &str)], parameters: &[(&str, &str)]) -> String {
    let outputs = outputs.iter().map(|(key, value)| {
        format!("<member><OutputKey>{key}</OutputKey><OutputValue>{value}</OutputValue></member>")
    });
    let outputs = outputs.collect::<String>();
    let parameters = parameters.iter().map(|(key, value)| {
        format!("<member><ParameterKey>{key}</ParameterKey><ParameterValue>{value}</ParameterValue></member>")
    });
    let parameters = parameters.collect::<String>();
    format!(
        "<DescribeStacksResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\">\
         <DescribeStacksResult><Stacks><member><StackId>{ARN}</StackId><StackName>{NAME}</StackName>\
         <CreationTime>2026-11-01T00:00:00Z</CreationTime><StackStatus>CREATE_COMPLETE</StackStatus>\
         <Outputs>{outputs}</Outputs><Parameters>{parameters}</Parameters></member></Stacks></DescribeStacksResult>\
         <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></DescribeStacksResponse>"
    )
}

fn unknown() -> Response<Full<Bytes>> {
    let body = "<ErrorResponse xmlns=\"http://cloudformation.amazonaws.com/doc/2010-05-15/\"><Error>\
                <Type>Sender</Type><Code>ValidationError</Code><Message>Stack does not exist</Message></Error>\
                <RequestId>1</RequestId></ErrorResponse>";
    respond(StatusCode::BAD_REQUEST, body.into())
}

fn respond(status: StatusCode, body: String) -> Response<Full<Bytes>> {
    let response = Response::builder()
        .status(status)
        .header("content-type", "text/xml")
        .body(Full::from(body));
    response.expect("a response")
}
