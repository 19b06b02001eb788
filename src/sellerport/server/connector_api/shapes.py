"""What answers look like: the contract's shapes, and below each what this server adds."""

from __future__ import annotations

from typing import Any, Literal, NotRequired, TypedDict


class ErrorEntry(TypedDict):
    """One thing that is wrong."""

    field: str | None
    message: str
    error_code: str | None
    details: Any


class Refusal(TypedDict):
    """What every route answers when it does not do what was asked."""

    message: str | None
    errors: list[ErrorEntry]
    request_id: str | None


class TokenAnswer(TypedDict):
    """An access token."""

    access_token: str
    token_type: Literal["bearer"]
    expires_in: int
    organization_id: str


class ScopedTokenAnswer(TypedDict):
    """A token that is good for one workspace; ``expires_in`` is ours."""

    token: str
    expires_in: int


class ScopedTokenInfo(TypedDict):
    """What a scoped token is good for."""

    organization_id: str
    workspace_id: str
    workspace_name: str


class ConsentUrl(TypedDict):
    """Where to send the account's owner."""

    consent_url: str


class Template(TypedDict):
    """A connector of the contract, in short."""

    id: str
    name: str
    icon: str | None
    tags: list[str]
    mode: Literal["DIRECT"]
    runtime_mode: Literal["direct_only"]
    supports_context_store: bool


class SummarizedTemplate(Template):
    """As lists have it."""

    connector_name: str
    actor_definition_id: str


class UserConfigSpec(TypedDict):
    """What credentials have to be."""

    connectionSpecification: dict[str, Any]


class DetailedTemplate(Template):
    """As single answers have it."""

    source_definition_id: str
    user_config_spec: UserConfigSpec
    partial_default_config: dict[str, Any]
    is_experimental: bool


class EntityModes(TypedDict):
    """What may be done with an entity."""

    entity: str
    modes: NotRequired[list[Literal["read", "write"]] | None]


class ConnectorFacts(TypedDict):
    """What every answer has of a connector; from ``workspace_name`` on it is ours."""

    id: str
    name: str
    created_at: str | None
    updated_at: str | None
    workspace_name: str | None
    platform: Literal["seller-partner", "ads"]
    status: Literal["pending", "active", "needs_consent"]
    region: str
    marketplace: str
    selling_partner_id: str | None
    profiles: int | None
    profile_id: str | None
    last_success_at: str | None
    last_error_at: str | None
    last_error: str | None


class Connector(ConnectorFacts):
    """One connector."""

    source_template: DetailedTemplate
    replication_config: dict[str, Any]
    entities: list[EntityModes]


class ConnectorSummary(ConnectorFacts):
    """One connector of a list."""

    summarized_source_template: SummarizedTemplate


class ConnectorList(TypedDict):
    """Connectors."""

    data: list[ConnectorSummary]


class ConnectorId(TypedDict):
    """A connector as the first version of the contract listed it."""

    id: str


class OldConnectorList(TypedDict):
    """Connectors as the first version of the contract listed them."""

    connectors: list[ConnectorId]


class Job(TypedDict):
    """What was asked for; it is done already."""

    job_id: str


class EntityCheck(TypedDict):
    """How one entity was tried."""

    entity: str
    status: Literal["succeeded", "failed"]
    status_code: int | None
    error_message: str | None


class FailureReason(TypedDict):
    """Why a check failed."""

    timestamp: int
    failure_origin: Literal["source"]
    failure_type: Literal["config_error", "transient_error"]
    external_message: str
    retryable: bool


class Check(TypedDict):
    """How a check went."""

    id: str
    status: Literal["succeeded", "failed"]
    error_message: str | None
    failure_reason: FailureReason | None
    entity_check_results: list[EntityCheck]


class Inspection(TypedDict):
    """What a connector is."""

    connector_id: str
    name: str
    workspace_id: str | None
    organization_id: str
    source_definition_id: str
    source_definition_name: str
    source_config_template_id: str
    docs_skill_id: str
    context_store_readiness: None
    warnings: list[str]


class ExecutionMetadata(TypedDict):
    """What is known of an execution."""

    connector_instance_id: str
    execution_time_ms: int


