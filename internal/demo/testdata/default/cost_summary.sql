-- Net cost of cloud services by month, account and service.
--
-- "billing" is one slice of history: hindcast runs this same SQL over each. The parameter rate in
-- hindcast.yml turns the invoices' dollars into the currency that you report in.
SELECT
    CAST(date_trunc('month', b.usage_date) AS DATE)     AS usage_month,
    b.account_id,
    b.service_name,
    coalesce(a.account_name, '(unknown account)')       AS account_name,
    coalesce(a.segment, 'unknown')                      AS segment,
    coalesce(a.business_unit, 'unknown')                AS business_unit,
    count(*)                                            AS lines,
    count(*) FILTER (WHERE b.billing_period_start > b.usage_date) AS late_lines,
    CAST(sum(b.list_cost) AS DECIMAL(18, 8))            AS list_cost,
    -- Everything on the invoices. A check compares it with the source, exactly.
    CAST(sum(b.cost) AS DECIMAL(18, 6))                 AS billed_cost,
    CAST(coalesce(sum(b.cost) FILTER (WHERE b.charge_category = 'Tax'), 0) AS DECIMAL(18, 6)) AS tax,
    CAST(coalesce(sum(b.cost) FILTER (WHERE b.charge_category IN ('Credit', 'Adjustment')), 0) AS DECIMAL(18, 6))
                                                        AS credits_and_refunds,
    -- Usage less credits and refunds, before tax.
    CAST(coalesce(sum(b.cost) FILTER (WHERE b.charge_category <> 'Tax'), 0) * :rate AS DECIMAL(18, 6))
                                                        AS net_cost
FROM billing AS b
LEFT JOIN accounts AS a ON a.account_id = b.account_id
GROUP BY ALL
