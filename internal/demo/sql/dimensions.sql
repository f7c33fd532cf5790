-- The dimension tables. A few accounts are in the billing lines and not here, as in life.
CREATE TABLE {warehouse}.accounts (
	account_id VARCHAR NOT NULL, account_name VARCHAR NOT NULL, billing_account_id VARCHAR NOT NULL,
	provider_name VARCHAR NOT NULL, segment VARCHAR NOT NULL, business_unit VARCHAR NOT NULL, country VARCHAR,
	discount DECIMAL(4,3) NOT NULL, opened_at DATE NOT NULL, closed_at DATE);
INSERT INTO {warehouse}.accounts
SELECT account_id, account_name, billing_account_id, provider_name, segment, business_unit, country,
	(discount * 0.001)::DECIMAL(4,3), opened_at, closed_at
FROM world WHERE number % 80 <> 60 ORDER BY number;
CREATE TABLE {warehouse}.skus (
	sku_id VARCHAR NOT NULL, sku_description VARCHAR NOT NULL, provider_name VARCHAR NOT NULL, service_name VARCHAR NOT NULL,
	service_category VARCHAR NOT NULL, pricing_unit VARCHAR NOT NULL, list_unit_price DECIMAL(18,10) NOT NULL);
INSERT INTO {warehouse}.skus
SELECT sku_id, sku_description, provider_name, service_name, service_category, pricing_unit, list_unit_price
FROM skus ORDER BY sku_id;
