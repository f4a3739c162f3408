//! Who may do what, and how much of it: ACLs, delegation tokens, SCRAM credentials, client quotas. There is no authorizer, no
//! authentication and no quota yet, and the answers are those of a Kafka that is set up like that.

use broker_wire::{
    ErrorCode, Response,
    messages::{
        AlterClientQuotasRequest, AlterClientQuotasResponse, AlterUserScramCredentialsRequest,
        AlterUserScramCredentialsResponse, CreateAclsRequest, CreateAclsResponse, CreateDelegationTokenResponse,
        DeleteAclsRequest, DeleteAclsResponse, DescribeAclsResponse, DescribeClientQuotasResponse,
        DescribeDelegationTokenResponse, DescribeUserScramCredentialsRequest, DescribeUserScramCredentialsResponse,
        ExpireDelegationTokenResponse, RenewDelegationTokenResponse,
        alter_client_quotas_response::{EntityData, EntryData},
        alter_user_scram_credentials_response::AlterUserScramCredentialsResult,
        create_acls_response::AclCreationResult,
        delete_acls_response::DeleteAclsFilterResult,
        describe_user_scram_credentials_response::DescribeUserScramCredentialsResult,
    },
};

use super::text;

/// Answers what needs no look at anything; `None` for every other request.
pub fn answer(request: &broker_wire::Request) -> Option<Response> {
    use broker_wire::Request as Wire;
    Some(match request {
        Wire::DescribeAcls(_) => Response::DescribeAcls(describe_acls()),
        Wire::CreateAcls(request) => Response::CreateAcls(create_acls(request)),
        Wire::DeleteAcls(request) => Response::DeleteAcls(delete_acls(request)),
        Wire::CreateDelegationToken(_) => {
            Response::CreateDelegationToken(CreateDelegationTokenResponse::default().with_error_code(NO_TOKENS))
        }
        Wire::RenewDelegationToken(_) => {
            Response::RenewDelegationToken(RenewDelegationTokenResponse::default().with_error_code(NO_TOKENS))
        }
        Wire::ExpireDelegationToken(_) => {
            Response::ExpireDelegationToken(ExpireDelegationTokenResponse::default().with_error_code(NO_TOKENS))
        }
        Wire::DescribeDelegationToken(_) => {
            Response::DescribeDelegationToken(DescribeDelegationTokenResponse::default().with_error_code(NO_TOKENS))
        }
        Wire::DescribeClientQuotas(_) => {
            // None, and not null, which the Java client cannot take (broker-contract 1.5 #7).
            Response::DescribeClientQuotas(DescribeClientQuotasResponse::default().with_entries(Some(Vec::new())))
        }
        Wire::AlterClientQuotas(request) => Response::AlterClientQuotas(alter_quotas(request)),
        Wire::DescribeUserScramCredentials(request) => Response::DescribeUserScramCredentials(describe_scram(request)),
        Wire::AlterUserScramCredentials(request) => Response::AlterUserScramCredentials(alter_scram(request)),
        _ => return None,
    })
}

/// Kafka gives and takes tokens only over connections that are authenticated otherwise.
const NO_TOKENS: i16 = ErrorCode::DELEGATION_TOKEN_REQUEST_NOT_ALLOWED.0;
const NO_AUTHORIZER: &str = "No Authorizer is configured.";

fn describe_acls() -> DescribeAclsResponse {
    DescribeAclsResponse::default()
        .with_error_code(ErrorCode::SECURITY_DISABLED.0)
        .with_error_message(Some(text("No Authorizer is configured on the broker")))
}

fn create_acls(request: &CreateAclsRequest) -> CreateAclsResponse {
    let refused = AclCreationResult::default()
        .with_error_code(ErrorCode::SECURITY_DISABLED.0)
        .with_error_message(Some(text(NO_AUTHORIZER)));
    CreateAclsResponse::default().with_results(vec![refused; request.creations.len()])
}

fn delete_acls(request: &DeleteAclsRequest) -> DeleteAclsResponse {
    let refused = DeleteAclsFilterResult::default()
        .with_error_code(ErrorCode::SECURITY_DISABLED.0)
        .with_error_message(Some(text(NO_AUTHORIZER)));
    DeleteAclsResponse::default().with_filter_results(vec![refused; request.filters.len()])
}

/// A quota that is taken and not enforced would be a lie.
fn alter_quotas(request: &AlterClientQuotasRequest) -> AlterClientQuotasResponse {
    let entry = |asked: &broker_wire::messages::alter_client_quotas_request::EntryData| {
        let entity = asked.entity.iter().map(|entity| {
            EntityData::default()
                .with_entity_type(entity.entity_type.clone())
                .with_entity_name(entity.entity_name.clone())
        });
        EntryData::default()
            .with_error_code(ErrorCode::UNSUPPORTED_VERSION.0)
            .with_error_message(Some(text("Client quotas are not enforced by connectd.")))
            .with_entity(entity.collect())
    };
    AlterClientQuotasResponse::default().with_entries(request.entries.iter().map(entry).collect())
}

fn describe_scram(request: &DescribeUserScramCredentialsRequest) -> DescribeUserScramCredentialsResponse {
    let nobody = |name: &broker_wire::StrBytes| {
        let why = format!("Attempt to describe a user credential that does not exist: {name}");
        DescribeUserScramCredentialsResult::default()
            .with_user(name.clone())
            .with_error_code(ErrorCode::RESOURCE_NOT_FOUND.0)
            .with_error_message(Some(text(&why)))
    };
    let users = request.users.iter().flatten().map(|user| nobody(&user.name));
    DescribeUserScramCredentialsResponse::default().with_results(users.collect())
}

fn alter_scram(request: &AlterUserScramCredentialsRequest) -> AlterUserScramCredentialsResponse {
    let result = |name: &broker_wire::StrBytes, error: ErrorCode, why: &str| {
        AlterUserScramCredentialsResult::default()
            .with_user(name.clone())
            .with_error_code(error.0)
            .with_error_message(Some(text(why)))
    };
    let deletions = request.deletions.iter().map(|deletion| {
        let why = "Attempt to delete a user credential that does not exist";
        result(&deletion.name, ErrorCode::RESOURCE_NOT_FOUND, why)
    });
    let upsertions = request.upsertions.iter().map(|upsertion| {
        let why = "connectd does not authenticate clients with SCRAM yet.";
        result(&upsertion.name, ErrorCode::UNSUPPORTED_SASL_MECHANISM, why)
    });
    AlterUserScramCredentialsResponse::default().with_results(deletions.chain(upsertions).collect())
}
