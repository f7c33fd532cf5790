SELECT date_trunc('month', s.day)::DATE AS month, t.team, count(*) AS sales, (sum(s.amount) * :rate)::DECIMAL(18,4) AS amount
FROM sales s JOIN teams t USING (team_id)
GROUP BY ALL
