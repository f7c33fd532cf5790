-- The world that the lines are drawn from: accounts, what they use, how they tag, how much a line holds.
--
-- Every draw is bits of an MD5 over the seed and a number. MD5 is the same in every version of DuckDB, which
-- its hash() need not be, and all arithmetic is over integers and decimals: a seed always makes the same values.
-- A draw has two halves of 64 bits; every use takes bits of its own. (DuckDB's md5_number_lower and _upper go
-- through text, and take four times as long.)
CREATE MACRO draw(what) AS md5_number(getvariable('seed') || ':' || what);
CREATE MACRO low(draw) AS (draw & 18446744073709551615)::UBIGINT;
CREATE MACRO high(draw) AS (draw >> 64)::UBIGINT;

-- 320 accounts: those of the sample, then smaller ones that each follow one of the sample's AWS accounts.
-- Every account opens, and some close, with a slice. size is in 1e-4 of a line of the sample; discount in promille.
CREATE TABLE world AS
WITH model AS (
	SELECT *, row_number() OVER (ORDER BY number) - 1 AS nth, count(*) OVER () AS n
	FROM accounts WHERE provider_name = 'AWS'
), drawn AS (
	SELECT i, low(draw('account:' || i)) AS bits FROM range(320) AS numbers(i)
), placed AS (
	SELECT i, bits, coalesce(own.account_id, model.account_id) AS model_id,
		coalesce(own.account_id, ((10000000 + bits % 89999999)::BIGINT * 1000 + i)::VARCHAR) AS account_id,
		coalesce(own.account_name, model.account_name || ' ' || i) AS account_name,
		coalesce(own.billing_account_id, model.billing_account_id) AS billing_account_id,
		coalesce(own.provider_name, model.provider_name) AS provider_name,
		coalesce(own.weight * 10000, 10000 * (12288 // (512 + (bits >> 48 & 4095)::BIGINT))) AS size,
		CASE WHEN own.number < 12 THEN 0 ELSE (bits >> 8 & 4095)::BIGINT * 60 // 4096 END AS opened
	FROM drawn LEFT JOIN accounts AS own ON own.number = i
	LEFT JOIN model ON own.number IS NULL AND nth = (bits >> 32 & 65535)::BIGINT % n
)
SELECT i AS number, account_id, account_name, billing_account_id, provider_name, model_id, size,
	DATE '2012-01-01' + to_months((opened * 2)::INTEGER) AS opened_at,
	CASE WHEN i >= 12 AND (bits >> 20 & 15)::BIGINT < 3
		THEN DATE '2012-01-01' + to_months(((opened + 4 + (bits >> 24 & 31)::BIGINT) * 2)::INTEGER) END AS closed_at,
	(bits >> 28 & 15)::BIGINT // 3 * 40 AS discount,
	['production', 'production', 'production', 'development', 'development', 'shared', 'sandbox', 'partner'][1 + (bits >> 3 & 7)::BIGINT] AS segment,
	['AI', 'Architecture', 'Data', 'Design', 'Engineering', 'Finance', 'IT', 'Procurement', 'SRE'][1 + (bits >> 40 & 255)::BIGINT % 9] AS business_unit,
	['US', 'US', 'US', 'US', 'DE', 'IN', 'JP', 'GB', 'IE', 'AU', 'BR', 'CA', 'ZA', 'SE', NULL, NULL][1 + (bits >> 60 & 15)::BIGINT] AS country
FROM placed;

CREATE TABLE services AS
SELECT service_name, (row_number() OVER (ORDER BY service_name) - 1)::BIGINT AS number
FROM (SELECT DISTINCT service_name FROM skus);

-- Which services an account uses, and how much.
CREATE TABLE usage AS
SELECT w.number AS account, s.number AS service, w.opened_at, w.closed_at,
	(w.size * p.weight // sum(p.weight) OVER (PARTITION BY w.number))::BIGINT AS weight
FROM world w JOIN account_services p ON p.account_id = w.model_id JOIN services s USING (service_name);

-- What is on offer: a SKU in a region. Taxes and similar lines are not on offer.
CREATE TABLE offer AS
SELECT o.number, o.weight, s.number AS service, k.number AS sku, k.sku_id, o.region_id, k.service_name, k.service_category,
	k.pricing_unit, k.list_unit_price::DOUBLE AS price, k.resource_kind, k.resource_percent
FROM offers o JOIN skus k USING (sku_id) JOIN services s USING (service_name);

-- The amount of a SKU's line, in 1e-8 units: 64 steps through the sample's quartiles, times 24 as a line is a
-- day and not an hour.
CREATE TABLE amount AS
WITH quartile AS (
	SELECT number, unnest([0, 1, 2, 3]) AS quarter, unnest([q0, q1, q2, q3]) AS least, unnest([q1, q2, q3, q4]) AS most FROM skus
), whole AS (
	SELECT number, quarter, (least::DECIMAL(27,8) * 100000000)::BIGINT AS least, (most::DECIMAL(27,8) * 100000000)::BIGINT AS most FROM quartile
)
SELECT number * 64 + quarter * 16 + step AS slot, 24 * (least + (most - least) * step // 15) AS amount
FROM whole, range(16) AS steps(step);

-- 16 slots of tags for each account; a slot that is not there has none.
CREATE TABLE tag AS
WITH weighted AS (
	SELECT w.number AS account, t.*, sum(t.weight) OVER seen AS upto, sum(t.weight) OVER (PARTITION BY w.number) AS total
	FROM world w JOIN tags t ON t.account_id = w.model_id WINDOW seen AS (PARTITION BY w.number ORDER BY t.number)
), slotted AS (
	SELECT *, unnest(range((((upto - weight) * 16 + total - 1) // total)::BIGINT, ((upto * 16 + total - 1) // total)::BIGINT)) AS nth
	FROM weighted
)
SELECT account * 16 + nth AS slot, '{"application": "' || application || '", "environment": "' || environment || '"}' AS tags
FROM slotted WHERE application IS NOT NULL;
