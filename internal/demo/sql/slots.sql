-- What can be drawn in one slice: temporary tables, which each connection makes for each slice. A weight becomes a
-- share of numbered slots, so that a draw is an equal chance for each slot, looked up by its number.

-- One row a day: its amounts grow over the years, rise to the year's end and fall at weekends; in promille.
CREATE OR REPLACE TEMP TABLE day AS
SELECT i AS slot, (getvariable('slice_start')::DATE + i::INTEGER)::DATE AS usage_date,
	(1000 + 20 * datediff('month', DATE '2016-01-01', usage_date))
		* [96, 94, 98, 99, 100, 99, 95, 94, 99, 102, 112, 118][month(usage_date)] // 100
		* (CASE WHEN isodow(usage_date) > 5 THEN 72 ELSE 100 END) // 100 AS promille
FROM range(getvariable('slice_end')::DATE - getvariable('slice_start')::DATE) AS days(i);

-- 2048 slots for the accounts that use a service and are open in this slice.
CREATE OR REPLACE TEMP TABLE account_slot AS
WITH active AS (
	SELECT service, account, weight, sum(weight) OVER (PARTITION BY service ORDER BY account) AS upto,
		sum(weight) OVER (PARTITION BY service) AS total
	FROM usage
	WHERE weight > 0 AND opened_at < getvariable('slice_end')::DATE
		AND (closed_at IS NULL OR closed_at > getvariable('slice_start')::DATE)
), slotted AS (
	SELECT service, account,
		unnest(range((((upto - weight) * 2048 + total - 1) // total)::BIGINT, ((upto * 2048 + total - 1) // total)::BIGINT)) AS nth
	FROM active
)
SELECT service * 2048 + nth AS slot, account, account_id, discount
FROM slotted JOIN world ON number = account;

-- 4096 slots for the offers of services that some open account uses: services come into use over the years.
CREATE OR REPLACE TEMP TABLE offer_slot AS
WITH open AS (
	SELECT *, sum(weight) OVER (ORDER BY number) AS upto, sum(weight) OVER () AS total
	FROM offer WHERE service IN (SELECT slot // 2048 FROM account_slot)
), slotted AS (
	SELECT *, unnest(range((((upto - weight) * 4096 + total - 1) // total)::BIGINT, ((upto * 4096 + total - 1) // total)::BIGINT)) AS nth
	FROM open
)
SELECT nth AS slot, * EXCLUDE (nth, weight, upto, total) FROM slotted;
