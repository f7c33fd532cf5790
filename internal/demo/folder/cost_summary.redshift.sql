-- Net cost of cloud services by month, account and service, in the words of Amazon Redshift.
--
-- hindcast writes it for the engine so that it gives Redshift's own answers. As it stands, or through a translator that guesses, the numbered
-- lines would give other ones, most of them without a word.
SELECT
    date_trunc('month', b.usage_date)::date                       AS usage_month,
    b.account_id,
    b.service_name,
    nvl(a.account_name, '(unknown account)')                      AS account_name,
    decode(a.segment, NULL, 'unknown', a.segment)                 AS segment,          -- 1: NULL equals NULL in DECODE
    substring(b.account_id, 0, 6)                                 AS account_group,    -- 2: five characters, since one of six stands before the text
    rtrim(b.service_name::varchar(12))                            AS service,          -- 3: cut, and no error
    nvl(concat(max(b.region_id), '/'), 'no region')               AS region,           -- 4: CONCAT with NULL is NULL
    count(*)                                                      AS lines,
    sum(CASE WHEN b.charge_category <> 'Usage ' THEN 1 ELSE 0 END) AS other_lines,     -- 5: blanks at the end do not count
    lines / 4                                                     AS lines_a_week,     -- 6: integers divided are an integer; 7: an alias of the same SELECT
    100 * other_lines / nullif(lines - other_lines, 0)            AS other_percent,    -- 8: by zero it raises, by NULL it is NULL
    avg(datediff(day, b.usage_date, b.loaded_at))                 AS days_to_load,     -- 9: the average of integers is an integer
    datediff(month, min(b.usage_date), max(b.loaded_at))          AS months_to_load,   -- 10: months that begin between them
    dateadd(month, 1, last_day(max(b.usage_date)))::date          AS due,              -- 11: a month after 31 January is the last day of February
    extract(dow FROM min(b.usage_date))                           AS first_weekday,    -- 12: Sunday is 0
    round(sum(b.list_cost), 2)                                    AS list_cost,
    sum(b.cost)                                                   AS billed_cost,
    sum(decode(b.charge_category, 'Tax', 0, b.cost)) * :rate      AS net_cost
FROM billing b, accounts a
WHERE b.account_id = a.account_id(+)                                                   -- 13: lines of unknown accounts stay
GROUP BY 1, 2, 3, 4, 5, 6, 7
