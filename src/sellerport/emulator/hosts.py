"""Which of Amazon's hosts the local Amazon stands for: those that Sellerport calls, and some that only others do."""

from __future__ import annotations

from sellerport.regions import HOSTS

STORAGE_HOSTS = {
    "na": "tortuga-prod-na.s3-external-1.amazonaws.com",
    "eu": "tortuga-prod-eu.s3-eu-west-1.amazonaws.com",
    "fe": "tortuga-prod-fe.s3-us-west-2.amazonaws.com",
}
"""Where Amazon keeps the documents of a region, as people report it; clients that come through the proxy go there."""

QUEUE_HOSTS = {
    f"sqs.{region}.amazonaws.com": region
    for region in (
        "us-east-1", "us-east-2", "us-west-1", "us-west-2", "ca-central-1", "sa-east-1", "eu-west-1", "eu-west-2",
        "eu-west-3", "eu-central-1", "eu-north-1", "eu-south-1", "ap-northeast-1", "ap-northeast-2", "ap-southeast-1",
        "ap-southeast-2", "ap-south-1", "me-south-1",
    )
}  # fmt: skip
"""Where AWS keeps queues, by host: the regions that developers may have theirs in."""

SERVED = HOSTS.union(STORAGE_HOSTS.values(), QUEUE_HOSTS)
"""Every host that there is for clients that come through the proxy."""
