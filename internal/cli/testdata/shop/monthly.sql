-- What each store sold in a month.
SELECT date_trunc('month', s.day)::DATE AS month,
       s.store,
       coalesce(t.city, '?') AS city,
       count(*) AS sales,
       sum(s.amount)::DECIMAL(18,2) AS amount,
       (sum(s.amount) * :rate)::DECIMAL(18,2) AS revenue
FROM sales AS s
LEFT JOIN stores AS t ON t.store = s.store
GROUP BY ALL