class Execution(TypedDict):
    """What an action came to."""

    status: Literal["success"]
    result: Any
    connector_metadata: dict[str, Any] | None
    execution_metadata: ExecutionMetadata


class Workspace(TypedDict):
    """A customer."""

    id: str
    name: str
    organization_id: str
    status: Literal["active", "inactive"]
    cache_enabled: bool | None
    tombstone: bool
    visibility: Literal["private"]
    color: str
    created_at: str | None
    updated_at: str | None


class WorkspaceList(TypedDict):
    """Workspaces, and the address of those that come next."""

    data: list[Workspace]
    next: str | None


class WorkspaceStats(TypedDict):
    """How many workspaces there are."""

    active_count: int
    inactive_count: int
    total_count: int


class Deleted(TypedDict):
    """What is gone."""

    id: str
    deleted_at: str | None


class OauthCredentials(TypedDict):
    """That an organization has an application of its own; what it is, is not said."""

    id: str
    scope_type: Literal["organization"]
    scope_id: str
    connector_type: Literal["source"]
    connector_definition_id: str
    created_at: str | None
    updated_at: str | None


class OauthSpec(TypedDict):
    """What ``configuration`` has to be."""

    connector_definition_id: str
    configuration: dict[str, Any]


class Definition(TypedDict):
    """A connector of the contract."""

    sourceDefinitionId: str
    name: str
    iconUrl: str | None
    dockerRepository: str | None
    custom: bool
    supportLevel: str


class DefinitionList(TypedDict):
    """Connectors of the contract."""

    definitions: list[Definition]


class DetailedDefinition(TypedDict):
    """A connector of the contract, with what credentials have to be."""

    id: str
    definition: dict[str, Any]
    example_questions: dict[str, list[str]]


class TemplateList(TypedDict):
    """Templates."""

    data: list[SummarizedTemplate]


class Freshness(TypedDict):
    """How old a skill's text is."""

    state: Literal["static", "live"]
    checked_at: str | None


class Skill(TypedDict):
    """What an agent can read about a connector."""

    id: str
    kind: Literal["connector_source"]
    title: str
    summary: str | None
    tags: list[str]
    provenance: str
    version: str
    freshness: Freshness
    warnings: list[str]


class SkillList(TypedDict):
    """Skills."""

    data: list[Skill]
    next_cursor: str | None


class Section(TypedDict):
    """A part of a skill's text."""

    id: str
    title: str
    summary: str | None
    available: bool


class Block(TypedDict, total=False):
    """A paragraph, or what stands like one."""

    type: Literal["heading", "paragraph", "list", "table"]
    text: str
    level: int
    items: list[str]
    headers: list[str]
    rows: list[list[str]]


class SkillDocs(TypedDict):
    """A skill's text, or a part of it."""

    metadata: Skill
    outline: list[Section]
    section_id: str | None
    content: list[Block]


class AuditRecord(TypedDict):
    """One record of the audit."""

    sequence: int
    at: str | None
    actor: str
    action: str
    subject: str
    facts: dict[str, Any]
    hash: str


class AuditPage(TypedDict):
    """Records of the audit, and the next page's ``before``."""

    data: list[AuditRecord]
    next: int | None


class Webhook(TypedDict):
    """A webhook."""

    id: str
    url: str
    types: list[str]
    created_at: str | None


class WebhookSecret(Webhook):
    """A webhook with its secret, which is shown once."""

    secret: str


class WebhookList(TypedDict):
    """Webhooks."""

    data: list[Webhook]


class WebhookDeleted(TypedDict):
    """That a webhook is gone."""

    deleted: bool


class EventType(TypedDict):
    """What was sent."""

    type: str


class Replayed(TypedDict):
    """How many events are sent again."""

    events: int


class Delivery(TypedDict):
    """What became of an event."""

    event_id: str
    type: str
    connection_id: str | None
    status: Literal["pending", "delivered", "dead"]
    attempts: int
    created_at: str | None
    last_attempt_at: str | None
    next_attempt_at: str | None
    last_status: int | None
    last_error: str | None
    delivered_at: str | None


class DeliveryList(TypedDict):
    """What became of events."""

    data: list[Delivery]
