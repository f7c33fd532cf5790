-- The tables that the embedded sample is read into. Numbers stand in the order of the embedded files.
CREATE TABLE skus (
	sku_id VARCHAR NOT NULL, provider_name VARCHAR NOT NULL, service_name VARCHAR NOT NULL,
	service_category VARCHAR NOT NULL, pricing_unit VARCHAR NOT NULL, list_unit_price DECIMAL(18,10) NOT NULL,
	sku_description VARCHAR NOT NULL, resource_kind VARCHAR NOT NULL, resource_percent BIGINT NOT NULL,
	q0 DECIMAL(18,8), q1 DECIMAL(18,8), q2 DECIMAL(18,8), q3 DECIMAL(18,8), q4 DECIMAL(18,8), number BIGINT NOT NULL);
CREATE TABLE offers (
	sku_id VARCHAR NOT NULL, region_id VARCHAR, weight BIGINT NOT NULL, number BIGINT NOT NULL);
CREATE TABLE accounts (
	account_id VARCHAR NOT NULL, account_name VARCHAR NOT NULL, billing_account_id VARCHAR NOT NULL,
	provider_name VARCHAR NOT NULL, weight BIGINT NOT NULL, number BIGINT NOT NULL);
CREATE TABLE account_services (
	account_id VARCHAR NOT NULL, service_name VARCHAR NOT NULL, weight BIGINT NOT NULL, number BIGINT NOT NULL);
CREATE TABLE tags (
	account_id VARCHAR NOT NULL, application VARCHAR, environment VARCHAR, weight BIGINT NOT NULL, number BIGINT NOT NULL);
