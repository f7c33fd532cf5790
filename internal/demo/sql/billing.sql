-- The lines of one slice; a and b are the halves of a line's draw.
-- Amounts are whole numbers of 1e-8 and costs of 1e-6 until the end: DuckDB would compute decimals of this
-- width in 128 bits, at three times the cost. A DOUBLE holds such whole numbers exactly.
INSERT INTO {table}
WITH numbered AS (
	SELECT i, i * (getvariable('slice_end')::DATE - getvariable('slice_start')::DATE) // getvariable('rows')::BIGINT AS day,
		draw(getvariable('slice_key') || ':' || i) AS draw
	FROM range(getvariable('rows')::BIGINT) AS numbers(i)
), line AS (
	SELECT i, day, low(draw) AS a, high(draw) AS b FROM numbered
), offered AS (
	SELECT i, day, (a >> 12 & 2047)::BIGINT AS account_draw, (a >> 23 & 63)::BIGINT AS step, (a >> 29 & 255)::BIGINT AS jitter,
		(a >> 37 & 15)::BIGINT AS tag_draw, (a >> 41 & 31)::BIGINT AS resource, (a >> 46 & 4095)::BIGINT AS kind,
		(b >> 52 & 4095)::BIGINT < 123 AS late, (b >> 46 & 63)::INTEGER AS late_days, (b >> 29 & 131071)::BIGINT % 86400 AS seconds,
		(b >> 15 & 16383)::BIGINT + 64 AS size, (b >> 8 & 127)::BIGINT * 100 // 128 < resource_percent AS named, o.*
	FROM line JOIN offer_slot o ON slot = (a & 4095)::BIGINT
), joined AS (
	SELECT *, CASE WHEN kind < 3950 THEN 'Usage' WHEN kind < 4016 THEN 'Tax' WHEN kind < 4064 THEN 'Credit' ELSE 'Adjustment' END AS charge_category,
		usage_date::TIMESTAMP + to_days(CASE WHEN late THEN 35 + late_days ELSE 1 END) + to_seconds(seconds) AS loaded_at,
		amount.amount * (promille * (128 + jitter) // 256) // 1000 AS amount8
	FROM offered o
	JOIN account_slot ON account_slot.slot = service * 2048 + account_draw
	JOIN day ON day.slot = o.day
	JOIN amount ON amount.slot = sku * 64 + step
	LEFT JOIN tag ON tag.slot = account * 16 + tag_draw
), priced AS (
	SELECT *, charge_category = 'Usage' AS used, charge_category IN ('Usage', 'Adjustment') AS itemised,
		round(amount8 * price)::BIGINT AS list8
	FROM joined
)
SELECT getvariable('slice_number')::BIGINT * 1000000000 + i,
	usage_date,
	date_trunc('month', CASE WHEN late THEN loaded_at::DATE ELSE usage_date END)::DATE,
	loaded_at,
	account_id,
	service_name,
	service_category,
	charge_category,
	CASE WHEN itemised THEN sku_id END,
	CASE WHEN itemised THEN region_id END,
	CASE WHEN used AND named THEN resource_kind || '-' || ((account * 4096 + sku) * 32 + resource + 1) * 2654435761 % 100000000 END,
	CASE WHEN used THEN pricing_unit END,
	CASE WHEN used THEN (amount8 / 1e8)::DECIMAL(18,8) END,
	CASE WHEN used THEN (list8 / 1e8)::DECIMAL(18,8) END,
	(CASE charge_category
		WHEN 'Usage' THEN list8 * (1000 - discount) // 100000
		WHEN 'Tax' THEN size * size // 40
		WHEN 'Credit' THEN size * size // -30
		ELSE size * size // -50 END / 1e6)::DECIMAL(18,6),
	CASE WHEN used THEN tags END
FROM priced
