CREATE TABLE {table} (
	line_id              BIGINT NOT NULL,
	usage_date           DATE NOT NULL,
	billing_period_start DATE NOT NULL,      -- the month of the invoice: later than the usage for lines billed late
	loaded_at            TIMESTAMP NOT NULL,
	account_id           VARCHAR NOT NULL,
	service_name         VARCHAR NOT NULL,
	service_category     VARCHAR NOT NULL,
	charge_category      VARCHAR NOT NULL,   -- Usage, Tax, Credit, Adjustment (a refund)
	sku_id               VARCHAR,            -- NULL for taxes and credits
	region_id            VARCHAR,
	resource_id          VARCHAR,
	pricing_unit         VARCHAR,
	usage_amount         DECIMAL(18,8),
	list_cost            DECIMAL(18,8),
	cost                 DECIMAL(18,6) NOT NULL,
	tags                 VARCHAR             -- JSON
)
