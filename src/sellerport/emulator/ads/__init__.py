"""The local Amazon's Ads API: profiles in three regions, portfolios and campaigns, and the gateway before them."""
